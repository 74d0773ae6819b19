import type { Agent } from 'node:https';
import { ClientCertificateError, type ConnectIdentity, type Credentials } from '@clientcert/core';
import {
  adapterOf,
  agentService,
  checkAgent,
  fixedProxy,
  isCallersAgent,
  isRoutingAgent,
  written,
} from '@clientcert/core/adapter';
import type { InternalAxiosRequestConfig } from 'axios';
import { applyToFetch } from './fetch.ts';
import { applyToHttp2 } from './http2.ts';
import {
  type AnyConfig,
  isPlainHttp,
  type Outgoing,
  own,
  type RequestIdentity,
  refuse,
  urlOf,
} from './outgoing.ts';
import { otherWay, proxyOf } from './proxy.ts';
import { checkRedirects, refuseAfterRedirects } from './redirects.ts';
import { hasOwnTransport, transportOf } from './transport.ts';

/**
 * Sets on one request's config what makes each of its hops with the certificate that is pinned there; for clients
 * that stand on axios, and have a config but no instance to install {@link clientCertificates} on.
 *
 * @param config As axios is about to send it, merged with its defaults. It is changed; a config on which this
 *   was called before may be passed again.
 * @param identity As whom the request is made.
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT where the caller brings an agent, connection or adapter of their own to a
 *   host for which a rule decides; ERR_CLIENTCERT_PROXY_UNSUPPORTED for a `proxy` beside an agent of `credentials.agent()`,
 *   and for that of the identity beside any agent of the caller's;
 *   ERR_CLIENTCERT_SERVICE_UNKNOWN, ERR_CLIENTCERT_ORIGIN_NEEDED
 */
export function decideRequest(
  config: InternalAxiosRequestConfig,
  loaded: Credentials,
  identity: RequestIdentity,
): void {
  decideAs(config, loaded, identity);
  (config as AnyConfig)[decided] = (again) => decideRequest(again, loaded, identity);
}

/**
 * Under which a config says how it was decided for one call by a client that stands on axios: its copies have it as
 * well, retries included, and an instance leaves it at that.
 */
export const decided = 'clientcert.decided';

/** The same for one request of an instance, whose config says as whom it is made, each time that it is sent. */
export function decideAs(
  config: InternalAxiosRequestConfig,
  loaded: Credentials,
  identity: RequestIdentity,
): void {
  disinherit(config);
  const credentials = adapterOf(loaded);
  // As the caller wrote it, who may leave out what every object inherits.
  const service = written(identity, 'service');
  const origin = written(identity, 'origin');
  const through = fixedProxy(written(identity, 'proxy')) as ConnectIdentity['proxy'];
  const check = written(identity, 'check');
  const outgoing: Outgoing = { config, credentials, service, origin, check };
  check?.(urlOf(config), String(own(config, 'method') ?? 'GET').toUpperCase());
  const plain = isPlainHttp(config);
  if (plain) credentials.checkPlain({ service, origin }, urlOf(config));
  for (const option of ownIdentity) if (own(config, option) != null) refuse(outgoing, option);
  const transport = transportOf(config);
  if (transport === 'unknown') refuse(outgoing, 'adapter');
  if (transport === 'http' && hasOwnTransport(config)) refuse(outgoing, 'transport');
  const said = own(config, 'proxy');
  const httpsAgent = own(config, 'httpsAgent');
  // Ours comes back when a used config is passed again, as retries do.
  const ours: (() => typeof said) | undefined = httpsAgent?.[proxyBefore];
  const takesNone = transport === 'fetch' || transport === 'http2';
  if (takesNone && !ours && isRoutingAgent(httpsAgent)) throw notTaken();
  const isFetch = transport === 'fetch';
  if (isFetch && httpsAgent && !ours) refuse(outgoing, 'httpsAgent');
  // What is not known may stand on axios' fetch, and follow redirects to hosts for which a rule decides.
  if (isFetch || transport === 'unknown')
    applyToFetch(outgoing, { service, origin, proxy: through }, isFetch);
  if (isFetch) return;

  const proxy = ours && said === false ? ours() : said;
  const way: ConnectIdentity =
    through === undefined
      ? proxyOf(service, origin, proxy)
      : { service, origin, proxy: through, defaultProxy: undefined };
  /** Whether a proxy is named beside an agent of the caller's. */
  let isOtherWay = false;
  if (!httpsAgent || ours) {
    const agent: Agent & Ours = credentials.sharedAgent(way);
    config.httpsAgent = agent;
    // A call that is told its way from outside may share the agent, and says nothing of it in its config.
    if (through === undefined || !agent[proxyBefore]) agent[proxyBefore] = () => proxy;
  } else if (isRoutingAgent(httpsAgent)) {
    checkAgent(httpsAgent, service, 'httpsAgent');
    isOtherWay = Boolean(through === undefined ? said : through && isCallersAgent(httpsAgent));
    if (isOtherWay && !plain) throw otherWay();
  } else {
    refuse(outgoing, 'httpsAgent');
    // axios itself goes by the environment.
    if (through && through !== 'env' && !plain) throw otherWay();
    refuseAfterRedirects(outgoing);
    return;
  }
  if (transport === 'http2' && !plain) applyToHttp2(outgoing, way);
  const isTheirs = config.httpsAgent === httpsAgent && !ours;
  // An agent of the caller's presents what it was made for, also where the call names no service.
  checkRedirects(isTheirs ? { ...outgoing, service: httpsAgent[agentService] } : outgoing, proxy, isOtherWay);
  // axios' own tunnel would drop the agent's certificate on the way, and show one to the proxy.
  (config as { proxy: typeof said }).proxy = plain ? proxy : false;
}

/** axios up to 1.20 sends by what every object inherits: in ways that are not decided on, because nobody wrote them. */
function disinherit(config: object): void {
  for (const name of ['httpVersion', 'socketPath']) {
    if (name in Object.prototype) (config as Record<string, unknown>)[name] = own(config, name);
  }
}

/** The call would be made by its host alone, and not as the agent was made for. */
function notTaken(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    'the request brings an "httpsAgent" of credentials.agent(), which axios does not take over HTTP/2 or its fetch adapter',
    { hint: 'Leave it out: name the service as clientCertificate, and the proxy in the config.' },
  );
}

/** Left by axios where they are; what stands on axios, as node-soap's own securities do, makes an agent with them. */
const ownIdentity = ['pfx', 'cert', 'key'] as const;

/**
 * On agents that this adapter, of whichever copy of this package, has set: what `proxy` was before. In a function, of which
 * nothing is printed.
 */
const proxyBefore: unique symbol = Symbol.for('clientcert.axios.proxyBefore') as never;

interface Ours {
  [proxyBefore]?: () => InternalAxiosRequestConfig['proxy'];
}
