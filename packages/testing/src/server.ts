import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Authority, createAuthority } from './authority.ts';
import {
  type ConnectionLog,
  type Listener,
  type ListenerOptions,
  type ListenerServer,
  listen,
  type Refusal,
} from './listener.ts';
import { answer } from './routes.ts';
import type { SeenRequest } from './seen-request.ts';

/** Options of {@link startServer}; what is said of a listener holds for each of `listeners` that does not say otherwise. */
export interface ServerOptions extends ListenerOptions {
  /** Issues the server's certificate and vouches for its clients; a new one unless given. */
  authority?: Authority | undefined;
  /** Several ports, each with settings of its own; one port unless given. */
  listeners?: readonly ListenerOptions[] | undefined;
  /** Answers requests instead of the built-in routes, or before them: see {@link RequestHandler}. */
  handler?: RequestHandler | undefined;
}

/**
 * Answers a request. `seen` is its entry in `server.requests`. A handler that returns (a promise of) `false` leaves
 * the request to the built-in routes. Over HTTP/2 request and response are Node's compatible ones.
 */
export type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest,
) => unknown;

/** A running server, as {@link startServer} gives it. */
export interface TestServer extends AsyncDisposable {
  /** Of the first port: `https://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string;
  /** Of each port, in the order of `listeners`. */
  readonly urls: readonly string[];
  /** The host in the URLs: `127.0.0.1` unless given. */
  readonly host: string;
  /** The first port. */
  readonly port: number;
  /** In the order of `listeners`. */
  readonly ports: readonly number[];
  /** What issued the server's certificate and vouches for its clients. */
  readonly authority: Authority;
  /** Every request since the start, in order of arrival. */
  readonly requests: SeenRequest[];
  /** Every handshake that failed. */
  readonly refusals: Refusal[];
  /** How many TCP connections were accepted. */
  readonly connections: number;
  /** Node's own servers, one for each port, to attach a WebSocket server or a listener of your own. */
  readonly servers: readonly ListenerServer[];
  /** Stop listening and destroy every connection. */
  close(): Promise<void>;
}

/**
 * Start a server on loopback that asks its clients for certificates and keeps what it saw.
 *
 * It keeps no process alive: a script that does nothing but serve calls `server.servers[0].ref()`.
 *
 * Built-in routes: `/redirect?to=URL&status=302`, `/status/503`, `/delay?ms=100`, `/echo` (the request's body,
 * streamed), `/large?bytes=1000000`; every other path answers with the JSON of what the server saw.
 *
 * @throws {TypeError} where an option has no meaning; Node's error where it cannot listen.
 *
 * @example
 * ```ts
 * import { get } from 'node:https';
 * import { createAuthority, startServer } from '@clientcert/testing';
 *
 * const authority = await createAuthority();
 * const client = await authority.issue({ name: 'alice' });
 * await using server = await startServer({ authority, clientCertificate: 'required' });
 *
 * get(server.url, { ca: authority.certificate, cert: client.fullChain, key: client.key }, () => {
 *   server.requests[0].clientCertificate?.commonName;  // 'alice'
 * });
 * ```
 */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const { authority = await createAuthority(), listeners: own = [{}], handler, ...shared } = options;
  if (own.length === 0) throw new TypeError('listeners is empty: give at least one, or leave it out');
  const log: ConnectionLog = { connections: 0, refusals: [] };
  const requests: SeenRequest[] = [];
  const listeners = await listenAll(
    authority,
    own.map((each) => ({ ...shared, ...each })),
    log,
  );
  for (const listener of listeners) {
    listener.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const seen = record(request, response, listener);
      requests.push(seen);
      void respond(request, response, seen, handler);
    });
  }
  const close = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  const [{ url, host, port }] = listeners as [Listener, ...Listener[]];
  const server: TestServer = {
    url,
    urls: listeners.map((listener) => listener.url),
    host,
    port,
    ports: listeners.map((listener) => listener.port),
    authority,
    requests,
    refusals: log.refusals,
    get connections() {
      return log.connections;
    },
    servers: listeners.map((listener) => listener.server),
    close,
    [Symbol.asyncDispose]: close,
  };
  // What prints the server shall not print the keys that Node's servers hold.
  const { servers } = server;
  return Object.defineProperty(server, 'servers', { get: () => servers, enumerable: false });
}

/** All or none: what was opened before a failure is closed again. */
async function listenAll(
  authority: Authority,
  options: readonly ListenerOptions[],
  log: ConnectionLog,
): Promise<Listener[]> {
  const results = await Promise.allSettled(options.map((each) => listen(authority, each, log)));
  const listeners = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failure = results.find((result) => result.status === 'rejected');
  if (!failure) return listeners;
  await Promise.all(listeners.map((listener) => listener.close()));
  throw failure.reason;
}

function record(request: IncomingMessage, response: ServerResponse, listener: Listener): SeenRequest {
  const { number, ...connection } = listener.connection(request.socket);
  const target = request.url ?? '/';
  const authority =
    request.headers.host ?? request.headers[':authority'] ?? `${listener.host}:${listener.port}`;
  const scheme = connection.protocol === null ? 'http' : 'https';
  const seen: SeenRequest = {
    method: request.method ?? '',
    path: target.split('?', 1)[0]!,
    url: target.startsWith('/') ? `${scheme}://${authority}${target}` : target,
    headers: { ...request.headers },
    body: null,
    bodyLength: 0,
    ...connection,
    connection: number,
    port: listener.port,
    httpVersion: request.httpVersion,
    aborted: false,
    time: new Date(),
  };
  recordBody(request, response, seen);
  response.on('close', () => {
    seen.aborted = !response.writableFinished;
  });
  return seen;
}

const BODY_LIMIT = 1024 * 1024;

/**
 * Read along without reading: `request.on('data')` would start the flow before a handler listens,
 * EventEmitter's own `on` does not.
 */
function recordBody(request: IncomingMessage, response: ServerResponse, seen: SeenRequest): void {
  const chunks: Buffer[] = [];
  EventEmitter.prototype.on.call(request, 'data', (chunk: Buffer | string) => {
    const bytes = Buffer.from(chunk as Buffer);
    if (seen.bodyLength < BODY_LIMIT) chunks.push(bytes.subarray(0, BODY_LIMIT - seen.bodyLength));
    seen.bodyLength += bytes.length;
  });
  EventEmitter.prototype.on.call(request, 'end', () => {
    seen.body = Buffer.concat(chunks).toString('utf8');
  });
  // Node throws away what nobody has begun to read once it is answered; over HTTP/2 before the response says so.
  const { stream = response } = response as { stream?: EventEmitter };
  stream.prependOnceListener('finish', () => {
    if (request.readableFlowing !== null) return;
    request.read();
    request.resume();
  });
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  seen: SeenRequest,
  handler: RequestHandler | undefined,
): Promise<void> {
  try {
    if (handler && (await handler(request, response, seen)) !== false) return;
    await answer(request, response, seen);
  } catch (error) {
    if (seen.aborted || response.destroyed) return;
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { 'content-type': 'text/plain' }).end(`${error}`);
  }
}
