import type { ConnectionOptions } from 'node:tls';
import { ClientCertificateError, type ConnectIdentity } from '@clientcert/core';
import {
  type AdapterView,
  acceptOptions,
  Dispatchers,
  decides,
  fixedProxy,
  nodeUsesProxies,
  type Route as PoolRoute,
  snapshot,
  written,
} from '@clientcert/core/adapter';
import * as undici from 'undici';

/** Options of undici's `Agent`, for the connections to hosts that a rule names. */
export interface PoolOptions
  extends Omit<undici.Pool.Options, 'connect' | (typeof refused)[number]>,
    Pick<ConnectIdentity, 'proxy'> {
  /** Options of `tls.connect`, beside what the rule says. */
  connect?: (Omit<ConnectionOptions, (typeof refusedInConnect)[number]> & TransportOptions) | undefined;
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

/** What leads elsewhere than to the host that was decided for, or resumes what was agreed with somebody else. */
const refusedInConnect = ['path', 'session', 'socket', 'socketPath'] as const;

/**
 * What the caller wrote, as it is now: a dispatcher connects again and again, whatever becomes of the object.
 *
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT, ERR_CLIENTCERT_CONFIG_INVALID
 */
export function readPoolOptions<Options extends PoolOptions>(options: Options, callee: string): Options {
  const own = acceptOptions(options, callee);
  const { connect } = own;
  for (const name of refused) if ((own as Record<string, unknown>)[name] != null) throw conflict(name);
  if (typeof connect === 'function') throw conflict('connect');
  if (own.proxy) own.proxy = fixedProxy(own.proxy) as ConnectIdentity['proxy'];
  const dispatcher = written(options as { dispatcher?: object }, 'dispatcher');
  if (dispatcher) Object.assign(own, { dispatcher }); // itself: what it does may change
  if (!connect) return own;
  own.connect = snapshot(connect);
  for (const name of refusedInConnect) {
    if ((own.connect as Record<string, unknown>)[name] != null) throw conflict(`connect.${name}`);
  }
  return own;
}

function conflict(name: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `the option "${name}" would take connections out of the hands of the rules`,
    { hint: `Remove "${name}", or give it to the dispatcher that serves the hosts that no rule names.` },
  );
}

/** undici 8 speaks HTTP/2 unless told not to, undici 7 when told to. */
export function speaksHttp2({ allowH2 }: PoolOptions): boolean {
  return allowH2 ?? 'Dispatcher1Wrapper' in undici;
}

type Pool = undici.Pool | undici.Client;
export type Route = PoolRoute<Pool>;
export type Routes = Dispatchers<Pool>;

/**
 * The pools of the hosts that a rule names, and where it is said which proxy is gone through, or none, those of all others,
 * too: unless the caller's own dispatcher serves these.
 *
 * @param options They inherit nothing.
 */
export function createRoutes(credentials: AdapterView, options: PoolOptions, leavesOthers: boolean): Routes {
  const {
    connect = Object.create(null) as NonNullable<PoolOptions['connect']>,
    connectTimeout,
    proxy,
    autoSelectFamily,
    autoSelectFamilyAttemptTimeout,
    ...pool
  } = options;
  const { timeout = connectTimeout, keepAlive, keepAliveInitialDelay, ...tls } = connect;
  const namesProxy = () => (proxy === undefined ? credentials.namesProxy : proxy !== false);
  // Node's fetch would go through the proxies that Node is switched to.
  const refusesNodes = () => (proxy === false || credentials.decidesProxy) && nodeUsesProxies();
  return new Dispatchers(credentials, {
    serves: (resolution) => decides(resolution) || (!leavesOthers && (namesProxy() || refusesNodes())),
    open: (origin, connector, allowH2, drop) => {
      const own = { ...pool, allowH2, connect: connector as undici.buildConnector.connector };
      // As an Agent's: up to 8.12 a Pool takes a connection that refused a request for a busy one, and waits for good.
      if (pool.connections === 1) return droppedInTime(clientOf(origin, own), drop);
      return new undici.Pool(origin, { ...own, factory: clientOf });
    },
    tls: {
      ...(autoSelectFamily !== undefined && { autoSelectFamily }),
      ...(autoSelectFamilyAttemptTimeout !== undefined && { autoSelectFamilyAttemptTimeout }),
      ...tls,
      proxy,
    },
    timeout,
    keepAlive,
    keepAliveInitialDelay,
    timeoutError: (message) => new undici.errors.ConnectTimeoutError(message) as Error,
  });
}

/**
 * undici up to 7.20 closes all connections of a pool that ends each time one of them comes free, and nobody hears that some
 * have ended by then, which ends the process: they are closed once.
 */
function clientOf(origin: string | URL, options: object): undici.Client {
  const client = new undici.Client(origin, options);
  const close = client.close.bind(client);
  let closing: Promise<void> | undefined;
  client.close = ((done?: () => void) => {
    if (done) return close(done);
    closing ??= close();
    return closing;
  }) as typeof client.close;
  return client;
}

/**
 * undici counts requests that failed by the name of the server as running, on which all later ones would wait for good. An Agent
 * takes another client after each connection that failed.
 */
function droppedInTime(client: undici.Client, drop: () => void): undici.Client {
  return client.on('connectionError', (_origin, _targets, error) => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_TLS_CERT_ALTNAME_INVALID') return;
    drop();
    void client.destroy(error);
  });
}

/** undici reads of a request what stands on `Object.prototype` too: by whose name the server would be verified. */
export function withOwnServername<Request extends object>(request: Request): Request {
  return 'servername' in Object.prototype ? { servername: undefined, ...request } : request;
}
