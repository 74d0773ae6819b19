import { type Credentials, isRoutingAgent, type Target } from '@clientcert/core';
import { separate } from './cache.ts';

export * from '@clientcert/core';

/** As whom calls are made unless their own `context` says otherwise. */
export interface GotOptions<ServiceName extends string = string> {
  /** Make every call as this service of the config; with `false`, present no certificate. */
  service?: ServiceName | false | undefined;
}

/**
 * What `got.extend` takes: hooks, which got runs again for every redirect, retry and page. Written as the
 * shape that got 14, 15 and 16 have in common.
 */
export interface GotExtension {
  hooks: {
    beforeRequest: ((options: Hop) => Promise<void>)[];
    beforeRedirect: ((options: Hop, response: { url: string; requestUrl: string | URL }) => Promise<void>)[];
  };
}

/** The options of one hop, as far as this adapter knows them. */
export interface Hop {
  url: string | URL | undefined;
  context: Record<string, unknown>;
  agent: { https?: unknown };
  http2: boolean;
  cache?: unknown;
  createConnection?: unknown;
  h2session?: unknown;
}

/**
 * Options for `got.extend` that give every request the client certificate that its host, or the service it is
 * made as, is pinned to; every hop of a redirect is decided anew, and a host that no rule names sees none.
 *
 * A call names its service, or `false` for no certificate, as `context.clientCertificate`.
 *
 * @param credentials What `loadCredentials` returned, or the promise of it: requests wait for it, and where
 *   loading failed each of them fails with that error.
 * @param options `service`: as whom calls are made that do not say it themselves.
 *
 * @example
 * import got from 'got';
 * import { clientCertificates, loadCredentials } from '@clientcert/got';
 *
 * const api = got.extend(clientCertificates(loadCredentials('clientcert.json')));
 * await api('https://api.bank.example/accounts').json();
 * await api('https://api.bank.example/invoices', { context: { clientCertificate: 'Billing.InvoiceService' } });
 */
export function clientCertificates<ServiceName extends string>(
  credentials: Credentials<string, ServiceName> | Promise<Credentials<string, ServiceName>>,
  options: GotOptions<NoInfer<ServiceName>> = {},
): GotExtension {
  // Handled here, so that a failed load is reported by the requests and never as an unhandled rejection.
  if (credentials instanceof Promise) credentials.catch(() => {});
  return {
    hooks: {
      beforeRequest: [async (hop) => apply((await credentials) as Credentials, hop, options.service)],
      beforeRedirect: [
        async (hop, { url, requestUrl }) => {
          const context = hop.context as Context;
          context[begun] ??= new URL(requestUrl).origin;
          const from = targetOf(new URL(url), serviceOf(hop, options.service), context[begun]);
          if (from) ((await credentials) as Credentials).checkRedirect(from, hop.url!);
        },
      ],
    },
  };
}

/** The origin that a call began at; got copies `context`, symbols included, from hop to hop. */
const begun: unique symbol = Symbol('clientcert.begun');

interface Context {
  clientCertificate?: string | false | undefined;
  [begun]?: string;
}

function apply(credentials: Credentials, hop: Hop, byDefault: string | false | undefined): void {
  const url = hop.url instanceof URL ? hop.url : new URL(hop.url!);
  const service = serviceOf(hop, byDefault);
  const origin = (hop.context as Context)[begun] ?? url.origin;
  const target = targetOf(url, service, origin);
  if (!target) return;

  for (const [option, value] of ownConnection(hop)) {
    if (value == null || value === false || handedOut.has(value as object)) continue;
    if (option === 'agent.https' && isRoutingAgent(value)) return;
    credentials.refuseOwn(target, option);
    return;
  }
  if (hop.http2) {
    // got's HTTP/2 takes no agent, only raw keys, which would then stand on every error.
    if (credentials.resolve(target).rule === 'none') return;
    hop.http2 = false;
  }
  const agent = credentials.sharedAgent({ service, origin: service ? origin : undefined });
  handedOut.add(agent);
  hop.agent.https = agent;
  if (hop.cache) hop.cache = separate(hop.cache, fingerprint(credentials, target));
}

/** Agents that this adapter has set: they come back with every retry and redirect. */
const handedOut = new WeakSet<object>();

/** Ways to bring a connection of one's own; a certificate and key are left to the agent to refuse. */
function ownConnection({ agent, createConnection, http2, h2session }: Hop): [string, unknown][] {
  return [
    ['agent.https', agent.https],
    ['createConnection', createConnection],
    ['h2session', http2 ? h2session : undefined],
  ];
}

function serviceOf({ context }: Hop, byDefault: string | false | undefined): string | false | undefined {
  return (context as Context).clientCertificate ?? byDefault;
}

/** Nothing for plain HTTP and Unix sockets. */
function targetOf(
  { protocol, hostname, port }: URL,
  service: string | false | undefined,
  origin: string,
): Target | undefined {
  return protocol === 'https:' ? { host: hostname, port, service, origin } : undefined;
}

function fingerprint(credentials: Credentials, target: Target): string | null {
  const { certificate } = credentials.resolve(target);
  return credentials.certificates().find(({ name }) => name === certificate)?.fingerprint256 ?? null;
}
