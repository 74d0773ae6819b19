import { X509Certificate } from 'node:crypto';
import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { type AddressInfo, isIPv6, type Socket } from 'node:net';
import type { SecureVersion, TLSSocket, TlsOptions } from 'node:tls';
import type { Authority } from './authority.ts';
import type { IssuedCertificate } from './issued.ts';
import { describePeer, type PeerCertificate } from './peer.ts';

/**
 * Whether clients must send a certificate. `'required'` refuses the handshake without one that the authority
 * vouches for; `'optional'` asks, and accepts none and any; `'none'` does not ask.
 */
export type ClientCertificateDemand = 'required' | 'optional' | 'none';

/** TLS settings of a listener beside its certificates: versions, ciphers, signature algorithms, session tickets. */
export type ListenerTlsOptions = Omit<
  TlsOptions,
  | 'ca'
  | 'cert'
  | 'key'
  | 'pfx'
  | 'passphrase'
  | 'crl'
  | 'requestCert'
  | 'rejectUnauthorized'
  | 'secureContext'
>;

/** How one port is served. */
export interface ListenerOptions {
  /** The address to listen on and the host in `url`: `127.0.0.1` unless given; also `localhost`, `::1`. */
  host?: string | undefined;
  /** The port; any free one unless given. */
  port?: number | undefined;
  /** `'required'` unless given. */
  clientCertificate?: ClientCertificateDemand | undefined;
  /** One TLS version alone, or any settings; `false` serves plain HTTP. */
  tls?: 'TLSv1.2' | 'TLSv1.3' | ListenerTlsOptions | false | undefined;
  /**
   * The names in the certificate that is issued for the listener, beside the host in `url`: `localhost`, `127.0.0.1`
   * and `::1` unless given. Listeners with the same names have the same certificate.
   */
  hosts?: readonly string[] | undefined;
  /** The listener's own certificate, instead of one issued by the authority. */
  certificate?: IssuedCertificate | undefined;
  /** PEM of roots whose client certificates are accepted, beside the authority's. */
  ca?: string | readonly string[] | undefined;
  /** PEM of revocation lists, see `authority.revocationLists`. */
  crl?: string | readonly string[] | undefined;
  /** Offer HTTP/2 beside HTTP/1.1 (ALPN). */
  http2?: boolean | undefined;
  /** How long an idle connection is kept, in milliseconds; Node's default of 5000 unless given. */
  keepAliveTimeout?: number | undefined;
}

/** A TLS handshake that failed, whichever side broke it off. */
export interface Refusal {
  /**
   * Why: the verification error where a certificate was refused (`CERT_HAS_EXPIRED`), else Node's code
   * (`ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE`, `ECONNRESET`).
   */
  readonly code: string;
  /** Node's, or why the certificate was refused. */
  readonly message: string;
  /** The certificate that the client sent; null for none. */
  readonly clientCertificate: PeerCertificate | null;
  /** The port of the server. */
  readonly port: number;
  /** When it failed. */
  readonly time: Date;
}

/** What is known of a connection once its handshake is done. */
interface Connection {
  /** Running number, from 1, over all ports. */
  readonly number: number;
  readonly clientCertificate: PeerCertificate | null;
  readonly authorized: boolean;
  /** `'TLSv1.3'`; null over plain HTTP. */
  readonly protocol: string | null;
  readonly alpn: string | null;
  /** The name that the client asked for (SNI). */
  readonly servername: string | null;
  readonly resumed: boolean;
}

/** What several listeners keep together. */
export interface ConnectionLog {
  connections: number;
  readonly refusals: Refusal[];
}

/** Node's server of one port: HTTPS, HTTP/2, or plain HTTP. */
export type ListenerServer = http.Server | https.Server | http2.Http2SecureServer;

/** A port that is served. */
export interface Listener {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly server: ListenerServer;
  connection(socket: Socket): Connection;
  close(): Promise<void>;
}

/** Listen. The server comes without a handler for requests: the caller adds it. */
export async function listen(
  authority: Authority,
  options: ListenerOptions,
  log: ConnectionLog,
  transport: { allowHalfOpen?: boolean } = {},
): Promise<Listener> {
  const { host = '127.0.0.1', keepAliveTimeout } = options;
  const server = await createServer(authority, options, transport);
  if (keepAliveTimeout !== undefined && 'keepAliveTimeout' in server)
    server.keepAliveTimeout = keepAliveTimeout;

  const sockets = new Set<Socket>();
  const known = new Map<string, Connection>();
  // A test that fails before it closes its server shall end all the same: a server keeps no process alive. Whoever
  // waits for an answer is kept by its own socket.
  server.unref();
  server.on('connection', (socket: Socket) => {
    socket.unref();
    sockets.add(socket);
    socket.on('error', () => {}); // a peer that resets a connection is no failure of the test's server
    log.connections += 1;
    const number = log.connections;
    const key = endpoints(socket);
    known.set(key, { ...PLAIN, number });
    socket.once('close', () => {
      sockets.delete(socket);
      if (known.get(key)?.number === number) known.delete(key);
    });
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    const key = endpoints(socket);
    known.set(key, describeConnection(socket, known.get(key)?.number ?? 0));
  });
  // A refused socket is closed before its error is told; 'keylog' is the one event that hands it out earlier.
  const presented = new WeakMap<TLSSocket, PeerCertificate | null>();
  server.on('keylog', (_line: Buffer, socket: TLSSocket) => {
    if (presented.has(socket)) return;
    presented.set(socket, null);
    socket.prependOnceListener('secure', () => presented.set(socket, describePeer(socket)));
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    log.refusals.push(describeRefusal(error, socket, presented.get(socket) ?? null, port));
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const scheme = options.tls === false ? 'http' : 'https';
  return {
    url: `${scheme}://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    host,
    port,
    server,
    connection: (socket) => known.get(endpoints(socket)) ?? PLAIN,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

const PLAIN: Connection = {
  number: 0,
  clientCertificate: null,
  authorized: false,
  protocol: null,
  alpn: null,
  servername: null,
  resumed: false,
};

async function createServer(
  authority: Authority,
  options: ListenerOptions,
  transport: { allowHalfOpen?: boolean },
): Promise<ListenerServer> {
  if (options.tls === false) return http.createServer();
  const settings = { ...(await tlsOptions(authority, options)), ...transport };
  if (options.http2) return http2.createSecureServer({ ...settings, allowHTTP1: true });
  return https.createServer(settings);
}

const DEMANDS: {
  readonly [demand in ClientCertificateDemand]: { requestCert: boolean; rejectUnauthorized: boolean };
} = {
  required: { requestCert: true, rejectUnauthorized: true },
  optional: { requestCert: true, rejectUnauthorized: false },
  none: { requestCert: false, rejectUnauthorized: false },
};

async function tlsOptions(authority: Authority, options: ListenerOptions): Promise<TlsOptions> {
  const { clientCertificate = 'required', tls = {}, ca = [], crl } = options;
  const demand = DEMANDS[clientCertificate];
  if (!demand) {
    throw new TypeError(
      `Unknown clientCertificate "${clientCertificate}": use 'required', 'optional' or 'none'`,
    );
  }
  const certificate = options.certificate ?? (await issueFor(authority, options));
  return {
    ...(typeof tls === 'string' ? oneVersion(tls) : tls || {}),
    ...demand,
    cert: certificate.fullChain,
    key: certificate.key,
    ca: [authority.certificate, ...[ca].flat().map(checkRoots)],
    ...(crl === undefined ? {} : { crl: [crl].flat() }),
  };
}

/** Node trusts nothing by what is no certificate, and says nothing. */
function checkRoots(pem: string): string {
  const blocks = `${pem}`.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.map((each) => new X509Certificate(each)).length > 0) return pem;
  } catch {}
  throw new TypeError('ca is no PEM of certificates: pass authority.certificate, or the text of a file');
}

function oneVersion(version: SecureVersion): ListenerTlsOptions {
  return { minVersion: version, maxVersion: version };
}

/** What was issued for listeners, by authority and names: one suite starts many that are called the same. */
const issued = new WeakMap<Authority, Map<string, Promise<IssuedCertificate>>>();

function issueFor(authority: Authority, { hosts, host }: ListenerOptions): Promise<IssuedCertificate> {
  const names = [...new Set([...(hosts ?? ['localhost', '127.0.0.1', '::1']), host ?? '127.0.0.1'])];
  const known = issued.get(authority) ?? new Map<string, Promise<IssuedCertificate>>();
  issued.set(authority, known);
  const key = names.join(' ');
  const certificate = known.get(key) ?? authority.issue({ name: names[0]!, hosts: names, usage: 'server' });
  known.set(key, certificate);
  return certificate;
}

/** A TLS socket and the TCP socket below it have the same addresses, and no public link to each other. */
function endpoints(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localPort}`;
}

function describeConnection(socket: TLSSocket, number: number): Connection {
  return {
    number,
    clientCertificate: describePeer(socket),
    authorized: socket.authorized,
    protocol: socket.getProtocol(),
    alpn: socket.alpnProtocol || null,
    servername: (socket as { servername?: string | false }).servername || null,
    resumed: socket.isSessionReused(),
  };
}

function describeRefusal(
  error: NodeJS.ErrnoException,
  socket: TLSSocket,
  presented: PeerCertificate | null,
  port: number,
): Refusal {
  // Where Node itself refuses a certificate it closes the socket and keeps the reason here, as a code.
  const reason = (socket.authorizationError as unknown as string | undefined) ?? null;
  return {
    code: reason || error.code || 'UNKNOWN',
    message: error.message,
    clientCertificate: presented && { ...presented, authorizationError: reason },
    port,
    time: new Date(),
  };
}
