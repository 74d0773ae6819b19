import type { ClientRequest } from 'node:http';
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import type { ConnectionProfile } from '../tls/profile.ts';
import { type CallerOptions, type CallerTls, checkCaller, ownOption, ownOptions } from './caller.ts';
import { type Connection, connectionOf, dial } from './dial.ts';
import type { Observer } from './handshake.ts';
import { poolName } from './pool.ts';
import { SessionCache } from './session.ts';
import { isSameProxy, type TunnelProxy } from './tunnel.ts';

/** What an agent asks, and whom it tells. */
export interface Route {
  /** What holds for the host and port that is being dialled. */
  decide(host: string, port: number | string): ConnectionProfile;
  /** The proxy on the way there, or `null`. */
  proxy?(host: string, port: number | string): TunnelProxy | null;
  /** Told of every connection. */
  observe?: Observer | undefined;
}

/**
 * An `https.Agent` that decides per connection, by the host and port that is really dialled, which client
 * certificate is presented: a redirect, a retry or a shared agent can neither lose nor leak it. No socket
 * and no TLS session is shared between two certificates, two versions of one, or one and none.
 *
 * The decision is made in `addRequest` and travels with the options that Node keeps (it copies them, symbols
 * included), because Node asks for the pool's name again when a socket comes free, when all may have changed.
 * The caller's options are left as they are.
 */
export class RoutingAgent extends Agent {
  readonly #route: Route;
  readonly #sessions: SessionCache;
  /** From `addRequest` to the first `getName`, which Node calls at once, with the options that it keeps. */
  #arriving: Admission | undefined;

  constructor(route: Route, options: AgentOptions = {}) {
    // Node's own delay is a second. axios sets a minute for every request: between the two, each request would
    // switch its socket to and fro, with system calls that take longer than all that is done here.
    super({ keepAlive: true, keepAliveMsecs: 60_000, ...options });
    this.#route = route;
    this.#sessions = new SessionCache(options.maxCachedSessions ?? 100);
  }

  /** Node's entry: a request wants a socket. */
  addRequest(
    request: ClientRequest,
    target: DialOptions | string,
    port?: number,
    localAddress?: string,
  ): void {
    const options: DialOptions = typeof target === 'string' ? { host: target, port, localAddress } : target;
    try {
      this.#arriving = this.#admit(options);
    } catch (error) {
      (request as unknown as NodeRequest).onSocket(null, error);
      return;
    }
    try {
      base.addRequest.call(this, request, options);
    } finally {
      this.#arriving = undefined;
    }
  }

  override getName(options: RequestOptions = {}): string {
    const dialled = options as DialOptions;
    if (this.#arriving) {
      dialled[admitted] = this.#arriving;
      this.#arriving = undefined;
    }
    const admission = dialled[admitted];
    if (!admission) return super.getName(options);
    admission.pool ??= poolName(
      (named) => super.getName(named as RequestOptions),
      dialled,
      admission.profile?.contexts.id ?? 'unix',
      admission.proxy,
      admission.own,
    );
    return admission.pool;
  }

  override createConnection(requested: RequestOptions): TLSSocket {
    const options = requested as DialOptions;
    const earlier = options[admitted];
    const { profile, own, host, port, proxy } = this.#readmit(options);
    if (!profile) return connect(options as ConnectionOptions);

    // What was decided anew does not belong into the pool whose name says the old decision.
    const overtaken = earlier !== undefined && earlier.profile !== profile;
    const pool = typeof options._agentKey === 'string' && !overtaken ? options._agentKey : undefined;
    const { observe } = this.#route;
    const socket = dial(
      { profile, host, port, proxy, own, pool, sessions: this.#sessions, observe },
      options as ConnectionOptions,
    );
    if (overtaken) connectionOf(socket)!.closing = true;
    return socket;
  }

  /** Node asks, when a response has ended, whether its socket may serve another request. */
  override keepSocketAlive(socket: Duplex): boolean {
    const connection = connectionOf(socket);
    connection?.tunnel?.unref();
    const ends = connection?.closing || connection?.profile.contexts.retired;
    return base.keepSocketAlive.call(this, socket) && !ends;
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    connectionOf(socket)?.tunnel?.ref();
    super.reuseSocket(socket, request);
  }

  /**
   * Closes connections that would be made otherwise by now: the idle ones, and the busy ones after their response.
   *
   * @returns when the idle connections are closed.
   */
  async retire(): Promise<void> {
    this.#sessions.prune();
    for (const socket of socketsOf(this.sockets)) {
      const connection = connectionOf(socket);
      if (connection && !this.#stands(connection)) connection.closing = true;
    }
    const idle = socketsOf(this.freeSockets).filter((socket) => {
      const connection = connectionOf(socket);
      return connection && !this.#stands(connection);
    });
    await Promise.all(
      idle.map((socket) => {
        const closed = new Promise((resolve) => socket.once('close', resolve));
        socket.destroy();
        return closed;
      }),
    );
  }

  toJSON(): object {
    return { name: 'RoutingAgent', protocol: 'https:' };
  }

  static {
    // Not written as members, because isolatedDeclarations does not know the symbols.
    Object.defineProperty(RoutingAgent.prototype, Symbol.for('clientcert.RoutingAgent'), { value: true });
    Object.defineProperty(RoutingAgent.prototype, inspect.custom, {
      value(this: RoutingAgent) {
        return `RoutingAgent { sockets: ${count(this.sockets)}, free: ${count(this.freeSockets)}, queued: ${count(this.requests)} }`;
      },
    });
  }

  /**
   * The decision that a connection is made by: the one its request was admitted with, and where that has been
   * overtaken while the request was queued, the one of now.
   */
  #readmit(options: DialOptions): Admission {
    const earlier = options[admitted];
    if (!earlier) return this.#admit(options);
    if (!earlier.profile?.contexts.retired) return earlier;
    try {
      return this.#admit(options);
    } catch {
      return earlier; // nothing is decided any more, as after close(): what was admitted is served
    }
  }

  /** Whether a connection would be made in the same way now. */
  #stands({ profile, proxy, host, port }: Connection): boolean {
    if (profile.contexts.retired || proxy?.profile?.contexts.retired) return false;
    try {
      const { contexts } = this.#route.decide(host, port);
      return contexts === profile.contexts && isSameProxy(proxy, this.#route.proxy?.(host, port) ?? null);
    } catch {
      return false;
    }
  }

  #admit(options: DialOptions): Admission {
    // As in Node, the agent's options override the request's.
    const agent = this.options as DialOptions;
    const host = (agent.host ??
      ownOption(options, 'host') ??
      ownOption(options, 'hostname') ??
      'localhost') as string;
    const port = (agent.port ?? ownOption(options, 'port') ?? 443) as number | string;
    // A Unix socket has no host to decide by.
    const own = ownOptions(options, agent);
    if (agent.socketPath || ownOption(options, 'socketPath')) {
      return { profile: null, own, host, port, proxy: null };
    }
    const profile = this.#route.decide(host, port);
    if (own) checkCaller(profile.resolution, own);
    return { profile, own, host, port, proxy: this.#route.proxy?.(host, port) ?? null };
  }
}

/** Whether this is an agent of ours, also one of another copy of this package. */
export function isRoutingAgent(agent: unknown): boolean {
  return agent instanceof Agent && brand in agent;
}

const brand = Symbol.for('clientcert.RoutingAgent');

/** What Node hands to `addRequest`, `getName` and `createConnection`. */
type DialOptions = Record<string, unknown> & { [admitted]?: Admission };

/** The decision a request was admitted with; it holds for the request's whole stay, queued or not. */
interface Admission {
  readonly profile: ConnectionProfile | null;
  /** What the caller says of TLS. */
  readonly own: CallerTls | undefined;
  readonly host: string;
  readonly port: number | string;
  readonly proxy: TunnelProxy | null;
  /** The pool's name, computed once: Node asks for it several times a request. */
  pool?: string;
}

const admitted: unique symbol = Symbol('clientcert.admitted');

/** What Node's classes have and their types leave out. */
interface NodeAgent {
  addRequest(request: ClientRequest, options: CallerOptions): void;
  keepSocketAlive(socket: Duplex): boolean;
}
interface NodeRequest {
  onSocket(socket: null, error: unknown): void;
}
const base = Agent.prototype as unknown as NodeAgent;

function count(pools: NodeJS.ReadOnlyDict<unknown[]>): number {
  return Object.values(pools).reduce((sum, pool) => sum + (pool?.length ?? 0), 0);
}

function socketsOf<Item>(pools: NodeJS.ReadOnlyDict<Item[]>): Item[] {
  return Object.values(pools).flatMap((sockets) => sockets ?? []);
}
