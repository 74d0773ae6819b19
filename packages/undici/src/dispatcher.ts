import type { Credentials } from '@clientcert/core';
import { Agent, Dispatcher, errors } from 'undici';
import { answersItself } from './base.ts';
import { bridge } from './bridge.ts';
import { checkPoolOptions } from './connect.ts';
import { fail, type InterceptorOptions, intercept, loadedNow } from './interceptor.ts';
import type { Routes } from './routes.ts';

/** As whom requests are made that do not say it themselves, and how connections are kept. */
export interface DispatcherOptions<ServiceName extends string = string>
  extends Omit<InterceptorOptions<ServiceName>, 'dispatcher'> {
  /**
   * For hosts that no rule names: an `Agent` of its own, with the same options, unless written. A `MockAgent`
   * answers every request. It is closed with this one.
   */
  dispatcher?: Dispatcher | undefined;
}

/**
 * A dispatcher that gives every request the client certificate that its host, or the service it is made as, is
 * pinned to. Interceptors may be composed over it. undici 7 takes a tenth of the speed for an interceptor,
 * whatever it does; this is none.
 *
 * @param credentials What `loadCredentials` resolved to; a dispatcher cannot wait for a promise.
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT for options that would take connections out of its hands;
 *   ERR_CLIENTCERT_ORIGIN_NEEDED for an `origin` that is none
 * @see https://undici.nodejs.org/#/docs/api/Dispatcher
 *
 * @example
 * import { createDispatcher, loadCredentials } from '@clientcert/undici';
 * import { request } from 'undici';
 *
 * const dispatcher = createDispatcher(await loadCredentials('clientcert.json'));
 * await request('https://api.bank.example/accounts', { dispatcher });
 */
export function createDispatcher<ServiceName extends string>(
  credentials: Credentials<string, ServiceName>,
  options: DispatcherOptions<NoInfer<ServiceName>> = {},
): Dispatcher {
  const ready = loadedNow(credentials, 'createDispatcher()');
  const { service, origin, proxy, dispatcher: base = new Agent(agentOptions(options)), ...pool } = options;
  const all = { ...pool, service, origin, proxy, dispatcher: base };
  const { interceptor, routes } = intercept(ready, all);
  return new CertificateDispatcher(base, interceptor(base.dispatch.bind(base)), routes);
}

/** What the connections to other hosts have in common with those to hosts that a rule names. */
function agentOptions({ service, origin, proxy, ...pool }: DispatcherOptions): Agent.Options {
  checkPoolOptions(pool);
  return pool as Agent.Options;
}

class CertificateDispatcher extends Dispatcher {
  readonly #base: Dispatcher;
  readonly #dispatch: Dispatcher['dispatch'];
  readonly #routes: Routes;
  #ended: Error | undefined;

  constructor(base: Dispatcher, dispatch: Dispatcher['dispatch'], routes: Routes) {
    super();
    this.#base = base;
    this.#dispatch = dispatch;
    this.#routes = routes;
    // What is composed over it is a Proxy, in which a method finds no private field.
    this.close = this.close.bind(this) as typeof this.close;
    this.destroy = this.destroy.bind(this) as typeof this.destroy;
    this.#repeat(base);
    routes.opened = (pool) => this.#repeat(pool);
  }

  /** Who was told that there is no room waits for "drain" here. */
  #repeat(inner: Dispatcher): void {
    inner.on('connect', (origin, targets) => this.emit('connect', origin, [this, ...targets]));
    inner.on('disconnect', (origin, targets, error) =>
      this.emit('disconnect', origin, [this, ...targets], error),
    );
    inner.on('connectionError', (origin, targets, error) =>
      this.emit('connectionError', origin, [this, ...targets], error),
    );
    inner.on('drain', (origin) => this.emit('drain', origin));
  }

  /** fetch hands mocks the body as the caller wrote it. */
  get isMockActive(): boolean {
    return answersItself(this.#base);
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return this.#ended ? fail(handler, this.#ended) : bridge(this.#dispatch, options, handler);
  }

  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> {
    this.#ended ??= new errors.ClientClosedError() as Error;
    return tell(Promise.all([this.#base.close(), this.#routes.close()]), callback);
  }

  override destroy(error?: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(first: Error | null | (() => void) = null, second?: () => void): Promise<void> {
    const [error, callback] = typeof first === 'function' ? [null, first] : [first, second];
    this.#ended = error ?? (new errors.ClientDestroyedError() as Error);
    // A MockAgent cannot be destroyed.
    const base = answersItself(this.#base) ? this.#base.close() : this.#base.destroy(error);
    return tell(Promise.all([base, this.#routes.destroy(error)]), callback);
  }
}

/** undici's methods take a callback or return a promise. */
function tell(done: Promise<unknown>, callback: (() => void) | undefined): Promise<void> {
  const settled = done.then(() => {});
  if (callback) settled.then(callback, callback);
  return settled;
}
