import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { snapshot } from '../own.ts';
import { isIP } from '../pin/host.ts';

/**
 * undici's way to a connection, which is in the version that Node comes with and in all that are installed.
 *
 * @returns What is being connected: undici ends it where nobody waits for it any more, from 8.13 on.
 */
export type Connector = (target: ConnectTarget, callback: ConnectCallback) => TLSSocket | undefined;

/** Where to, as undici says it. */
export interface ConnectTarget {
  readonly hostname: string;
  readonly port: string;
  readonly servername?: string | undefined;
  readonly localAddress?: string | null | undefined;
}

export type ConnectCallback = (
  ...result: [error: null, socket: TLSSocket] | [error: Error, socket: null]
) => void;

/** What connects: `Credentials`. */
export interface Dialer {
  connect(options: ConnectionOptions & { port: number }): TLSSocket;
}

/** How connections are made, beside what the rules say. */
export interface ConnectorOptions {
  /** As whom, and options of `tls.connect`. */
  readonly tls: object;
  readonly allowH2: boolean;
  /** Milliseconds until a connection has to stand (10,000 unless written, 0 for as long as it takes). */
  readonly timeout?: number | null | undefined;
  /** TCP keep-alive (`true` unless written). */
  readonly keepAlive?: boolean | null | undefined;
  /** Milliseconds of silence before TCP asks whether the server is there (60,000 unless written). */
  readonly keepAliveInitialDelay?: number | null | undefined;
  /** The client's own error for a connection that does not stand in time. */
  readonly timeoutError: (message: string) => Error;
  /**
   * Called when an HTTP/2 session ended with an error: undici may go on giving requests to it, each of which
   * fails, so the pool must not be used any longer.
   */
  readonly onBroken: () => void;
}

/**
 * Makes the connections of one pool.
 *
 * @param connecting Holds those that do not stand yet: no pool knows of them.
 */
export function createConnector(
  dialer: Dialer,
  connecting: Set<TLSSocket>,
  { tls, allowH2, timeout, keepAlive, keepAliveInitialDelay, timeoutError, onBroken }: ConnectorOptions,
): Connector {
  const shared: ConnectionOptions = {
    // Node reads them from Object.prototype where they are not written.
    path: undefined,
    lookup: undefined,
    servername: undefined,
    ...snapshot(tls),
    ALPNProtocols: allowH2 ? ['http/1.1', 'h2'] : ['http/1.1'],
  };
  return ({ hostname, port: written, servername, localAddress }, callback) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const port = Number(written || 443);
    let socket: TLSSocket;
    try {
      socket = dialer.connect({
        ...shared,
        host,
        port,
        servername: servername || (shared.servername ?? (isIP(host) === 0 ? host : '')),
        ...(localAddress && { localAddress }),
      });
    } catch (error) {
      // Not at once: undici is not ready for an answer while it asks, and would forget the requests that wait.
      process.nextTick(callback, error, null);
      return undefined;
    }
    socket.setNoDelay(true);
    if (keepAlive !== false) socket.setKeepAlive(true, keepAliveInitialDelay ?? 60_000);
    const limit = timeout ?? 10_000;
    const stop = countDown(limit, () =>
      socket.destroy(timeoutError(`no connection to ${host}:${port} within ${limit} ms`)),
    );
    connecting.add(socket);
    let waiting: ConnectCallback | undefined = callback;
    const settle: ConnectCallback = (...result) => {
      stop();
      connecting.delete(socket);
      waiting?.(...result);
      waiting = undefined;
    };
    // For good: whoever takes the socket over, as after an upgrade, begins to listen a moment later.
    socket.on('error', (error) => {
      if (socket.alpnProtocol === 'h2') onBroken();
      settle(error, null);
    });
    socket.once('close', () => settle(new Error(`the connection to ${host}:${port} was closed`), null));
    // A tick later: a rule may refuse what Node has let through, over HTTP/2 only after everybody was told of it.
    socket.once('secureConnect', () =>
      process.nextTick(() => {
        if (!socket.destroyed) settle(null, socket);
      }),
    );
    return socket;
  };
}

/**
 * Calls back when the event loop has had so many milliseconds: time in which it was blocked says nothing of the
 * server, whose answer may have been waiting meanwhile.
 *
 * @returns Stops it.
 */
function countDown(milliseconds: number, end: () => void): () => void {
  if (!(milliseconds > 0 && milliseconds < Number.POSITIVE_INFINITY)) return () => {};
  const slices = Math.max(10, Math.ceil(milliseconds / 500));
  let left = slices;
  let timer: NodeJS.Timeout;
  let last: NodeJS.Immediate | undefined;
  const next = () => {
    timer = setTimeout(() => {
      left -= 1;
      if (left > 0) next();
      else last = setImmediate(end); // after what has arrived
    }, milliseconds / slices).unref();
  };
  next();
  return () => {
    clearTimeout(timer);
    clearImmediate(last);
  };
}
