import { Readable } from 'node:stream';
import { ClientCertificateError, type Credentials, type Target } from '@clientcert/core';
import {
  acceptCredentials,
  acceptOptions,
  adapterOf,
  agentService,
  type CallSignal,
  checkAgent,
  decides,
  isCallersAgent,
  isRoutingAgent,
  loadedOf,
  quote,
  whileWanted,
  withDiagnosis,
} from '@clientcert/core/adapter';
import { nameOf, separate } from './cache.ts';

export * from '@clientcert/core';

/** As whom calls are made unless their own `context` says otherwise. */
export interface GotOptions<ServiceName extends string = string> {
  /** Make every call as this service of the config; with `false`, send no certificate. */
  service?: ServiceName | false | undefined;
}

/**
 * What `got.extend` takes: hooks, which got runs again for every redirect, retry and page. Written as the
 * shape that got 14, 15 and 16 have in common.
 */
export interface GotExtension {
  /** got's own, which run for every hop. */
  hooks: {
    init: ((next: object, before: Pick<Hop, 'url' | 'hooks' | 'context' | 'agent'>) => void)[];
    beforeRequest: ((options: Hop) => void)[];
    beforeError: (<Failure extends Error>(error: Failure) => Failure)[];
  };
  /** Brings the hooks to calls with options that take the place of the instance's: `api(undefined, undefined, options)`. */
  // biome-ignore lint/suspicious/noExplicitAny: the types of got's three major versions have this in common
  handlers: ((options: any, next: (options: any) => any) => any)[];
}

/** The options of one hop, as far as this adapter knows them. */
export interface Hop {
  url: string | URL | undefined;
  context: Record<string, unknown>;
  hooks: { beforeRequest: unknown[] };
  agent: { https?: unknown; http2?: unknown };
  http2: boolean;
  cache?: unknown;
  signal?: CallSignal | undefined;
  createConnection?: unknown;
  h2session?: unknown;
  request?: unknown;
}

/**
 * Options for `got.extend` that give every request the client certificate that its host, or the service it is
 * made as, is pinned to; every hop of a redirect is decided again, and a host that no rule names gets none.
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
  const { service: byDefault } = acceptOptions(options, 'clientCertificates()');
  /** On the last hooks of calls, the origin that each call began at: got copies hooks from hop to hop. */
  const began: unique symbol = Symbol('clientcert.got.began');
  const isOurs = (hook: unknown): hook is { [began]: string } => Object.hasOwn(hook as object, began);
  const originOf = ({ beforeRequest }: Hop['hooks']) => beforeRequest.find(isOurs)?.[began];
  /**
   * Has what a later hook leaves decided anew: another URL, an agent, or one more hook.
   *
   * @param before What the hop before went to. It is no state of the call: options may be those of several at once.
   */
  const endWith = ({ beforeRequest }: Hop['hooks'], origin: string, before?: Target) => {
    const last = (hop: Hop) => {
      const { beforeRequest } = hop.hooks;
      const isAtEnd = isLast(beforeRequest.at(-1));
      if (!isAtEnd) beforeRequest.push(...new Set(beforeRequest.filter(isLast)));
      const decide = (ready: Credentials) => {
        if (before) adapterOf(ready).checkRedirect(before, hop.url!);
        const target = targetOf(hop, byDefault, origin);
        if (target) apply(ready, hop, target);
        else if (urlOf(hop.url!).protocol === 'http:')
          adapterOf(ready).checkPlain({ service: serviceOf(hop, byDefault), origin }, hop.url!);
        if (isAtEnd) endWith(hop.hooks, origin, presentedTo(hop, target));
      };
      const ready = loadedOf(loading);
      return ready ? decide(ready) : whenLoaded(hop).then(decide);
    };
    last[lastHook] = true;
    last[began] = origin;
    let isThere = false;
    beforeRequest.forEach((hook, at) => {
      if (!isOurs(hook)) return;
      beforeRequest[at] = last;
      isThere = true;
    });
    if (!isThere) beforeRequest.push(last);
  };
  const whenLoaded = (hop: Hop & { body?: unknown }) => {
    // got listens to a stream itself, and nobody to what it is made of (`Readable.from`) before it is read.
    if (hop.body instanceof Readable) hop.body.read(0);
    return whileWanted(loading, hop.signal);
  };
  const first = ({ hooks, url }: Hop) => {
    if (originOf(hooks) === undefined) endWith(hooks, urlOf(url!).origin);
  };
  const hooks: GotExtension['hooks'] = {
    // got merges what leads to a next page into the options of the first: its address comes from an answer.
    init: [
      (_next, page) => {
        if (!page.url) return;
        const origin = originOf(page.hooks) ?? urlOf(page.url).origin;
        endWith(page.hooks, origin, presentedTo(page, targetOf(page, byDefault, origin)));
      },
    ],
    beforeRequest: [first],
    beforeError: [
      (error) => {
        const hop = (error as { options?: Hop }).options;
        const service = hop?.context ? serviceOf(hop, byDefault) : byDefault;
        return withDiagnosis(error, { credentials: loadedOf(loading), url: hop?.url, service });
      },
    ],
  };
  // There are none where got takes offence at what it was given.
  const bringHooks = (options: Completable | undefined, next: (options: unknown) => unknown) => {
    if (options && !options.hooks.beforeRequest.includes(first)) options.merge({ hooks });
    return next(options);
  };
  return { hooks, handlers: [bringHooks] };
}

/** got's own options, as handlers get them. */
interface Completable extends Pick<Hop, 'hooks'> {
  merge(more: object): void;
}

/** On last hooks, also those of another extension or another copy of this package, which keep their order. */
const lastHook = Symbol.for('clientcert.got.lastHook');

function isLast(hook: unknown): boolean {
  return Object.hasOwn(hook as object, lastHook);
}

interface Context {
  clientCertificate?: string | false | undefined;
}

function apply(credentials: Credentials, hop: Hop, target: HopTarget): void {
  const { service, origin } = target;
  checkWritten(service);

  const brought = ownConnection(hop);
  if (brought) {
    adapterOf(credentials).refuseOwn(target, brought);
    return;
  }
  const own = ownAgent(hop);
  if (own) checkAgent(own, service, 'agent.https');
  if (hop.http2) {
    // got's HTTP/2 takes no agent, only raw keys, which would then stand on every error; and it knows no proxy.
    const { decidesProxy } = adapterOf(credentials);
    if (!own && !decidesProxy && !decides(credentials.resolve(target))) return;
    hop.http2 = false;
  }
  if (!own) {
    hop.agent.https = adapterOf(credentials).sharedAgent({
      service,
      origin: service ? origin : undefined,
      proxy: undefined,
      defaultProxy: undefined,
    });
  }
  if (hop.cache)
    hop.cache = separate(hop.cache, own ? nameOf(own, target) : adapterOf(credentials).fingerprint(target));
}

/** Of `credentials.agent()`; ours comes back with every retry and redirect. */
function ownAgent({ agent: { https } }: Pick<Hop, 'agent'>): OwnAgent | undefined {
  return isCallersAgent(https) ? (https as OwnAgent) : undefined;
}

interface OwnAgent {
  readonly [agentService]?: string | false | undefined;
}

/** What a hop goes to, as whom it is made over an agent of the caller's own, too. */
function presentedTo(hop: Pick<Hop, 'agent'>, target: HopTarget | undefined): Target | undefined {
  const own = ownAgent(hop);
  return target && own ? { ...target, service: own[agentService] } : target;
}

/** A way to a connection that the caller brings; a certificate and key are left to the agent to refuse. */
function ownConnection({ agent, createConnection, http2, h2session, request }: Hop): string | undefined {
  if (isBrought(agent.https)) return 'agent.https';
  if (http2 && isBrought(agent.http2)) return 'agent.http2';
  if (isBrought(createConnection)) return 'createConnection';
  if (isBrought(h2session)) return 'h2session'; // got 15 and 16 take it without http2, too
  return isBrought(request) ? 'request' : undefined;
}

function isBrought(value: unknown): boolean {
  return value != null && value !== false && !isRoutingAgent(value);
}

function serviceOf(
  { context }: Pick<Hop, 'context'>,
  byDefault: string | false | undefined,
): string | false | undefined {
  const service = own(context as Context, 'clientCertificate');
  return service === undefined ? byDefault : service; // `null` is no name, and refused as one
}

/**
 * got copies an inherited `context` as it does the caller's, and which of the two it was cannot be told.
 *
 * @throws ERR_CLIENTCERT_CONFIG_INVALID
 */
function checkWritten(service: string | false | undefined): void {
  const { context } = Object.prototype as { context?: Context };
  if (
    context == null ||
    service === undefined ||
    own(Object(context) as Context, 'clientCertificate') !== service
  )
    return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    `"context" on Object.prototype names ${service ? `the service ${quote(service, 'name')}` : 'no service'} for every call`,
    { hint: 'Find what wrote on Object.prototype: under node --frozen-intrinsics that throws.' },
  );
}

/** What somebody wrote on `Object.prototype` is not the caller's. */
function own<Options extends object, Key extends keyof Options>(
  options: Options,
  name: Key,
): Options[Key] | undefined {
  return Object.hasOwn(options, name) ? options[name] : undefined;
}

type HopTarget = Exclude<Target, string | URL>;

function urlOf(url: string | URL): URL {
  return url instanceof URL ? url : new URL(url);
}

/**
 * Nothing for plain HTTP and Unix sockets.
 *
 * @param origin That the call began at.
 */
function targetOf(
  hop: Pick<Hop, 'url' | 'context'>,
  byDefault: string | false | undefined,
  origin: string,
): HopTarget | undefined {
  const { protocol, hostname, port } = urlOf(hop.url!);
  if (protocol !== 'https:') return undefined;
  return { host: hostname, port, service: serviceOf(hop, byDefault), origin };
}
