import * as http from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TLSSocket } from 'node:tls';
import { type Authority, createAuthority } from './authority.ts';
import { type ConnectionLog, type ListenerOptions, listen, type Refusal } from './listener.ts';
import type { PeerCertificate } from './peer.ts';

/** Options of {@link startProxy}. */
export interface ProxyOptions extends Omit<ListenerOptions, 'http2' | 'tls' | 'keepAliveTimeout'> {
  /** Issues the proxy's certificate and vouches for its clients; a new one unless given. */
  authority?: Authority | undefined;
  /** Speak TLS with the clients (`https:` proxy): `true`, or the settings of a listener. Plain unless given. */
  tls?: boolean | ListenerOptions['tls'];
  /** Whether clients of a TLS proxy must send a certificate to the proxy itself: `'none'` unless given. */
  clientCertificate?: ListenerOptions['clientCertificate'];
  /** Demand these credentials (Basic); others are answered with 407. */
  authentication?: { readonly username: string; readonly password: string } | undefined;
  /** Answer everything with this status: 407, 502, … */
  refuse?: number | undefined;
  /** Never answer. */
  hang?: boolean | undefined;
  /** Where a target is really to be found, so that `api.bank.example:443` can be a server on loopback. */
  route?: ((target: ProxyTarget) => ProxyTarget | undefined) | undefined;
}

/** A host and port behind the proxy. */
export interface ProxyTarget {
  /** Without brackets. */
  readonly host: string;
  /** From 1 to 65535. */
  readonly port: number;
}

/** A request to the proxy: a CONNECT, or a plain `http:` request to be forwarded. */
export interface ProxiedRequest {
  /** `'CONNECT'`, or the method of what was forwarded. */
  readonly method: string;
  /** The target as the client named it, without brackets. */
  readonly host: string;
  /** Of the target. */
  readonly port: number;
  /** The URL of what was forwarded; null for a CONNECT. */
  readonly url: string | null;
  /** The headers meant for the proxy, `proxy-authorization` among them. */
  readonly headers: http.IncomingHttpHeaders;
  /** The certificate that the client sent to the proxy; null for none. */
  readonly clientCertificate: PeerCertificate | null;
  /** The running number of the connection, from 1. */
  readonly connection: number;
  /** What the proxy answered; null where it has not. */
  status: number | null;
  /** Whether the tunnel stands. */
  open: boolean;
  /** When it arrived. */
  readonly time: Date;
}

/** A running proxy, as {@link startProxy} gives it. */
export interface TestProxy extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, or `https:` with `tls`. */
  readonly url: string;
  /** The address that it listens on. */
  readonly host: string;
  /** From 1 to 65535. */
  readonly port: number;
  /** What issued the proxy's certificate and vouches for its clients. */
  readonly authority: Authority;
  /** Every CONNECT, in order of arrival. */
  readonly connects: ProxiedRequest[];
  /** Every plain `http:` request that was to be forwarded. */
  readonly forwards: ProxiedRequest[];
  /** Every handshake with the proxy that failed. */
  readonly refusals: Refusal[];
  /** How many TCP connections were accepted. */
  readonly connections: number;
  /** Stop listening and destroy every connection and tunnel. */
  close(): Promise<void>;
}

/**
 * Start a forward proxy on loopback: CONNECT for `https:` targets (RFC 9110 section 9.3.6), forwarding for `http:`
 * ones. What goes through a tunnel is not looked at.
 *
 * @throws {TypeError} where an option has no meaning; Node's error where it cannot listen.
 *
 * @example
 * ```ts
 * import { startProxy } from '@clientcert/testing';
 *
 * await using proxy = await startProxy({ authentication: { username: 'me', password: 'secret' } });
 * process.env.HTTPS_PROXY = proxy.url.replace('//', '//me:secret@');
 * proxy.connects;  // [{ host: '127.0.0.1', port: 8443, status: 200, … }] after a request
 * ```
 */
export async function startProxy(options: ProxyOptions = {}): Promise<TestProxy> {
  const { authority = await createAuthority(), tls = false, clientCertificate = 'none' } = options;
  const { refuse: status = 407 } = options;
  if (!(Number.isInteger(status) && status >= 200 && status <= 999)) {
    throw new TypeError(`A proxy cannot refuse with ${status}: write a status such as 407 or 502`);
  }
  const log: ConnectionLog = { connections: 0, refusals: [] };
  const settings = { ...options, clientCertificate, tls: tls === true ? {} : tls };
  const listener = await listen(authority, settings, log, { allowHalfOpen: true });
  const connects: ProxiedRequest[] = [];
  const forwards: ProxiedRequest[] = [];
  const upstreams = new Set<Socket>();

  const see = (request: http.IncomingMessage, target: ProxyTarget | undefined, url: string | null) => {
    const { number, clientCertificate } = listener.connection(request.socket);
    const seen: ProxiedRequest = {
      method: request.method ?? '',
      host: target?.host ?? '',
      port: target?.port ?? 0,
      url,
      headers: { ...request.headers },
      clientCertificate,
      connection: number,
      status: null,
      open: false,
      time: new Date(),
    };
    (url === null ? connects : forwards).push(seen);
    return seen;
  };
  const dial = (target: ProxyTarget): Socket => {
    const upstream = connect({ ...(options.route?.(target) ?? target), allowHalfOpen: true }).unref();
    upstreams.add(upstream);
    upstream.once('close', () => upstreams.delete(upstream));
    return upstream;
  };

  listener.server.on('connect', (request: http.IncomingMessage, client: Duplex, head: Buffer) => {
    const target = parseTarget(request.url ?? '');
    const seen = see(request, target, null);
    client.on('error', () => {}); // told to the other end by `join`; before that there is no other end
    if (options.hang) return;
    const status = refusal(request, options) ?? (target ? undefined : 400);
    if (status !== undefined || !target) refuse(client, seen, status ?? 400);
    else tunnel(client, head, dial(target), seen);
  });
  listener.server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : undefined;
    const target = url && { host: unbracket(url.hostname), port: Number(url.port) || 80 };
    const seen = see(request, target, request.url ?? '');
    if (options.hang) return;
    const status = refusal(request, options) ?? (url?.protocol === 'http:' ? undefined : 400);
    if (status !== undefined || !url || !target) {
      seen.status = status ?? 400;
      response.writeHead(seen.status, challenge(seen.status)).end();
    } else void forward(request, response, url, dial(target), seen);
  });

  const close = async (): Promise<void> => {
    const closed = listener.close();
    for (const upstream of upstreams) upstream.destroy();
    await closed;
  };
  const { url, host, port } = listener;
  return {
    url,
    host,
    port,
    authority,
    connects,
    forwards,
    refusals: log.refusals,
    get connections() {
      return log.connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function parseTarget(authority: string): ProxyTarget | undefined {
  const [, host, port] = /^(\[[\da-f:.]+\]|[^:/@\s]+):(\d{1,5})$/i.exec(authority) ?? [];
  if (!host || !port || Number(port) > 65_535) return undefined;
  return { host: unbracket(host), port: Number(port) };
}

function unbracket(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function refusal(request: http.IncomingMessage, options: ProxyOptions): number | undefined {
  if (options.refuse !== undefined) return options.refuse;
  if (!options.authentication) return undefined;
  const { username, password } = options.authentication;
  const expected = Buffer.from(`${username}:${password}`).toString('base64');
  const [scheme, given] = request.headers['proxy-authorization']?.split(' ') ?? [];
  return scheme?.toLowerCase() === 'basic' && given === expected ? undefined : 407;
}

function challenge(status: number): Record<string, string> {
  return status === 407 ? { 'proxy-authenticate': 'Basic realm="test"' } : {};
}

function refuse(client: Duplex, seen: ProxiedRequest, status: number): void {
  seen.status = status;
  const headers = Object.entries({ ...challenge(status), 'content-length': '0', connection: 'close' });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  client.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ''}\r\n${lines}\r\n`);
  client.resume();
}

function tunnel(client: Duplex, head: Buffer, upstream: Socket, seen: ProxiedRequest): void {
  const fail = (): void => refuse(client, seen, 502);
  const giveUp = (): void => void upstream.destroy();
  upstream.once('error', fail);
  client.once('close', giveUp);
  upstream.once('connect', () => {
    upstream.off('error', fail);
    client.off('close', giveUp);
    seen.status = 200;
    seen.open = true;
    upstream.once('close', () => {
      seen.open = false;
    });
    client.write('HTTP/1.1 200 Connection established\r\n\r\n');
    if (head.length > 0) upstream.write(head);
    join(client as Socket, upstream);
    join(upstream, client as Socket);
  });
}

/** One direction: bytes, the end of them (half-close), and failures go on from `source` to `target`. */
function join(source: Socket, target: Socket): void {
  source.pipe(target);
  source.once('error', () => reset(target));
  source.once('close', () => {
    if (source.readableEnded) target.destroySoon();
    else target.destroy();
  });
}

/** A connection that broke shall not look like one that ended; a TLS socket ends without close_notify instead. */
function reset(socket: Socket): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket.resetAndDestroy();
}

async function forward(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  url: URL,
  upstream: Socket,
  seen: ProxiedRequest,
): Promise<void> {
  const { 'proxy-authorization': _, 'proxy-connection': __, ...headers } = request.headers;
  const outgoing = http.request({
    method: request.method,
    host: url.hostname,
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, connection: 'close' },
    createConnection: () => upstream,
  });
  outgoing.on('response', (incoming) => {
    seen.status = incoming.statusCode ?? 502;
    response.writeHead(seen.status, incoming.rawHeaders);
    pipeline(incoming, response).catch(() => {});
  });
  response.once('close', () => outgoing.destroy());
  try {
    await pipeline(request, outgoing);
  } catch {
    if (response.headersSent || response.destroyed) return;
    seen.status = 502;
    response.writeHead(502).end();
  }
}
