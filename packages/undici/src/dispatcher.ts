import type { EventEmitter } from 'node:events';
import type { Credentials } from '@clientcert/core';
import { snapshot } from '@clientcert/core/adapter';
import { Agent, Dispatcher, errors } from 'undici';
import { dispatchFor } from './handler-versions.ts';
import { fail, type InterceptorOptions, intercept, loadedNow } from './interceptor.ts';
import { type Routes, readPoolOptions } from './pool-options.ts';
import { answersItself, otherHosts } from './proxy-agent.ts';

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
  const { service, origin, proxy, dispatcher, ...rest } = readPoolOptions(options, 'createDispatcher()');
  const pool = snapshot(rest); // which inherits nothing
  const agent = new Agent({ ...pool } as Agent.Options);
  const base = dispatcher ?? agent;
  const own = { ...pool, service, origin, proxy, dispatcher: base };
  const { interceptor, routes } = intercept(ready, own, dispatcher !== undefined);
  return new CertificateDispatcher(base, interceptor(base.dispatch.bind(base)), routes, {
    webSocketOptions: limitOf('webSocket', pool, agent, dispatcher),
    eventSourceOptions: limitOf('eventSource', pool, agent, dispatcher),
  });
}

/** What fetch and WebSocket read of their dispatcher; not in the types of the oldest undici. */
interface Limits {
  readonly webSocketOptions?: object | undefined;
  readonly eventSourceOptions?: object | undefined;
}

/** What the options say, else the caller's dispatcher, else an `Agent`. */
function limitOf(
  name: 'webSocket' | 'eventSource',
  options: object,
  agent: Dispatcher & Limits,
  own?: Dispatcher & Limits,
): object | undefined {
  const isWritten = (options as Record<string, unknown>)[name] !== undefined;
  return (isWritten ? undefined : own?.[`${name}Options`]) ?? agent[`${name}Options`];
}

class CertificateDispatcher extends Dispatcher {
  readonly #base: Dispatcher;
  readonly #dispatch: Dispatcher['dispatch'];
  readonly #routes: Routes;
  readonly #limits: Limits;
  #closing: Promise<void> | undefined;
  #destroying: Promise<void> | undefined;
  #ended: Error | undefined;

  constructor(base: Dispatcher, dispatch: Dispatcher['dispatch'], routes: Routes, limits: Limits) {
    super();
    this.#base = base;
    this.#dispatch = dispatch;
    this.#routes = routes;
    this.#limits = limits;
    // What is composed over it is a Proxy, in which a method finds no private field.
    this.close = this.close.bind(this) as typeof this.close;
    this.destroy = this.destroy.bind(this) as typeof this.destroy;
    this.#repeat(base);
    routes.opened = (pool) => this.#repeat(pool);
  }

  /**
   * Who was told that there is no room waits for "drain" here. With each comes whom it came through: an `Agent` or `Pool` over
   * this reads that, of "drain" too, of which the types do not say it.
   */
  #repeat(inner: EventEmitter): void {
    for (const event of ['connect', 'disconnect', 'connectionError', 'drain']) {
      inner.on(event, (origin, targets: object[] = [], ...rest) =>
        (this as EventEmitter).emit(event, origin, [this, ...targets], ...rest),
      );
    }
  }

  static {
    // Not written as a member, because isolatedDeclarations does not know the symbol.
    Object.defineProperty(CertificateDispatcher.prototype, otherHosts, {
      get(this: CertificateDispatcher) {
        return this.#base;
      },
    });
  }

  /** fetch hands mocks the body as the caller wrote it. */
  get isMockActive(): boolean {
    return answersItself(this.#base);
  }

  /** As of an `Agent`: no further request is taken. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** As of an `Agent`: every connection has been ended. */
  get destroyed(): boolean {
    return this.#destroying !== undefined;
  }

  /** As of an `Agent`, by origin; where one origin is called as several services, of the latest. */
  get stats(): Record<string, object> {
    return { ...(this.#base as { stats?: object }).stats, ...this.#routes.stats };
  }

  /** What a WebSocket over it may send, as of an `Agent` with the same options. */
  get webSocketOptions(): object | undefined {
    return this.#limits.webSocketOptions;
  }

  get eventSourceOptions(): object | undefined {
    return this.#limits.eventSourceOptions;
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (!handler || typeof handler !== 'object') throw invalid('handler must be an object');
    if (!options || typeof options !== 'object') return fail(handler, invalid('opts must be an object.'));
    if (this.#ended) return fail(handler, this.#ended);
    return dispatchFor(handler, options, this.#dispatch);
  }

  override close(): Promise<void>;
  override close(callback: () => void): void;
  override close(callback?: () => void): Promise<void> {
    checkCallback(callback);
    if (this.#destroying && !this.#closing) return tell(Promise.reject(destroyed()), callback);
    this.#ended ??= new errors.ClientClosedError() as Error;
    this.#closing ??= Promise.all([this.#base.close(), this.#routes.close()]).then(() => this.destroy());
    return tell(this.#closing, callback);
  }

  override destroy(error?: Error | null): Promise<void>;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null, callback: () => void): void;
  override destroy(first: Error | null | (() => void) = null, second?: () => void): Promise<void> {
    const [error, callback] = typeof first === 'function' ? [null, first] : [first, second];
    checkCallback(callback);
    this.#ended = error ?? destroyed();
    this.#destroying ??= Promise.all([this.#endBase(error), this.#routes.destroy(error)]).then(() => {});
    return tell(this.#destroying, callback);
  }

  /** A MockAgent cannot be destroyed, nor closed twice. */
  async #endBase(error: Error | null): Promise<void> {
    if (!answersItself(this.#base)) await this.#base.destroy(error);
    else if (!this.#closing) await this.#base.close();
  }
}

function invalid(message: string): Error {
  return new errors.InvalidArgumentError(message) as Error;
}

function destroyed(): Error {
  return new errors.ClientDestroyedError() as Error;
}

function checkCallback(callback: unknown): void {
  if (callback !== undefined && typeof callback !== 'function') throw invalid('invalid callback');
}

/** undici's methods take a callback or return a promise. */
function tell(done: Promise<void>, callback: ((error: Error | null) => void) | undefined): Promise<void> {
  if (callback) done.then(() => callback(null), callback);
  return done;
}
