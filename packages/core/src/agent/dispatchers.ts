import type { TLSSocket } from 'node:tls';
import { fixedProxy, snapshot, written } from '../own.ts';
import { checkService } from '../pin/service-name.ts';
import { describeValue } from '../tls/digest.ts';
import type { Resolution, Target } from '../types.ts';
import { type Connector, createConnector, type Dialer } from './connector.ts';

/** As whom a request is made, and the origin that it was begun at. */
export interface Identity {
  readonly service?: string | false | undefined;
  readonly origin?: string | undefined;
  /** In place of what the kind's options and the config say, as for `Credentials.connect`. */
  readonly proxy?: string | URL | object | false | undefined;
}

/** What decides, and connects accordingly: `Credentials`. */
export interface Decider extends Dialer {
  readonly generation: number;
  resolve(target: Target): Resolution;
  profileId(target: Target): string;
  wayId(target: Target, identity: Pick<Identity, 'proxy'>): string;
  checkOrigin(identity: Pick<Identity, 'service' | 'origin'>): void;
  checkPlain(identity: Pick<Identity, 'service' | 'origin'>, to: URL): void;
  adopt(pools: { retire(): Promise<void> }): void;
}

/** What is used of undici's `Pool` and `Agent`. */
export interface Pool {
  close(): Promise<void>;
  destroy(error?: Error | null): Promise<void>;
  /** Not in the oldest; an `Agent` has them by origin. */
  readonly stats?: object | undefined;
}

/** The way to one origin for one identity. */
export interface Route<Kind extends Pool = Pool> {
  readonly target: Exclude<Target, string | URL>;
  resolution: Resolution;
  readonly pool: Kind;
  /** Connections that do not stand yet, which no pool knows of. */
  readonly connecting: ReadonlySet<TLSSocket>;
  /** What the connections of `pool` may be shared by. */
  readonly profileId: string;
  /** The proxy that they go through. */
  readonly wayId: string;
  /** As whom they are made, and through which proxy if that is written. */
  readonly identity: Identity;
  /** Up to when it is known to stand. */
  generation: number;
}

/** What of undici is used, and how its connections are made. */
export interface DispatcherKind<Kind extends Pool> {
  /** Makes the pool for one origin, over connections that the credentials make. With `drop` it takes no further request. */
  readonly open: (origin: string, connect: Connector, allowH2: boolean, drop: () => void) => Kind;
  /** Further options of `Credentials.connect`. */
  readonly tls?: object | undefined;
  readonly timeout?: number | null | undefined;
  readonly keepAlive?: boolean | null | undefined;
  readonly keepAliveInitialDelay?: number | null | undefined;
  readonly timeoutError: (message: string) => Error;
  /** Whether a host is served, or left to the client: where the config says something of it unless written. */
  readonly serves?: ((resolution: Resolution, identity: Identity) => boolean) | undefined;
}

const maxRoutes = 1000;

/**
 * The pools of undici, or of the fetch that Node comes with, for the hosts of which the config says something: one
 * for each origin, identity and version of the certificate, so that no connection and no TLS session is shared
 * between two. undici itself keeps both apart by host alone.
 */
export class Dispatchers<Kind extends Pool> {
  /** Told of every pool. */
  opened: ((pool: Kind) => void) | undefined;
  readonly #decider: Decider;
  readonly #kind: DispatcherKind<Kind>;
  readonly #routes = new Map<string, Route<Kind>>();
  /** Most requests go where the one before went. */
  #last:
    | (Identity & { allowH2: boolean; to: string; generation: number; route: Route<Kind> | null })
    | undefined;
  /** Their requests have not ended yet; they take no others. */
  readonly #closing = new Map<Route<Kind>, Promise<void>>();

  constructor(decider: Decider, kind: DispatcherKind<Kind>) {
    this.#decider = decider;
    this.#kind = { ...kind, tls: kind.tls && snapshot(kind.tls) };
    decider.adopt(this);
  }

  /**
   * The route to an origin, or `null` where the config says nothing of it.
   *
   * @throws ERR_CLIENTCERT_SERVICE_UNKNOWN, ERR_CLIENTCERT_ORIGIN_NEEDED, ERR_CLIENTCERT_CLOSED
   */
  find(origin: string | URL, identity: Identity, allowH2: boolean): Route<Kind> | null {
    const to = typeof origin === 'string' ? origin : origin.origin;
    const service = written(identity, 'service');
    const begun = written(identity, 'origin');
    const proxy = fixedProxy(written(identity, 'proxy')) as Identity['proxy'];
    const { generation } = this.#decider;
    const last = this.#last;
    if (
      last !== undefined &&
      last.to === to &&
      last.service === service &&
      last.origin === begun &&
      last.proxy === proxy &&
      last.allowH2 === allowH2 &&
      last.generation === generation
    ) {
      return last.route;
    }
    checkService(service);
    const key = `${JSON.stringify([service, begun, allowH2, proxy && describeValue(proxy)])}${to}`;
    const route = this.#known(key) ?? this.#open(key, to, { service, origin: begun, proxy }, allowH2);
    this.#last = { to, service, origin: begun, proxy, allowH2, generation, route };
    return route;
  }

  /** Closes the pools whose certificate was renewed or taken away; waits for those that are idle. */
  async retire(): Promise<void> {
    const idle: Promise<void>[] = [];
    for (const [key, route] of this.#routes) {
      if (this.#isValid(route)) continue;
      const isIdle = sizeOf(route.pool) === 0;
      const closing = this.#close(key, route);
      if (isIdle) idle.push(closing);
    }
    await Promise.all(idle);
  }

  /** Closes every pool once its requests have ended. */
  async close(): Promise<void> {
    for (const [key, route] of this.#routes) this.#close(key, route);
    await Promise.all(this.#closing.values());
  }

  /** Ends every pool, its connections and its requests. */
  async destroy(error: Error | null): Promise<void> {
    const routes = [...this.#routes.values(), ...this.#closing.keys()];
    this.#routes.clear();
    this.#last = undefined;
    await Promise.all(routes.flatMap((route) => [route.pool.destroy(error), endConnecting(route)]));
  }

  /** What undici says of each pool, by its origin; of the latest where there are several identities. */
  get stats(): Record<string, object> {
    const stats: Record<string, object> = {};
    for (const { pool, target } of this.#routes.values()) {
      if (pool.stats) stats[`https://${target.host}${target.port ? `:${target.port}` : ''}`] = pool.stats;
    }
    return stats;
  }

  #known(key: string): Route<Kind> | undefined {
    const known = this.#routes.get(key);
    if (!known || this.#isCurrent(known)) return known;
    void this.#close(key, known);
    return undefined;
  }

  #isCurrent(route: Route<Kind>): boolean {
    const { generation } = this.#decider;
    if (route.generation === generation) return true;
    const { target, profileId, wayId, identity } = route;
    this.#decider.checkOrigin(identity);
    if (this.#decider.profileId(target) !== profileId) return false;
    if (this.#decider.wayId(target, identity) !== wayId) return false;
    route.resolution = this.#decider.resolve(target);
    route.generation = generation;
    return true;
  }

  #isValid(route: Route<Kind>): boolean {
    try {
      return this.#isCurrent(route);
    } catch {
      return false; // closed, or the service is no longer in the config
    }
  }

  #open(key: string, origin: string, asked: Identity, allowH2: boolean): Route<Kind> | null {
    if (!URL.canParse(origin)) return null; // undici says what is wrong with it
    const url = new URL(origin);
    const { service, origin: begun, proxy } = asked;
    const target = { host: url.hostname, port: url.port, service, origin: begun };
    const resolution = this.#decider.resolve(target);
    const { serves = decides, open, tls, ...kind } = this.#kind;
    if (url.protocol === 'http:') this.#decider.checkPlain(asked, url);
    if (url.protocol !== 'https:' || !serves(resolution, asked)) return null;
    this.#decider.checkOrigin(asked);
    const connecting = new Set<TLSSocket>();
    const identity = { ...tls, service, origin: begun, ...(proxy !== undefined && { proxy }) };
    const drop = () => {
      if (this.#routes.get(key) === route) void this.#close(key, route);
    };
    const all = { ...kind, tls: identity, allowH2, onBroken: drop };
    const connect = createConnector(this.#decider, connecting, all);
    const route: Route<Kind> = {
      target,
      resolution,
      pool: open(url.origin, connect, allowH2, drop),
      connecting,
      profileId: this.#decider.profileId(target),
      wayId: this.#decider.wayId(target, identity),
      identity,
      generation: this.#decider.generation,
    };
    this.#keep(key, route);
    this.opened?.(route.pool);
    return route;
  }

  #keep(key: string, route: Route<Kind>): void {
    const [oldest] = this.#routes;
    if (oldest && this.#routes.size >= maxRoutes) void this.#close(...oldest);
    this.#routes.set(key, route);
  }

  /** It takes no further request; what is under way finishes. */
  #close(key: string, route: Route<Kind>): Promise<void> {
    this.#routes.delete(key);
    if (this.#last?.route === route) this.#last = undefined;
    // What nobody waits for any more, such as a connection whose request was aborted, no pool ends.
    const closed = route.pool
      .close()
      .catch(() => {}) // it was destroyed by a listener, to whom undici hands it
      .then(() => endConnecting(route))
      .finally(() => this.#closing.delete(route));
    this.#closing.set(route, closed);
    return closed;
  }
}

/** Whether the config says anything of a host: in a rule, or in the TLS versions for every host. */
export function decides({ rule, tlsBy }: Resolution): boolean {
  return rule !== 'none' || tlsBy !== 'node';
}

async function endConnecting({ connecting }: Route): Promise<void> {
  await Promise.all(
    [...connecting].map((socket) => new Promise((resolve) => socket.once('close', resolve).destroy())),
  );
}

/** How many requests a pool has; `undefined` where it does not say. */
function sizeOf({ stats }: Pool): number | undefined {
  if (stats === undefined) return undefined;
  const { size } = stats as { size?: unknown };
  if (typeof size === 'number') return size;
  return Object.values(stats as Record<string, { size: number }>).reduce((sum, each) => sum + each.size, 0);
}
