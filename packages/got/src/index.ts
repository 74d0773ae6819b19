import { acceptCredentials, type Credentials, isRoutingAgent, type Target } from '@clientcert/core';
import { nameOf, separate } from './cache.ts';

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
    init: ((next: object, before: Pick<Hop, 'url' | 'context'>) => void)[];
    beforeRequest: ((options: Hop) => Promise<void>)[];
    beforeRedirect: ((options: Hop, response: { url: string }) => Promise<void>)[];
  };
}

/** The options of one hop, as far as this adapter knows them. */
export interface Hop {
  url: string | URL | undefined;
  context: Record<string, unknown>;
  hooks: { beforeRequest: unknown[] };
  agent: { https?: unknown; http2?: unknown };
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
  const loading = acceptCredentials(credentials, 'clientCertificates()');
  const last = async (hop: Hop) => apply(await loading, hop, options.service);
  const first = async (hop: Hop) => {
    // A hook after this one may write another URL, or bring an agent: what it leaves is decided anew.
    const { beforeRequest } = hop.hooks;
    if (beforeRequest.at(-1) !== first && !beforeRequest.includes(last)) beforeRequest.push(last);
    await last(hop);
  };
  return {
    hooks: {
      init: [keepOrigin],
      beforeRequest: [first],
      beforeRedirect: [
        async (hop, { url }) => {
          const { [begun]: origin } = hop.context as Context;
          const from = targetOf(new URL(url), serviceOf(hop, options.service), origin);
          if (from) (await loading).checkRedirect(from, hop.url!);
        },
      ],
    },
  };
}

/** got merges what leads to a next page into the options of the first: its address comes from an answer. */
function keepOrigin(_next: object, { url, context }: Pick<Hop, 'url' | 'context'>): void {
  if (url) (context as Context)[begun] ??= new URL(url).origin;
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
  const context = hop.context as Context;
  context[begun] ??= url.origin;
  const origin = context[begun];
  const target = targetOf(url, service, origin);
  if (!target) return;

  for (const [option, value] of ownConnection(hop)) {
    if (value == null || value === false || isRoutingAgent(value)) continue;
    credentials.refuseOwn(target, option);
    return;
  }
  // Ours comes back with every retry and redirect; another one is of `credentials.agent()`.
  const before = hop.agent.https as object | undefined;
  const own = isRoutingAgent(before) && !handedOut.has(before!) ? before : undefined;
  if (hop.http2) {
    // got's HTTP/2 takes no agent, only raw keys, which would then stand on every error.
    if (!own && credentials.resolve(target).rule === 'none') return;
    hop.http2 = false;
  }
  if (!own) {
    const agent = credentials.sharedAgent({ service, origin: service ? origin : undefined });
    handedOut.add(agent);
    hop.agent.https = agent;
  }
  if (hop.cache) hop.cache = separate(hop.cache, own ? nameOf(own) : fingerprint(credentials, target));
}

const handedOut = new WeakSet<object>();

/** Ways to bring a connection of one's own; a certificate and key are left to the agent to refuse. */
function ownConnection({ agent, createConnection, http2, h2session }: Hop): [string, unknown][] {
  return [
    ['agent.https', agent.https],
    ['agent.http2', http2 ? agent.http2 : undefined],
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
  origin: string | undefined,
): Target | undefined {
  return protocol === 'https:' ? { host: hostname, port, service, origin } : undefined;
}

function fingerprint(credentials: Credentials, target: Target): string | null {
  const { certificate } = credentials.resolve(target);
  return credentials.certificates().find(({ name }) => name === certificate)?.fingerprint256 ?? null;
}
