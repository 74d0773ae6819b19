import type { Credentials, Target } from '@clientcert/core';
import {
  type AdapterView,
  acceptCredentials,
  adapterOf,
  isUrl,
  loadedOf,
  snapshot,
  whileWanted,
  withDiagnosis,
  written,
} from '@clientcert/core/adapter';
import * as undici from 'undici';
import type { Handler } from './forward.ts';
import { dispatchFor } from './handler-versions.ts';
import {
  createRoutes,
  type PoolOptions,
  type Routes,
  readPoolOptions,
  speaksHttp2,
  withOwnServername,
} from './pool-options.ts';
import { answersItself, checkProxy } from './proxy-agent.ts';
import { checkHop } from './redirect.ts';
import {
  type CallInit,
  cancelBody,
  copyInit,
  copyInput,
  dispatcherOf,
  fixInit,
  readAhead,
  signalOf,
} from './request-init.ts';
import { checkFetch } from './runtime.ts';

/** Node's own fetch, undici's, or what wraps one of them. */
// biome-ignore lint/suspicious/noExplicitAny: the types of Node's fetch and of undici's differ in every parameter
type AnyFetch = (input: any, init?: any) => Promise<any>;

/** As whom calls are made that do not say it themselves, over which fetch, and how connections are kept. */
export interface FetchOptions<ServiceName extends string = string, Fetch extends AnyFetch = typeof fetch>
  extends PoolOptions {
  /** Make every call as this service of the config; with `false`, send no certificate. */
  service?: ServiceName | false | undefined;
  /** The fetch to use, such as undici's (Node's own unless written). */
  fetch?: Fetch | undefined;
  /** For hosts that no rule names (undici's global dispatcher unless written); a `MockAgent` answers every call. */
  dispatcher?: undici.Dispatcher | undefined;
}

/** A fetch, with one option more. */
export type CertificateFetch<ServiceName extends string = string, Fetch extends AnyFetch = typeof fetch> = (
  input: Parameters<Fetch>[0],
  init?: Lenient<NonNullable<Parameters<Fetch>[1]>> & {
    /** Make this call as a service of the config; with `false`, send no certificate. Redirects included. */
    clientCertificate?: ServiceName | false | undefined;
  },
) => ReturnType<Fetch>;

/** What takes a fetch calls it with options that are `undefined`, which `exactOptionalPropertyTypes` minds. */
type Lenient<Options> = { [Name in keyof Options]?: Options[Name] | undefined };

/**
 * A fetch that sends each host the certificate that is pinned to it; every hop of a redirect is decided again, and a
 * host that no rule names gets no certificate.
 *
 * @param credentials What `loadCredentials` returned, or the promise of it: calls wait for it, and where
 *   loading failed each of them fails with that error.
 * @returns A function to use in place of `fetch`. What goes wrong on the way is the `cause` of its TypeError.
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT for options that would take connections out of its hands;
 *   ERR_CLIENTCERT_RUNTIME_UNSUPPORTED where the fetch takes no dispatcher, as on Bun
 *
 * @example
 * import { createFetch, loadCredentials } from '@clientcert/undici';
 *
 * const fetch = createFetch(loadCredentials('clientcert.json'));
 * await fetch('https://api.bank.example/accounts');
 * await fetch('https://api.bank.example/invoices', { clientCertificate: 'Billing.InvoiceService' });
 */
export function createFetch<ServiceName extends string, Fetch extends AnyFetch = typeof fetch>(
  credentials: Credentials<string, ServiceName> | Promise<Credentials<string, ServiceName>>,
  options: FetchOptions<NoInfer<ServiceName>, Fetch> = {},
): CertificateFetch<ServiceName, Fetch> {
  const { service, fetch: own, dispatcher, ...rest } = readPoolOptions(options, 'createFetch()');
  const pool = snapshot<PoolOptions>(rest); // which inherits nothing
  checkFetch(own);
  const before = globalThis.fetch as AnyFetch;
  const groundOf = (view: AdapterView): Ground => ({
    pool,
    dispatcher,
    allowH2: speaksHttp2(pool),
    credentials: view,
    routes: createRoutes(view, pool, dispatcher !== undefined),
  });
  const loading = acceptCredentials(credentials, 'createFetch()');
  let ground: Ground | undefined;
  const send = (loaded: Credentials, input: unknown, init: CallInit) => {
    ground ??= groundOf(adapterOf(loaded));
    const { clientCertificate = service, dispatcher: brought = dispatcherOf(input) } = init;
    init.dispatcher = new Call(ground, clientCertificate, brought, call) as unknown as undici.Dispatcher;
    init.clientCertificate = undefined; // deleted, it would leave a slow object, of which fetch reads each member
    const answer = (own ?? fetch)(input as string, init as object);
    if (typeof answer?.catch !== 'function') return answer;
    // Handed on instead of looked at from beside, which would count as handled a failure that nobody handles.
    return answer.catch((error: unknown) => {
      const signal = signalOf(init, input);
      const isCallers = signal?.aborted && error === signal.reason;
      throw isCallers
        ? error
        : withDiagnosis(error, { credentials: loaded, url: urlOf(input), service: clientCertificate });
    });
  };
  const call: CertificateFetch<ServiceName, Fetch> = (input, init) => {
    // fetch says what is wrong with it; a function is an object to it as well.
    if (init != null && !isObject(init)) return (own ?? fetch)(input, init) as ReturnType<Fetch>;
    // It has come round: this stands in the place of the fetch that it goes over (`globalThis.fetch = createFetch(…)`).
    if (madeBy((init as CallInit | null | undefined)?.dispatcher).includes(call))
      return before(input, init) as ReturnType<Fetch>;
    const loaded = loadedOf(loading);
    if (loaded) return send(loaded, input, copyInit(init)) as ReturnType<Fetch>;
    return later(loading as Promise<Credentials>, input, init) as ReturnType<Fetch>;
  };
  // What fetch reads at once is read at once here too: a caller may use the objects again.
  const later = async (pending: Promise<Credentials>, input: unknown, init: object | null | undefined) => {
    const own = fixInit(input, init);
    const request = copyInput(input);
    const stop = readAhead(request, own);
    const loaded = await whileWanted(pending, signalOf(own, request), own.body).catch((reason: unknown) => {
      stop(reason);
      cancelBody(own.body ?? (request as Partial<Request> | null)?.body, reason);
      throw reason;
    });
    stop();
    try {
      return await send(loaded, request, own);
    } catch (error) {
      stop(error);
      throw error;
    }
  };
  return call;
}

function isObject(value: unknown): value is object {
  return Object(value) === value;
}

/** Of what fetch was given, where it is something that fetch takes. */
function urlOf(input: unknown): string | undefined {
  if (typeof input === 'string') return input;
  return isUrl(input) ? input.href : (input as Partial<Request> | null)?.url;
}

/** What all calls have in common. */
interface Ground {
  readonly credentials: AdapterView;
  readonly routes: Routes;
  readonly pool: PoolOptions;
  readonly dispatcher: undici.Dispatcher | undefined;
  readonly allowH2: boolean;
}

/** On a call, also one of another copy of this package: the fetches of `createFetch` that it has come through. */
const makers: unique symbol = Symbol.for('clientcert.makers') as never;

function madeBy(dispatcher: unknown): readonly object[] {
  return (dispatcher as { [makers]?: readonly object[] } | null | undefined)?.[makers] ?? [];
}

/** The dispatcher of one call: fetch asks it for every hop of a redirect. */
class Call {
  readonly #ground: Ground;
  readonly #service: string | false | undefined;
  readonly #brought: undici.Dispatcher | undefined;
  #begun: string | undefined;
  #before: Target | undefined;
  readonly [makers]: readonly object[];

  constructor(
    ground: Ground,
    service: string | false | undefined,
    brought: undici.Dispatcher | undefined,
    maker: object,
  ) {
    this.#ground = ground;
    this.#service = service;
    this.#brought = brought;
    this[makers] = [...madeBy(brought), maker];
  }

  /** fetch hands mocks the body as the caller wrote it. */
  get isMockActive(): boolean {
    return answersItself(this.#base());
  }

  dispatch(request: undici.Dispatcher.DispatchOptions, handler: Handler): boolean {
    return dispatchFor(handler, request, this.#go);
  }

  readonly #go = (
    request: undici.Dispatcher.DispatchOptions & { allowH2?: boolean },
    handler: Handler,
  ): boolean => {
    const { credentials, routes, pool, allowH2 } = this.#ground;
    const base = this.#base();
    if (answersItself(base)) return base.dispatch(request, handler);

    const to = request.origin!;
    const service = this.#service;
    this.#begun ??= String(to);
    const identity = { service, origin: service ? this.#begun : undefined };
    const route = routes.find(to, identity, written(request, 'allowH2') ?? allowH2);
    if (this.#before) checkHop(credentials, this.#before, to);
    this.#before = route?.target;
    if (!route) return base.dispatch(request, handler);
    if (this.#brought) {
      credentials.refuseOwn(route.target, 'dispatcher');
      return base.dispatch(request, handler);
    }
    checkProxy(base, route, credentials, pool);
    return route.pool.dispatch(withOwnServername(request), handler);
  };

  #base(): undici.Dispatcher {
    return this.#brought ?? this.#ground.dispatcher ?? undici.getGlobalDispatcher();
  }
}
