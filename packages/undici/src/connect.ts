import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { ClientCertificateError, type ConnectIdentity, type Credentials } from '@clientcert/core';
import { type buildConnector, errors, Pool } from 'undici';

/** Options of undici's `Agent`, for the connections to hosts that a rule names. */
export interface PoolOptions
  extends Omit<Pool.Options, 'connect' | (typeof refused)[number]>,
    Pick<ConnectIdentity, 'proxy'> {
  /** Options of `tls.connect`, beside what the rule says. */
  connect?: (ConnectionOptions & TransportOptions) | undefined;
}

interface TransportOptions {
  /** Milliseconds until a connection has to stand (10,000 unless written). */
  timeout?: number | null | undefined;
  /** TCP keep-alive (`true` unless written). */
  keepAlive?: boolean | null | undefined;
  /** Milliseconds of silence before TCP asks whether the server is there (60,000 unless written). */
  keepAliveInitialDelay?: number | null | undefined;
}

/** What would make connections other than the rules say, or has no meaning beside them. */
const refused = ['factory', 'interceptors', 'maxCachedSessions', 'socketPath', 'tls', 'useH2c'] as const;

/** @throws ERR_CLIENTCERT_AGENT_CONFLICT */
export function checkPoolOptions(options: PoolOptions): void {
  const own = { ...options, connect: typeof options.connect === 'function' || undefined };
  const name = (['connect', ...refused] as const).find((each) => own[each as 'connect'] != null);
  if (name === undefined) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `the option "${name}" would take connections out of the hands of the rules`,
    { hint: `Remove "${name}", or give it to the dispatcher that serves the hosts that no rule names.` },
  );
}

/** undici 8 speaks HTTP/2 unless told not to, undici 7 when told to. */
export function speaksHttp2(options: PoolOptions, undici: object): boolean {
  return options.allowH2 ?? 'Dispatcher1Wrapper' in undici;
}

/** A pool, and the connections that are not yet its own. */
export interface Pinned {
  readonly pool: Pool;
  readonly connecting: ReadonlySet<TLSSocket>;
}

/**
 * A pool for one origin whose every connection is made by the credentials.
 *
 * @param onBroken Called when an HTTP/2 session ended with an error: undici may go on giving requests to it,
 *   each of which fails, so the pool must not be used any longer.
 */
export function createPool(
  credentials: Credentials,
  origin: string,
  identity: ConnectIdentity,
  options: PoolOptions,
  onBroken: () => void,
): Pinned {
  const { connect = {}, connectTimeout = 10_000, proxy, ...rest } = options;
  const { timeout = connectTimeout, keepAlive, keepAliveInitialDelay, ...tls } = connect;
  const { allowH2, autoSelectFamily, autoSelectFamilyAttemptTimeout } = rest;
  const shared: ConnectIdentity & ConnectionOptions = {
    ...(autoSelectFamily !== undefined && { autoSelectFamily }),
    ...(autoSelectFamilyAttemptTimeout !== undefined && { autoSelectFamilyAttemptTimeout }),
    ...tls,
    ...identity,
    proxy,
    ALPNProtocols: allowH2 ? ['http/1.1', 'h2'] : ['http/1.1'],
  };
  const connecting = new Set<TLSSocket>();
  const connector: buildConnector.connector = ({ hostname, port, servername, localAddress }, callback) => {
    let socket: TLSSocket;
    try {
      socket = credentials.connect({
        ...shared,
        host: hostname,
        port: Number(port || 443),
        ...(servername && { servername }),
        ...(localAddress && { localAddress }),
      });
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    socket.setNoDelay(true);
    if (keepAlive !== false) socket.setKeepAlive(true, keepAliveInitialDelay ?? 60_000);
    connecting.add(socket);
    const done: buildConnector.Callback = (...result) => {
      connecting.delete(socket);
      callback(...result);
    };
    hand(socket, timeout ?? 10_000, `${hostname}:${port || 443}`, onBroken, done);
  };
  return { pool: new Pool(origin, { ...rest, connect: connector }), connecting };
}

/** Gives the socket to undici once it stands. */
function hand(
  socket: TLSSocket,
  timeout: number,
  place: string,
  onBroken: () => void,
  callback: buildConnector.Callback,
): void {
  const timer =
    timeout > 0
      ? setTimeout(() => {
          socket.destroy(
            new errors.ConnectTimeoutError(`no connection to ${place} within ${timeout} ms`) as Error,
          );
        }, timeout)
      : undefined;
  const refuse = (error: Error) => {
    clearTimeout(timer);
    callback(error, null);
  };
  socket.once('error', refuse);
  socket.once('secureConnect', () => {
    if (socket.destroyed) return; // by a rule, with an error that is on its way
    clearTimeout(timer);
    socket.off('error', refuse);
    if (socket.alpnProtocol === 'h2') socket.prependListener('error', onBroken);
    callback(null, socket);
  });
}
