import type { ClientRequest } from 'node:http';
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import type { ConnectionProfile } from '../tls/profile.ts';
import { type CallerOptions, checkCaller, identityOptions, ownContext } from './caller.ts';
import { poolName } from './pool.ts';
import { SessionCache } from './session.ts';

/** Decides what holds for the host and port that is being dialled. */
export type Decide = (host: string, port: number | string) => ConnectionProfile;

/**
 * An `https.Agent` that decides per connection, by the host and port that is really dialled, which client
 * certificate is presented: a redirect, a retry or a shared agent can neither lose nor leak it. No socket
 * and no TLS session is shared between two certificates, two versions of one, or one and none.
 *
 * The decision is made in `addRequest` and travels with the options (Node copies them, symbols included),
 * because Node asks for the pool's name again when a socket comes free, when all may have changed.
 */
export class RoutingAgent extends Agent {
  readonly #decide: Decide;
  readonly #sessions: SessionCache;

  constructor(decide: Decide, options: AgentOptions = {}) {
    super({ keepAlive: true, ...options });
    this.#decide = decide;
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
      options[admitted] = this.#admit(options);
    } catch (error) {
      (request as unknown as NodeRequest).onSocket(null, error);
      return;
    }
    base.addRequest.call(this, request, options);
  }

  override getName(options: RequestOptions = {}): string {
    const admission = (options as DialOptions)[admitted];
    if (!admission) return super.getName(options);
    admission.pool ??= poolName(
      (named) => super.getName(named as RequestOptions),
      options as DialOptions,
      admission.profile?.id ?? 'unix',
    );
    return admission.pool;
  }

  override createConnection(requested: RequestOptions): TLSSocket {
    const options = requested as DialOptions;
    const { profile, overrides } = options[admitted] ?? this.#admit(options);
    if (!profile) return connect(options as ConnectionOptions);

    const dial: DialOptions = {
      ...options,
      secureContext: options.secureContext ?? profile.secureContext(overrides),
      checkServerIdentity: profile.checkServerIdentity(
        options.checkServerIdentity as ConnectionOptions['checkServerIdentity'],
      ),
    };
    const { rule, unverified } = profile.resolution;
    if (rule !== 'none') dial.rejectUnauthorized = !unverified;
    if (overrides) for (const name of identityOptions) dial[name] = undefined; // it is in the context now

    const socket = connect(dial as ConnectionOptions);
    profiles.set(socket, profile);
    this.#resume(socket, options._agentKey, profile);
    return socket;
  }

  /** Node asks, when a response has ended, whether its socket may serve another request. */
  override keepSocketAlive(socket: Duplex): boolean {
    return base.keepSocketAlive.call(this, socket) && !profiles.get(socket)?.retired;
  }

  /** Closes what is idle under retired profiles; what is busy closes after its response. */
  retire(): void {
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of [...(sockets ?? [])]) if (profiles.get(socket)?.retired) socket.destroy();
    }
    this.#sessions.prune();
  }

  toJSON(): object {
    return { name: 'RoutingAgent', protocol: 'https:' };
  }

  static {
    // Not written as a method, because isolatedDeclarations does not know the symbol.
    Object.defineProperty(RoutingAgent.prototype, inspect.custom, {
      value(this: RoutingAgent) {
        return `RoutingAgent { sockets: ${count(this.sockets)}, free: ${count(this.freeSockets)}, queued: ${count(this.requests)} }`;
      },
    });
  }

  #admit(options: DialOptions): Admission {
    // A Unix socket has no host to decide by.
    if (options.socketPath) return { profile: null, overrides: undefined };
    // As in Node, the agent's options override the request's.
    const agent = this.options as DialOptions;
    const host = (agent.host ?? options.host ?? options.hostname ?? 'localhost') as string;
    const port = (agent.port ?? options.port ?? 443) as number | string;
    const profile = this.#decide(host, port);
    const overrides = ownContext(options, agent);
    checkCaller(profile.resolution, { ...options, ...agent });
    return { profile, overrides };
  }

  /** `setSession` instead of the `session` option, which would stay readable on the socket. */
  #resume(socket: TLSSocket, pool: unknown, profile: ConnectionProfile): void {
    if (typeof pool !== 'string') return;
    const session = this.#sessions.get(pool);
    if (session) (socket as unknown as NodeSocket).setSession(session);
    socket.on('session', (fresh: Buffer) => this.#sessions.set(pool, fresh, profile));
    socket.once('close', (failed: boolean) => {
      if (failed) this.#sessions.delete(pool);
    });
  }
}

/** What Node hands to `addRequest`, `getName` and `createConnection`. */
type DialOptions = Record<string, unknown> & { [admitted]?: Admission };

/** The decision a request was admitted with; it holds for the request's whole stay, queued or not. */
interface Admission {
  readonly profile: ConnectionProfile | null;
  readonly overrides: SecureContextOptions | undefined;
  /** The pool's name, computed once: Node asks for it several times a request. */
  pool?: string;
}

const admitted: unique symbol = Symbol('clientcert.admitted');

const profiles = new WeakMap<Duplex, ConnectionProfile>();

/** What Node's classes have and their types leave out. */
interface NodeAgent {
  addRequest(request: ClientRequest, options: CallerOptions): void;
  keepSocketAlive(socket: Duplex): boolean;
}
interface NodeRequest {
  onSocket(socket: null, error: unknown): void;
}
interface NodeSocket {
  setSession(session: Buffer): void;
}
const base = Agent.prototype as unknown as NodeAgent;

function count(pools: NodeJS.ReadOnlyDict<unknown[]>): number {
  return Object.values(pools).reduce((sum, pool) => sum + (pool?.length ?? 0), 0);
}
