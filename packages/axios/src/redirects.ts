import http from 'node:http';
import { ClientCertificateError } from '@clientcert/core';
import { isRoutingAgent, variable } from '@clientcert/core/adapter';
import type { AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import { addressOf, isPlainHttp, type Outgoing, own as ownOf, refuse } from './outgoing.ts';
import { otherWay } from './proxy.ts';

type BeforeRedirect = NonNullable<AxiosRequestConfig['beforeRedirect']>;

/**
 * Has every redirect looked at before it is followed: after a certificate none goes on over plain HTTP, and
 * none passes a proxy by, or goes through axios' own tunnel, because of what was set for the first hop.
 *
 * @param proxy What the caller had written.
 * @param isOtherWay Whether a proxy is named beside an agent that the caller brings.
 */
export function checkRedirects(
  outgoing: Outgoing,
  proxy: InternalAxiosRequestConfig['proxy'],
  isOtherWay: boolean,
): void {
  const { config } = outgoing;
  const isPlain = isPlainHttp(config);
  beforeRedirects(outgoing, (options, from, to, brought) => {
    if (to.protocol === 'http:') {
      if (from.protocol === 'https:') check(outgoing, from, to, proxy);
    } else if (brought) refuse(outgoing, 'beforeRedirect', to);
    else if (isOtherWay) throw otherWay();
    else if (isPlain) goDirect(options, to, config.httpsAgent);
  });
}

/** Refuses the caller's own agent where a redirect takes it to a host for which a rule decides. */
export function refuseAfterRedirects(outgoing: Outgoing): void {
  beforeRedirects(outgoing, (_options, _from, to) => refuse(outgoing, 'httpsAgent', to));
}

/** On ours, the caller's own that it calls first: a used config comes back with ours, also to another copy of this package. */
const callers: unique symbol = Symbol.for('clientcert.axios.callers') as never;

interface Ours extends BeforeRedirect {
  [callers]?: BeforeRedirect | undefined;
}

/** How far the requests of one config have come: one that was used may be sent again, also at the same time. */
interface Progress {
  from: URL;
  /** The agent that the caller's own has set. */
  theirs?: unknown;
}

/** @param look Told also whether the caller's own has the hop made in another way than over our agent. */
function beforeRedirects(
  { config, credentials, service, origin, check: checkHop }: Outgoing,
  look: (options: RedirectOptions, from: URL, to: URL, brought: boolean) => void,
): void {
  const before: Ours | undefined = ownOf(config, 'beforeRedirect');
  const own = before && callers in before ? before[callers] : before;
  const begun = addressOf(config);
  /** By the options that follow-redirects keeps from the first hop to the last. */
  let requests: WeakMap<object, Progress> | undefined;
  const beforeRedirect: Ours = (options, response, request) => {
    requests ??= new WeakMap();
    const progress: Progress = requests.get(options) ?? { from: new URL(begun) };
    requests.set(options, progress);
    const set = agentOf(options);
    const wayBefore = wayOf(options);
    const placeBefore = placeOf(options);
    const location = new URL(options.href);
    own?.(options, response, request);
    const agent = agentOf(options);
    if (agent !== set) progress.theirs = agent;
    const isOwn = wayOf(options).some((each, at) => each !== wayBefore[at]);
    const to = placeOf(options) === placeBefore ? location : dialled(options, location);
    look(options, progress.from, to, isOwn || (agent === progress.theirs && !isRoutingAgent(agent)));
    if (to.protocol === 'http:') credentials.checkPlain({ service, origin: origin ?? begun }, to);
    checkHop?.(to, String(options.method));
    progress.from = to;
  };
  beforeRedirect[callers] = own;
  config.beforeRedirect = beforeRedirect;
}

/** What may have a hop made without our agent. */
function wayOf({ nativeProtocols, socketPath }: RedirectOptions): unknown[] {
  return [nativeProtocols, nativeProtocols?.['https:'], socketPath];
}

/** What of the options says where a hop is made to, whatever its `href`; axios puts a proxy there. */
function placeOf({ protocol, hostname, host, port }: RedirectOptions): string {
  return `${protocol}//${hostname || host}:${port || ''}`;
}

/** Where a hop is made to, as follow-redirects and Node read it, after somebody else has written there. */
function dialled({ protocol, hostname, host, port, path }: RedirectOptions, location: URL): URL {
  const name = String(hostname || host);
  const place = `${protocol}//${/^[^[].*:/.test(name) ? `[${name}]` : name}${port ? `:${port}` : ''}`;
  return new URL(
    /^\//.test(`${path}`) ? `${place}${path}` : `${place}${location.pathname}${location.search}`,
  );
}

interface RedirectOptions extends Record<string, unknown> {
  agents?: Record<string, unknown> | undefined;
  agent?: unknown;
  nativeProtocols?: Record<string, unknown> | undefined;
}

/** As follow-redirects chooses it. */
function agentOf({ agents, agent }: RedirectOptions): unknown {
  return agents ? agents.https : agent;
}

function check(
  { credentials, service, origin }: Outgoing,
  from: URL,
  to: URL,
  proxy: InternalAxiosRequestConfig['proxy'],
): void {
  const { hostname, port } = from;
  credentials.checkRedirect({ host: hostname, port, service, origin }, to);
  if (proxy === false || !(proxy || plainProxy())) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    `${from.origin} redirects to ${to.origin}, which axios would reach past the proxy`,
    { hint: 'Call the http address itself, or set "proxy: false" if the proxy is not needed.' },
  );
}

function plainProxy(): string | undefined {
  const names = ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'];
  // `http.setGlobalProxyFromEnv()` of Node may have named others.
  const { proxyEnv = {} } = (http.globalAgent as unknown as NodeAgent).options ?? {}; // global-agent has none
  return names.flatMap((name) => [variable(name), variable(name, proxyEnv)]).find(Boolean);
}

interface NodeAgent {
  readonly options?: { readonly proxyEnv?: NodeJS.ProcessEnv | undefined };
}

/** Undoes what axios has just set for a hop to https through a proxy: our agent tunnels. */
function goDirect(options: RedirectOptions, to: URL, agent: unknown): void {
  const { protocol, host, port, pathname, search } = to;
  const hostname = to.hostname.replace(/^\[|\]$/g, '');
  Object.assign(options, { protocol, host, hostname, port, path: pathname + search });
  options.agents = { ...options.agents, https: agent };
  options.agent = undefined;
  const headers = (options.headers ?? {}) as Record<string, unknown>;
  for (const name of Object.keys(headers)) if (/^proxy-authorization$/i.test(name)) delete headers[name];
}
