import { ClientCertificateError } from '@clientcert/core';
import { isRoutingAgent } from '@clientcert/core/adapter';
import type { AxiosRequestConfig, InternalAxiosRequestConfig } from 'axios';
import { type Outgoing, own as ownOf, refuse, urlOf } from './outgoing.ts';

type BeforeRedirect = NonNullable<AxiosRequestConfig['beforeRedirect']>;

/**
 * Has every redirect looked at before it is followed: after a certificate none goes on over plain HTTP, and
 * none passes a proxy by, or goes through axios' own tunnel, because of what was set for the first hop.
 *
 * @param proxy What the caller had written.
 */
export function checkRedirects(outgoing: Outgoing, proxy: InternalAxiosRequestConfig['proxy']): void {
  const { config } = outgoing;
  let begun: URL | undefined;
  let from: URL | undefined;
  beforeRedirects(outgoing, (options, to, brought) => {
    begun ??= urlOf(config);
    from ??= begun;
    if (from.protocol === 'https:') check(outgoing, from, to, proxy);
    if (to.protocol === 'https:') {
      if (brought) refuse(outgoing, 'beforeRedirect', to);
      else if (begun.protocol !== 'https:') goDirect(options, to, config.httpsAgent);
    }
    from = to;
  });
}

/** Refuses the caller's own agent where a redirect takes it to a host for which a rule decides. */
export function refuseAfterRedirects(outgoing: Outgoing): void {
  beforeRedirects(outgoing, (_options, to) => refuse(outgoing, 'httpsAgent', to));
}

/** On ours, the caller's own that it calls first: a used config comes back with ours. */
const callers: unique symbol = Symbol('clientcert.callers');

interface Ours extends BeforeRedirect {
  [callers]?: BeforeRedirect | undefined;
}

/** @param look Told also whether the agent is one that the caller's own has set. */
function beforeRedirects(
  { config, check: checkHop }: Outgoing,
  look: (options: RedirectOptions, to: URL, brought: boolean) => void,
): void {
  const before: Ours | undefined = ownOf(config, 'beforeRedirect');
  const own = before && callers in before ? before[callers] : before;
  let theirs: unknown;
  const beforeRedirect: Ours = (options, response, request) => {
    const set = agentOf(options);
    own?.(options, response, request);
    const agent = agentOf(options);
    if (agent !== set) theirs = agent;
    const to = new URL(options.href);
    look(options, to, agent === theirs && !isRoutingAgent(agent));
    checkHop?.(to, String(options.method));
  };
  beforeRedirect[callers] = own;
  config.beforeRedirect = beforeRedirect;
}

interface RedirectOptions extends Record<string, unknown> {
  agents?: Record<string, unknown> | undefined;
  agent?: unknown;
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
  if (to.protocol !== 'http:' || proxy === false || !(proxy || plainProxy())) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    `${from.origin} redirects to ${to.origin}, which axios would reach past the proxy`,
    { hint: 'Call the http address itself, or set "proxy: false" if the proxy is not needed.' },
  );
}

function plainProxy(): string | undefined {
  const { http_proxy, HTTP_PROXY, all_proxy, ALL_PROXY } = process.env;
  return http_proxy || HTTP_PROXY || all_proxy || ALL_PROXY;
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
