import type { TLSSocket } from 'node:tls';
import type { Credentials, Resolution, Target } from '@clientcert/core';
import { errors, type Pool } from 'undici';
import { createPool, type Pinned, type PoolOptions } from './connect.ts';

/** As whom a request is made, and the origin that it was begun at. */
export interface Identity {
  readonly service?: string | false | undefined;
  readonly origin?: string | undefined;
}

/** The way to one origin for one identity. */
export interface Route extends Pinned {
  readonly target: Exclude<Target, string | URL>;
  resolution: Resolution;
  /** What the connections of `pool` may be shared by. */
  readonly profileId: string;
  /** Up to when it is known to stand. */
  generation: number;
}

const maxRoutes = 1000;

/**
 * The pools of the hosts that a rule names: one for each origin, identity and version of the certificate, so
 * that no connection and no TLS session is shared between two. undici itself keeps both apart by host alone.
 */
export class Routes {
  /** Told of every pool. */
  opened: ((pool: Pool) => void) | undefined;
  readonly #credentials: Credentials;
  readonly #options: PoolOptions;
  readonly #routes = new Map<string, Route>();
  /** Their requests have not ended yet; they take no others. */
  readonly #closing = new Map<Route, Promise<void>>();

  constructor(credentials: Credentials, options: PoolOptions) {
    this.#credentials = credentials;
    this.#options = options;
    credentials.adopt(this);
  }

  /**
   * The route to an origin, or `null` where no rule names it.
   *
   * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN, ERR_CLIENTCERT_CLOSED
   */
  find(origin: string | URL, identity: Identity, allowH2: boolean): Route | null {
    const key = `${keyOf(identity)}\n${allowH2 ? 2 : 1}${origin}`;
    const known = this.#routes.get(key);
    if (known) {
      if (this.#isCurrent(known)) return known;
      this.#routes.delete(key);
      this.#close(known);
    }
    const route = this.#open(origin, identity, allowH2, () => {
      if (route === null || this.#routes.get(key) !== route) return;
      this.#routes.delete(key);
      this.#close(route);
    });
    if (!route) return null;
    this.#keep(key, route);
    this.opened?.(route.pool);
    return route;
  }

  /** Closes the pools whose certificate was renewed or taken away; waits for those that are idle. */
  async retire(): Promise<void> {
    const closing: Promise<void>[] = [];
    for (const [key, route] of this.#routes) {
      if (this.#isValid(route)) continue;
      this.#routes.delete(key);
      if (route.pool.stats.size > 0) this.#close(route);
      else closing.push(route.pool.destroy(), ...[...route.connecting].map(end));
    }
    await Promise.all(closing);
  }

  /** Closes every pool once its requests have ended. */
  async close(): Promise<void> {
    for (const route of this.#routes.values()) this.#close(route);
    this.#routes.clear();
    await Promise.all(this.#closing.values());
  }

  /** Ends every pool, its connections and its requests. */
  async destroy(error: Error | null): Promise<void> {
    const routes = [...this.#routes.values(), ...this.#closing.keys()];
    this.#routes.clear();
    await Promise.all(
      routes.flatMap(({ pool, connecting }) => [pool.destroy(error), ...[...connecting].map(end)]),
    );
  }

  #isCurrent(route: Route): boolean {
    const credentials = this.#credentials;
    const { generation } = credentials;
    if (route.generation === generation) return true;
    const { target, profileId } = route;
    if (credentials.profileId(target) !== profileId) return false;
    route.resolution = credentials.resolve(target);
    route.generation = generation;
    return true;
  }

  #isValid(route: Route): boolean {
    try {
      return this.#isCurrent(route);
    } catch {
      return false; // closed, or the service is no longer in the config
    }
  }

  #open(
    origin: string | URL,
    { service, origin: begun }: Identity,
    allowH2: boolean,
    onBroken: () => void,
  ): Route | null {
    if (typeof origin === 'string' && !URL.canParse(origin)) return null; // undici says what is wrong with it
    const url = new URL(origin);
    const target = { host: url.hostname, port: url.port, service, origin: begun };
    const resolution = this.#credentials.resolve(target);
    if (url.protocol !== 'https:' || !decides(resolution)) return null;
    const identity = { service, origin: begun };
    const options = { ...this.#options, allowH2 };
    return {
      target,
      resolution,
      profileId: this.#credentials.profileId(target),
      generation: this.#credentials.generation,
      ...createPool(this.#credentials, url.origin, identity, options, onBroken),
    };
  }

  #keep(key: string, route: Route): void {
    const [oldest] = this.#routes;
    if (oldest && this.#routes.size >= maxRoutes) {
      this.#routes.delete(oldest[0]);
      this.#close(oldest[1]);
    }
    this.#routes.set(key, route);
  }

  #close(route: Route): void {
    this.#closing.set(
      route,
      route.pool.close().finally(() => this.#closing.delete(route)),
    );
  }
}

/**
 * Refuses to go on from a host that was shown a certificate to plain HTTP.
 *
 * @throws ERR_CLIENTCERT_DOWNGRADE
 */
export function checkHop(credentials: Credentials, before: Route, to: string | URL): void {
  if (new URL(to).protocol === 'http:') credentials.checkRedirect(before.target, to);
}

function end(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) =>
    socket.once('close', () => resolve()).destroy(new errors.ClientDestroyedError()),
  );
}

function keyOf({ service, origin }: Identity): string {
  return service === undefined ? '' : JSON.stringify([service, origin]);
}

/** Whether the config says anything of a host: in a rule, or in the TLS versions for every host. */
export function decides({ rule, tls }: Resolution): boolean {
  return rule !== 'none' || tls.min !== 'TLSv1.2' || tls.max !== 'TLSv1.3';
}
