import { AsyncResource } from 'node:async_hooks';
import { isIP } from 'node:net';
import { ClientCertificateError, type Credentials } from '@clientcert/core';
import {
  type AdapterView,
  acceptCredentials,
  adapterOf,
  decides,
  type Identity,
  originOf,
  quote,
  quoteOrigin,
  snapshot,
  written,
} from '@clientcert/core/adapter';
import type * as undici from 'undici';
import { othersAwait, watchAwaited } from './awaited.ts';
import { isShared } from './forward.ts';
import {
  createRoutes,
  type PoolOptions,
  type Route,
  type Routes,
  readPoolOptions,
  speaksHttp2,
  withOwnServername,
} from './pool-options.ts';
import { answersItself, checkProxy } from './proxy-agent.ts';
import { checkHop, followed, redirectTo, sendOn } from './redirect.ts';
import { checkRuntime } from './runtime.ts';

/** As whom requests are made that do not say it themselves, and how their connections are kept. */
export interface InterceptorOptions<ServiceName extends string = string> extends PoolOptions {
  /** Make every request as this service of the config; with `false`, send no certificate. */
  service?: ServiceName | false | undefined;
  /** Where a service without `hosts` applies. An interceptor cannot tell a redirect from a request. */
  origin?: string | URL | undefined;
  /**
   * What this is composed over, where it is a `MockAgent`, which then answers every request, or a proxy's
   * agent. An interceptor cannot see it by itself.
   */
  dispatcher?: undici.Dispatcher | undefined;
}

/** `clientCertificate` of one dispatch. */
export type DispatchIdentity<ServiceName extends string = string> =
  | ServiceName
  | false
  | { service: ServiceName; origin: string | URL };

/**
 * An interceptor that gives every request the client certificate that its host, or the service it is made
 * as, is pinned to. Compose it first: each dispatch of what is composed after it, such as
 * `interceptors.redirect` and `retry`, is decided again, and what is composed before it serves other hosts
 * only. Hosts that no rule names go on to the dispatcher as they are.
 *
 * A single request says `clientCertificate`: a service's name, or `false` for no certificate.
 *
 * @param credentials What `loadCredentials` resolved to; an interceptor cannot wait for a promise.
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT for options that would take connections out of its hands;
 *   ERR_CLIENTCERT_ORIGIN_NEEDED for an `origin` that is none
 * @see https://undici.nodejs.org/#/docs/api/Dispatcher?id=dispatchercomposeinterceptors-interceptor
 *
 * @example
 * import { clientCertificates, loadCredentials } from '@clientcert/undici';
 * import { Agent, interceptors, request } from 'undici';
 *
 * const credentials = await loadCredentials('clientcert.json');
 * const dispatcher = new Agent().compose(clientCertificates(credentials), interceptors.redirect({ maxRedirections: 5 }));
 * await request('https://api.bank.example/accounts', { dispatcher });
 */
export function clientCertificates<ServiceName extends string>(
  credentials: Credentials<string, ServiceName>,
  options: InterceptorOptions<NoInfer<ServiceName>> = {},
): undici.Dispatcher.DispatcherComposeInterceptor {
  return intercept(loadedNow(credentials, 'clientCertificates()'), options, true).interceptor;
}

/** The interceptor, and the routes that it opens. */
export function intercept(
  credentials: AdapterView,
  options: InterceptorOptions,
  leavesOthers: boolean,
): { interceptor: undici.Dispatcher.DispatcherComposeInterceptor; routes: Routes } {
  const { service, origin, dispatcher: base, ...rest } = readPoolOptions(options, 'clientCertificates()');
  const pool = snapshot<PoolOptions>(rest); // which inherits nothing
  const routes = createRoutes(credentials, pool, leavesOthers);
  watchAwaited();
  const allowH2 = speaksHttp2(pool);
  const byDefault = identityOf(service && origin !== undefined ? { service, origin } : service);

  const interceptor: undici.Dispatcher.DispatcherComposeInterceptor = (dispatch) => (request, handler) => {
    if (answersItself(base)) return dispatch(request, handler);
    let route: Route | null;
    let before: ReturnType<typeof redirectTo>;
    let isOwn: boolean;
    let isAwaited: boolean;
    try {
      const options: CertificateRequest = request;
      const to = written(options, 'origin');
      const own = written(options, 'clientCertificate');
      const servername = written(options, 'servername');
      if (to === undefined) throw noOrigin();
      const identity = own === undefined ? byDefault : identityOf(own);
      route = routes.find(to, identity, written(options, 'allowH2') ?? allowH2);
      // Where a rule names the host an answer to nobody is one to somebody too: another request may name a service.
      isOwn = route !== null && (route.resolution.rule !== 'none' || route.target.service !== undefined);
      if (servername) refuseAddress(credentials, servername, to, identity, route);
      before = redirectTo(to, servername);
      isAwaited = isShared(handler) || othersAwait(to, request, servername) || before?.isAwaited === true;
      if (route && isOwn && isAwaited) throw sharedAnswer(route);
      if (before?.from) checkHop(before.from.credentials, before.from.target, to);
      if (route) checkProxy(base, route, credentials, pool);
    } catch (error) {
      return fail(handler, error as Error);
    }
    const isPersonal = isOwn || before?.isPersonal === true;
    const from = route && { credentials, target: route.target };
    const answered =
      (isPersonal || isAwaited) && !isLast(handler)
        ? followed(handler, request.origin!, { from, isPersonal, isAwaited }, before)
        : handler;
    return sendOn(() =>
      route ? route.pool.dispatch(withOwnServername(request), answered) : dispatch(request, answered),
    );
  };
  return { interceptor, routes };
}

/** What undici passes on of the options of `request`, `stream` and the like. */
type CertificateRequest = undici.Dispatcher.DispatchOptions & {
  clientCertificate?: DispatchIdentity | undefined;
  allowH2?: boolean | undefined;
  servername?: string | null | undefined;
};

/** Whether it is what undici 7 makes for `request`, `stream` and the like, of which no further request comes; an interceptor’s is newer. */
function isLast(handler: undici.Dispatcher.DispatchHandler): boolean {
  return handler instanceof AsyncResource && !handler.onRequestStart;
}

/** Both are written out, so that none is read from `Object.prototype`. */
function identityOf(said: DispatchIdentity | undefined): Identity {
  if (typeof said !== 'object' || said === null) return { service: said, origin: undefined };
  const service = written(said, 'service');
  const own = written(said, 'origin');
  const origin = originOf(own);
  if (origin === undefined) throw notAnOrigin(service, own);
  return { service, origin };
}

function notAnOrigin(service: unknown, origin: unknown): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_ORIGIN_NEEDED',
    `the request is made as service ${quote(`${service}`, 'name')} at ${origin === undefined ? 'no origin' : `${quoteOrigin(origin)}, which is no origin`}`,
    {
      hint: 'Pass { service, origin: "https://api.bank.example" }, or the name of a service that has hosts.',
    },
  );
}

/** @throws ERR_CLIENTCERT_CONFIG_INVALID for a promise, and for what are no credentials */
export function loadedNow(given: unknown, name: string): AdapterView {
  checkRuntime(name);
  const credentials = acceptCredentials(given, name);
  if (!('then' in credentials)) return adapterOf(credentials);
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    `${name} was given a promise, and a dispatch cannot wait for it`,
    { hint: 'Write `await loadCredentials(…)`, or use createFetch, which takes the promise.' },
  );
}

function noOrigin(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_ORIGIN_NEEDED',
    'the dispatcher that this is composed over does not say which origin a request goes to',
    { hint: 'Compose it over an Agent, instead of a Client or a Pool.' },
  );
}

/**
 * `interceptors.dns` puts an address in the place of the name that a rule is about: the request would go out
 * without its certificate, or past its pins and TLS versions.
 *
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT
 */
function refuseAddress(
  credentials: AdapterView,
  servername: string,
  origin: string | URL,
  identity: Identity,
  route: Route | null,
): void {
  const { hostname, port, protocol } = new URL(origin);
  if (protocol !== 'https:' || isIP(servername)) return;
  const target = { host: servername, port, ...identity };
  const resolution = credentials.resolve(target);
  if (!decides(resolution) || credentials.profileId(target) === route?.profileId) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `${resolution.rule}: the request for ${servername} arrives as one for ${hostname}, which has another rule or none`,
    { hint: 'Leave interceptors.dns out here: give `connect: { lookup }` to clientCertificates instead.' },
  );
}

/**
 * `interceptors.deduplicate` answers every request of the same URL and headers at once, whoever they are made
 * as: those that wait for the first are never seen here.
 */
function sharedAnswer({ resolution: { rule } }: Route): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `${rule}: interceptors.deduplicate would hand its answer to requests with another certificate or none`,
    {
      hint: 'Leave interceptors.deduplicate out, or compose it before clientCertificates: it then serves other hosts.',
    },
  );
}

/**
 * As undici's own dispatchers do, but that there is room for the next, as it is since 8.13: no "drain" follows, for which a
 * `Pool` over this would wait for good.
 */
export function fail(handler: undici.Dispatcher.DispatchHandler, error: Error): true {
  const { onError } = handler as { onError?(error: Error): void };
  if (handler.onResponseError) handler.onResponseError(null as unknown as Controller, error);
  else if (onError) onError.call(handler, error);
  else throw error;
  return true;
}

type Controller = undici.Dispatcher.DispatchController;

declare module 'undici' {
  namespace Dispatcher {
    interface DispatchOptions {
      /** Make this request as a service of the config; with `false`, send no certificate. */
      clientCertificate?: DispatchIdentity | undefined;
    }
  }
}
