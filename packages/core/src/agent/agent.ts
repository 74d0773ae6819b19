// Longer than other files: deciding, queueing, keeping and retiring are one class, because Node's agent is one.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, type AgentOptions, type RequestOptions } from 'node:https';
import { isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { ClientCertificateError } from '../errors.ts';
import { quote } from '../quote.ts';
import type { ConnectionProfile } from '../tls/profile.ts';
import { agentPresents, agentService } from './brand.ts';
import { checkCaller } from './caller-check.ts';
import { type CallerOptions, type CallerTls, ownOption, ownOptions } from './caller-options.ts';
import { type Connection, connectionOf, dial } from './dial.ts';
import type { Observer } from './handshake.ts';
import { PoolNames } from './pool-name.ts';
import { seal } from './sealed-options.ts';
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
  /** The service of the config as which calls are made. */
  readonly service?: string | false | undefined;
  /** While this number is the same, every decision is. */
  readonly generation: number;
  /** That of the last decisions, once no more are made: after `close()`. */
  readonly lastGeneration?: number | undefined;
  /** Told of every agent on this route. */
  adopt?(agent: RoutingAgent): void;
}

/**
 * An `https.Agent` that decides per connection, by the host and port that is really dialled, which client
 * certificate is sent: a redirect, a retry or a shared agent can neither lose nor leak it. No socket and no TLS
 * session is shared between two certificates, two versions of one, or one and none. The caller's options are left
 * as they are.
 */
export class RoutingAgent extends Agent {
  // The decision is made in `addRequest` and travels with the options that Node keeps (it copies them, symbols
  // included), because Node asks for the pool's name again when a socket comes free, when all may have changed.
  readonly #route: Route;
  readonly #sessions: SessionCache;
  readonly #names: PoolNames = new PoolNames();
  /** The agent's options, sealed; and where they say anything of TLS, again. */
  readonly #sealed: CallerOptions;
  readonly #spoken: CallerOptions | undefined;
  /** From `addRequest` to the first `getName`, which Node calls at once, with the options that it keeps. */
  #arriving: Admission | undefined;
  /** During `addRequest`: what Node does then it does for that request, and not for one that was queued. */
  #adding = false;

  /** @param options As for `https.Agent`: connections are kept alive where they say so. */
  constructor(route: Route, options: AgentOptions = {}) {
    super(options);
    seal(this.options);
    this.#sealed = this.options as CallerOptions;
    this.#spoken = ownOptions(this.#sealed) && this.#sealed;
    this.#route = route;
    this.#sessions = new SessionCache(options.maxCachedSessions ?? 100);
    // For a request with `agent: false` Node makes an agent of the default agent's class, and knows no route.
    const again = RoutingAgent.bind(null, route);
    Object.defineProperty(this, 'constructor', { value: again, configurable: true, writable: true });
    route.adopt?.(this);
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
      this.#arriving = new Admission(this.#decide(options), this.#route);
    } catch (error) {
      (request as unknown as NodeRequest).onSocket(null, error);
      return;
    }
    this.#adding = true;
    try {
      base.addRequest.call(this, request, options);
    } finally {
      this.#adding = false;
      this.#arriving = undefined;
    }
  }

  override getName(options: RequestOptions = {}): string {
    const dialled = options as DialOptions;
    if (this.#arriving) {
      dialled[admitted] = this.#arriving;
      this.#arriving = undefined;
    }
    const decision = Admission.of(dialled, this.#route);
    return decision ? this.#poolOf(decision, dialled) : super.getName(options);
  }

  #poolOf(decision: Decision, options: DialOptions): string {
    const { host, port } = decision;
    decision.pool ??= this.#names.nameOf(
      (named) => super.getName(named as RequestOptions),
      // Node names the pool by `host` alone, and what is handed on may call it `hostname`.
      options.host === host && options.port === port ? options : { ...options, host, port },
      decision.profile?.contexts.id ?? 'unix',
      decision.proxy,
      decision.own,
    );
    return decision.pool;
  }

  /**
   * Node's own calls come with the options of a request. Those of others take all forms that Node's take:
   * `(options)`, `(port, options)`, `(port, host, options)`.
   */
  override createConnection(...given: unknown[]): TLSSocket {
    const options = normalise(given);
    const isRequests = Admission.of(options, this.#route) !== undefined;
    try {
      return this.#connect(options);
    } catch (error) {
      // One of ours is the request's, as that of its decision is. Any other is thrown, as Node does, but where another
      // connection has just ended: there it would be nobody's, and is that of the next request.
      const isTold = isRequests && (!this.#adding || error instanceof ClientCertificateError);
      if (isTold) return new FailedConnection(error as Error) as unknown as TLSSocket;
      throw error;
    }
  }

  /** Node asks, when a response has ended, whether its socket may serve another request. */
  override keepSocketAlive(socket: Duplex): boolean {
    const connection = connectionOf(socket);
    connection?.tunnel?.unref();
    if (connection?.closing || connection?.unkept || connection?.profile.contexts.retired) return false;
    const timeout = idleLimit((socket as IdleSocket)._httpMessage?.res, this.options.timeout);
    // Node would wait as long as the agent's own timeout says, for ever unless written.
    const { keepAliveMsecs } = this as unknown as NodeAgent;
    const limited = { options: { timeout }, keepAliveMsecs, agentKeepAliveTimeoutBuffer: 1_000 };
    return timeout > 0 && base.keepSocketAlive.call(limited, socket);
  }

  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    connectionOf(socket)?.tunnel?.ref();
    // The idle limit is still set. Nobody listens to it but a request with a timeout, of its own or the agent's, and Node
    // leaves that out where it is the agent's.
    const { timeout = 0 } = this.options;
    const own = (request as { timeout?: number }).timeout;
    if (own === timeout || (own === undefined && timeout > 0)) (socket as Socket).setTimeout(timeout);
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
      if (!connection || connection.closing || this.#stands(connection)) continue;
      connection.closing = true;
      // Before Node gives it to a request that is queued.
      socket.prependOnceListener('free', () => socket.destroy());
    }
    const idle = socketsOf(this.freeSockets).filter((socket) => {
      const connection = connectionOf(socket);
      return connection && (connection.closed || !this.#stands(connection));
    });
    await Promise.all(
      idle.map((socket) => {
        const connection = connectionOf(socket)!;
        // One that is being closed stays among the idle until it is: several renewals may come by then.
        connection.closed ??= new Promise((resolve) => socket.once('close', resolve));
        socket.destroy();
        return connection.closed;
      }),
    );
  }

  toJSON(): object {
    return { name: 'RoutingAgent', protocol: 'https:' };
  }

  static {
    // Not written as members, because isolatedDeclarations does not know the symbols.
    Object.defineProperty(RoutingAgent.prototype, Symbol.for('clientcert.RoutingAgent'), { value: true });
    Object.defineProperty(RoutingAgent.prototype, agentService, {
      get(this: RoutingAgent) {
        return this.#route.service;
      },
    });
    Object.defineProperty(RoutingAgent.prototype, agentPresents, {
      value(this: RoutingAgent, host: string, port?: number | string) {
        return this.#decide({ host, port }).profile?.contexts.presented?.fingerprint256 ?? null;
      },
    });
    Object.defineProperty(RoutingAgent.prototype, inspect.custom, {
      value(this: RoutingAgent) {
        return `RoutingAgent { sockets: ${count(this.sockets)}, free: ${count(this.freeSockets)}, queued: ${count(this.requests)} }`;
      },
    });
  }

  #connect(options: DialOptions): TLSSocket {
    const earlier = Admission.of(options, this.#route);
    const decision = this.#readmit(options, earlier);
    const { profile, own, host, port, proxy } = decision;
    if (!profile) return connect(options as ConnectionOptions);

    // What was decided anew does not belong into the pool whose name says the old decision.
    const overtaken =
      earlier !== undefined &&
      (earlier.profile?.contexts !== profile.contexts || !isSameProxy(earlier.proxy, proxy));
    // The name that is there may be that of another agent, which hands on its connections alone.
    const isPooled = typeof options._agentKey === 'string' && !overtaken;
    const pool = isPooled ? this.#poolOf(decision, options) : undefined;
    const { observe } = this.#route;
    const socket = dial(
      { profile, host, port, proxy, own, pool, sessions: this.#sessions, observe },
      // Node names the server in the options of a request, and of nothing else.
      (earlier ? options : { servername: isIP(host) === 0 ? host : '', ...options }) as ConnectionOptions,
    );
    if (overtaken) connectionOf(socket)!.unkept = true;
    return socket;
  }

  /**
   * The decision that a connection is made by: the one its request was admitted with, and where that may have been
   * overtaken while the request was queued, the one of now.
   */
  #readmit(options: DialOptions, earlier: Decision | undefined): Decision {
    if (earlier?.generation === this.#route.generation) return earlier;
    try {
      return this.#decide(options, earlier);
    } catch (error) {
      // Nothing is decided any more after close(): what was admitted is served, unless it was overtaken before.
      if (earlier && earlier.generation === this.#route.lastGeneration) return earlier;
      throw error;
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

  /** @param earlier That of the same request: what its caller said of TLS is what they said then. */
  #decide(options: DialOptions, earlier?: Decision): Decision {
    // As in Node, the agent's options override the request's.
    const agent = this.options as DialOptions;
    const host = (agent.host ??
      ownOption(options, 'host') ??
      ownOption(options, 'hostname') ??
      'localhost') as string;
    const port = (agent.port ?? ownOption(options, 'port') ?? 443) as number | string;
    // A Unix socket has no host to decide by.
    const { generation } = this.#route;
    const own = earlier ? earlier.own : ownOptions(options, agent === this.#sealed ? this.#spoken : agent);
    if (agent.socketPath || ownOption(options, 'socketPath')) {
      if (this.#route.service) throw noService(this.#route.service);
      return { profile: null, own, host, port, proxy: null, generation };
    }
    const profile = this.#route.decide(host, port);
    if (own) checkCaller(profile.resolution, own);
    return { profile, own, host, port, proxy: this.#route.proxy?.(host, port) ?? null, generation };
  }
}

/** What Node hands to `addRequest`, `getName` and `createConnection`. */
type DialOptions = Record<string, unknown> & { [admitted]?: Admission };

/** How a request is served; it holds for the request's whole stay, queued or not, unless it is overtaken. */
interface Decision {
  readonly profile: ConnectionProfile | null;
  /** What the caller says of TLS. */
  readonly own: CallerTls | undefined;
  readonly host: string;
  readonly port: number | string;
  /** With the password of its URL, or its authorization. */
  readonly proxy: TunnelProxy | null;
  readonly generation: number;
  /** The pool's name, computed once: Node asks for it several times a request. */
  pool?: string;
}

function noService(service: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `services[${quote(service, 'name')}]: the connection goes to a Unix socket ("socketPath"), to which no service's certificate is presented`,
    { hint: 'Remove "socketPath", or the service: without it the socket is connected to as it is.' },
  );
}

/** A decision among the options that Node keeps, copies, and shows to whoever prints a request or a socket. */
class Admission {
  readonly #decision: Decision;
  /** By which it was made: no other agent that is handed the options goes by it. */
  readonly #route: Route;

  constructor(decision: Decision, route: Route) {
    this.#decision = decision;
    this.#route = route;
  }

  static of(options: DialOptions, route: Route): Decision | undefined {
    const admission = options[admitted];
    return admission !== undefined && admission.#route === route ? admission.#decision : undefined;
  }
}

const admitted: unique symbol = Symbol('clientcert.admitted');

/** A connection that failed before it was begun: a socket like any other, so that Node goes on with the queue. */
class FailedConnection extends Socket {
  override connecting: boolean = true;

  constructor(error: Error) {
    super();
    // When the request has got it.
    queueMicrotask(() => this.destroy(error));
  }
}

/** The options among the arguments of `createConnection`, with what stands before them. */
function normalise([first, second, third]: readonly unknown[]): DialOptions {
  if (typeof first === 'object' && first !== null) return first as DialOptions;
  const options = typeof second === 'object' && second !== null ? second : third;
  return {
    ...(typeof options === 'object' ? (options as DialOptions | null) : undefined),
    ...(first != null && { port: first }),
    ...(typeof second === 'string' && { host: second }),
  };
}

/**
 * How long a connection is kept for the next request, in milliseconds: a second less than the server says, for a
 * request that meets its end is lost; and less than common servers wait (Node and Apache 5 s) where it says nothing.
 *
 * @param timeout The agent's own, which Node applies to idle connections as well.
 * @see RFC 9112, section 9.3; https://datatracker.ietf.org/doc/html/draft-thomson-hybi-http-timeout-03
 */
function idleLimit(response: IncomingMessage | undefined, timeout: number | undefined): number {
  const said = secondsIn(`${response?.headers['keep-alive'] ?? ''}`);
  if (said === undefined) return timeout || 4_000;
  return Math.min(said * 1_000 - 1_000, timeout || 600_000);
}

/** What `Keep-Alive: timeout=…` says. A server says the same in every response. */
function secondsIn(header: string): number | undefined {
  if (header !== lastHeader.text) {
    const said = /(?:^|[\s,;])timeout=(\d{1,9})/i.exec(header)?.[1];
    lastHeader = { text: header, seconds: said === undefined ? undefined : Number(said) };
  }
  return lastHeader.seconds;
}

let lastHeader: { text: string; seconds: number | undefined } = { text: '', seconds: undefined };

/** What Node's classes have and their types leave out. */
interface NodeAgent {
  addRequest(request: ClientRequest, options: CallerOptions): void;
  keepSocketAlive(this: unknown, socket: Duplex): boolean;
  readonly keepAliveMsecs: number;
}
interface IdleSocket extends Duplex {
  _httpMessage?: { res?: IncomingMessage } | null;
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
