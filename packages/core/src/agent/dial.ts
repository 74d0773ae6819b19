import { type EventEmitter, errorMonitor } from 'node:events';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type SecureContext, type TLSSocket } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import type { CheckServerIdentity, ConnectionProfile } from '../tls/profile.ts';
import { alertOf } from './alert.ts';
import {
  type CallerOptions,
  type CallerTls,
  ownConnection,
  ownContext,
  ownOption,
  presentsOwn,
  unsaid,
} from './caller-options.ts';
import {
  type Attestation,
  attest,
  type Observer,
  publish,
  refuseUnverified,
  requireRequest,
} from './handshake.ts';
import type { SessionCache } from './session.ts';
import { Tunnel, type TunnelProxy } from './tunnel.ts';

/** One connection to be made. */
export interface Dial {
  readonly profile: ConnectionProfile;
  readonly host: string;
  readonly port: number | string;
  readonly proxy: TunnelProxy | null;
  /** What the caller says of TLS. */
  readonly own: CallerTls | undefined;
  /** The pool whose TLS session is resumed and kept; `undefined`: neither. */
  readonly pool: string | undefined;
  readonly sessions: SessionCache;
  readonly observe: Observer | undefined;
}

/**
 * Connects as the profile says, through the proxy if there is one; resumes, attests, and keeps the session
 * for the next connection of the pool.
 *
 * @param options What the caller gave to `tls.connect`.
 */
export function dial(request: Dial, options: ConnectionOptions): TLSSocket {
  const { profile, host, port, proxy, own, sessions } = request;
  const { rule, acceptsAnyServer, servername, resume } = profile.resolution;
  const secureContext = (own?.secureContext as SecureContext) ?? profile.contexts.get(ownContext(own));
  const said = ownConnection(own);
  const all: ConnectionOptions & Record<string, unknown> = {
    ...options,
    ...unsaid,
    ...said,
    // What was decided for is what is dialled.
    host,
    port: Number(port),
    secureContext,
    checkServerIdentity: requireRequest(
      profile,
      Number(port),
      profile.checkServerIdentity(host, own?.checkServerIdentity as CheckServerIdentity),
      () => socket,
    ),
    servername: servername ?? (ownOption(options as CallerOptions, 'servername') as string | undefined),
    socket: ownOption(options as CallerOptions, 'socket') as Duplex | undefined,
    // Node's own, by which the whole environment would stand on the socket where Node takes its proxies from there.
    _defaultAgent: undefined,
  };
  if (rule !== 'none')
    all.rejectUnauthorized = !acceptsAnyServer || (own?.rejectUnauthorized ?? false) !== false;
  const tunnel = proxy && !all.socket ? new Tunnel(proxy, host, port) : undefined;
  if (tunnel) all.socket = tunnel;

  // A caller's own session is theirs to keep, and what is resumed with a shared key is no session of a server's.
  const pool = resume && !said.session && !said.pskCallback ? request.pool : undefined;
  const session = pool === undefined ? undefined : sessions.get(pool, secureContext);
  let socket: TLSSocket;
  try {
    socket = connect(all);
  } catch (error) {
    // Of an option that Node does not take: nobody would listen to the road that was begun.
    tunnel?.destroy();
    throw error;
  }
  // For good, and ended by it: Node tells of a broken record, or of the stream below, and leaves the socket open, and tells
  // of it after whoever used the socket has gone, when any byte on the way would end the process.
  socket.on('error', () => socket.destroy());
  // `setSession` instead of the `session` option, which would stay readable on the socket.
  if (session) (socket as unknown as NodeSocket).setSession(session.ticket);
  connections.set(socket, {
    profile,
    tunnel,
    proxy,
    host,
    port,
    closing: false,
    unkept: false,
    closed: undefined,
  });
  if (tunnel) {
    holdTogether(socket, tunnel);
    // Node sets it on roads that it takes itself alone, and sets out on none with one that is no time.
    try {
      if (all.timeout) socket.setTimeout(all.timeout);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  let attestation: Attestation | undefined;
  const alertIn = alertsOf(socket, all.socket, () => attestation !== undefined);
  socket.once('secureConnect', () => {
    attestation = attest(socket, profile.contexts, session?.attestation);
    report(socket, request, attestation);
    awaitAcceptance(socket, request, attestation);
    refuseUnasked(socket, request, attestation);
  });
  reportFailure(socket, request, () => attestation, alertIn);
  keepReason(socket, request, () => attestation);
  if (pool === undefined) return socket;
  socket.on('session', (ticket: Buffer) => {
    // Node checks no name on a resumed session, so it is kept of a server that was verified alone.
    if (!attestation || !(socket.authorized || acceptsAnyServer)) return;
    sessions.set(pool, { ticket, contexts: profile.contexts, secureContext, attestation });
  });
  (socket as EventEmitter).once(errorMonitor, (error: NodeJS.ErrnoException) => {
    // What a client ends by itself, such as an idle connection, says nothing against its session.
    const isPeers = !attestation || error.syscall !== undefined || alertIn(error) !== null;
    if (isPeers || error instanceof ClientCertificateError) sessions.delete(pool);
  });
  return socket;
}

/**
 * Reads which alert the server sent. What ends the stream below ends the connection with the same error: an alert of an
 * `https:` proxy is none of the server's. Nor is one with which somebody ends the connection once it stands, as axios
 * ends a request with the error of the other server that its body came from.
 */
function alertsOf(
  socket: TLSSocket,
  below: Duplex | undefined,
  stands: () => boolean,
): (error: Error) => number | null {
  const own = new WeakSet<Error>();
  const others = new WeakSet<Error>();
  // Node emits it with what comes of TLS itself, before the error.
  socket.on('_tlsError', (error: Error) => own.add(error));
  below?.on(errorMonitor, (error: Error) => others.add(error));
  const isOurs = (error: Error) => (own.has(error) || !stands() || !isNode) && !others.has(error);
  return (error) => (isOurs(error) ? alertOf(error) : null);
}

const isNode = !('bun' in process.versions || 'deno' in process.versions);

/** TLS over a stream has no handle of its own to keep the process alive with, or not: the tunnel has. */
function holdTogether(socket: TLSSocket, tunnel: Tunnel): void {
  socket.ref = () => {
    tunnel.ref();
    return socket;
  };
  socket.unref = () => {
    tunnel.unref();
    return socket;
  };
}

function report(socket: TLSSocket, request: Dial, { requested, presented }: Attestation): void {
  const { profile, host, port, observe } = request;
  publish(
    () => ({
      host,
      port: Number(port),
      rule: profile.resolution.rule,
      protocol: socket.getProtocol(),
      resumed: socket.isSessionReused(),
      requested,
      presented: presented && { ...presented }, // whoever is told may change it
    }),
    observe && ((handshake) => observe.handshake(handshake, answerSeen(new WeakRef(socket)))),
  );
}

/** Written apart: a function within another that uses the socket would hold it, too. */
function answerSeen(socket: WeakRef<TLSSocket>): () => boolean {
  return () => (socket.deref()?.bytesRead ?? 0) > 0;
}

function refuseUnasked(socket: TLSSocket, { profile, host, port }: Dial, attestation: Attestation): void {
  const error = refuseUnverified(profile, attestation, host, Number(port));
  if (!error) return;
  // A request that waits for the handshake would go out now.
  if (socket.writableLength > 0) return void socket.destroy(error);
  // HTTP/2 takes hold of the socket after us, in the same event, and aborts the process where it is gone. What others write
  // until then goes nowhere: corked, it would go out with `end`.
  socket._write = (_chunk, _encoding, done) => process.nextTick(done, error);
  socket._writev = (_chunks, done) => process.nextTick(done, error);
  process.nextTick(() => socket.destroy(error));
}

/** The errors of the handshake, and the server's alerts after it: in TLS 1.3 that is when it refuses a certificate. */
function reportFailure(
  socket: TLSSocket,
  { profile, host, port, observe }: Dial,
  attested: () => Attestation | undefined,
  alertIn: (error: Error) => number | null,
): void {
  if (!observe) return;
  (socket as EventEmitter).once(errorMonitor, (error: NodeJS.ErrnoException) => {
    const alert = alertIn(error);
    const attestation = attested();
    if (attestation && alert === null) return;
    const { contexts, resolution } = profile;
    const failure = {
      host,
      port: Number(port),
      rule: resolution.rule,
      code: error.code ?? null,
      alert,
      presented: attestation?.presented ?? contexts.presented,
    };
    observe.failure({ ...failure, presented: failure.presented && { ...failure.presented } });
    // Before that an alert is plain text, which anybody on the way can write, or that of a server not yet verified.
    if (attestation?.requested && socket.authorized) observe.refused(failure);
  });
}

/**
 * Over TLS 1.3 a server refuses a certificate after the handshake. A client may see the stream end before it sees
 * the alert, as undici does ("other side closed"): what came first is made the cause of such an error. And each error
 * is told of with what was seen of the connection.
 */
function keepReason(socket: TLSSocket, request: Dial, attested: () => Attestation | undefined): void {
  const { profile, host, port, proxy, own, observe } = request;
  // What a caller brought of their own is not known here.
  const explain = own && presentsOwn(own) ? undefined : observe;
  let seen: { attestation: Attestation; protocol: string | null; resumed: boolean } | undefined;
  const look = () => {
    const attestation = attested() ?? attest(socket, profile.contexts);
    seen = { attestation, protocol: socket.getProtocol(), resumed: socket.isSessionReused() };
  };
  if (explain) {
    socket.once('secureConnect', look);
    // In TLS 1.2 the server may refuse before the handshake has ended: by this line, which is let go at once, it has
    // said whether it wants a certificate. Later, Node 20 crashes when it is asked.
    socket.on('keylog', (line: Buffer) => {
      if (!seen && line.toString('latin1', 0, 13) === 'CLIENT_RANDOM') look();
    });
  }
  let reason: Error | undefined;
  (socket as EventEmitter).on(errorMonitor, (error: Error) => {
    if (!reason) reason = error;
    else if (error !== reason) error.cause ??= reason;
    explain?.explain(error, {
      host,
      port: Number(port),
      resolution: profile.resolution,
      proxy: proxy && `${proxy.url.protocol}//${proxy.url.host}`,
      protocol: seen?.protocol ?? null,
      requested: seen?.attestation.requested ?? null,
      presented: (seen?.attestation.presented ?? null) !== null,
      resumed: seen?.resumed ?? false,
      // Of a TLS socket that is what came through TLS, without the handshake.
      answered: socket.bytesRead > 0,
    });
  });
}

/**
 * A verified server has accepted a certificate when it finishes a TLS 1.2 handshake; in TLS 1.3, whose handshake ends
 * before the server has looked, when the first data come, or over HTTP/2, whose data pass by, a TLS session.
 */
function awaitAcceptance(socket: TLSSocket, { observe }: Dial, { presented }: Attestation): void {
  if (!presented || !socket.authorized || !observe?.awaits(presented)) return;
  const accept = () => observe.accepted(presented);
  if (socket.getProtocol() !== 'TLSv1.3') accept();
  else if (socket.alpnProtocol === 'h2') socket.once('session', accept);
  // Not `socket.once`: for 'data' that would begin to read before whoever uses the socket is ready.
  else socket.prependOnceListener('data', accept);
}

/** What a socket was made under, and the tunnel below it. */
export interface Connection {
  readonly profile: ConnectionProfile;
  readonly tunnel: Tunnel | undefined;
  readonly proxy: TunnelProxy | null;
  readonly host: string;
  readonly port: number | string;
  /** It takes no further request. */
  closing: boolean;
  /** It takes what is queued, and is not kept after that: its pool's name does not say what it was made by. */
  unkept: boolean;
  /** Resolves when it is closed; where it was idle, and is made otherwise by now. */
  closed: Promise<unknown> | undefined;
}

const connections = new WeakMap<Duplex, Connection>();

export function connectionOf(socket: Duplex): Connection | undefined {
  return connections.get(socket);
}

/** What Node's class has and its type leaves out. */
interface NodeSocket {
  setSession(session: Buffer): void;
}
