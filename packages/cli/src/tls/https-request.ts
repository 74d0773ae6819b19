import * as http from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type Address, TimedOut } from './wire.ts';

/** What came of one request over Node's own TLS. */
export interface Answer {
  readonly protocol: string | null;
  /** Why Node would not trust the server, as its code; `null` where it does; `undefined` without a handshake. */
  readonly distrust: string | null | undefined;
  /** The server began another handshake after it had the request, which TLS 1.2 shows and TLS 1.3 does not have. */
  readonly renegotiated: boolean;
  readonly response?: { status: number; headers: http.IncomingHttpHeaders; body: string };
  readonly error?: Error;
}

const MOST_BODY = 16_384;
const MOST_BYTES = 1_048_576;

/** Sends one GET on a connection of its own and reads the beginning of the answer. Never rejects. */
export async function requestOnce(
  url: URL,
  address: Address,
  tls: ConnectionOptions,
  milliseconds: number,
): Promise<Answer> {
  const tcp = connectTcp(address);
  const tap = new Tap(tcp);
  const socket = connectTls({ ALPNProtocols: ['http/1.1'], ...tls, socket: tap });
  let distrust: string | null | undefined;
  socket.once('secureConnect', () => {
    distrust = socket.authorized ? null : `${socket.authorizationError as unknown as string}`;
  });
  let protocol: string | null = null;
  socket.once('secureConnect', () => {
    protocol = socket.getProtocol();
  });
  const timeout = new TimedOut(`no complete answer within ${milliseconds / 1000} seconds`);
  let timer: NodeJS.Timeout | undefined;
  try {
    const response = await new Promise<NonNullable<Answer['response']>>((resolve, reject) => {
      const request = http.get({
        createConnection: () => socket,
        method: 'GET',
        path: `${url.pathname}${url.search}`,
        headers: { host: url.host, accept: '*/*', connection: 'close', 'user-agent': 'clientcert-probe' },
      });
      let read: (() => void) | undefined;
      timer = setTimeout(() => (read ? read() : reject(timeout)), milliseconds);
      // Before the request listens, and after it is done.
      socket.on('error', reject);
      request.on('error', reject);
      request.on('response', (message) => {
        let body = '';
        read = () =>
          resolve({ status: message.statusCode!, headers: message.headers, body: body.slice(0, MOST_BODY) });
        message.setEncoding('latin1');
        message.on('data', (chunk: string) => {
          body += chunk;
          if (body.length >= MOST_BODY) read!();
        });
        message.once('end', read);
        // Cut off: what there is of it has to do.
        message.once('error', read);
      });
    });
    return { protocol, distrust, renegotiated: tap.renegotiated, response };
  } catch (error) {
    return { protocol, distrust, renegotiated: tap.renegotiated, error: error as Error };
  } finally {
    clearTimeout(timer);
    socket.on('error', () => {}).destroy();
    tap.on('error', () => {}).destroy();
    tcp.on('error', () => {}).destroy();
  }
}

/** Passes bytes on and watches the types of records, which are in the clear (RFC 5246, section 6.2.1). */
class Tap extends Duplex {
  renegotiated = false;
  readonly #socket: Socket;
  #received = 0;
  #sentData = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    const incoming = scanRecords((type) => {
      if (this.#sentData && type === HANDSHAKE) this.renegotiated = true;
    });
    this.#scanOutgoing = scanRecords((type) => {
      if (type === DATA) this.#sentData = true;
    });
    socket.on('data', (chunk) => {
      this.#received += chunk.length;
      if (this.#received > MOST_BYTES) {
        this.destroy(new Error(`the server sent more than ${MOST_BYTES} bytes`));
        return;
      }
      incoming(chunk);
      if (!this.push(chunk)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.once('close', () => {
      if (!this.readableEnded) this.push(null);
    });
  }

  readonly #scanOutgoing: (chunk: Buffer) => void;

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#scanOutgoing(chunk);
    this.#socket.write(chunk, callback);
  }

  override _final(callback: () => void): void {
    this.#socket.end(callback);
  }
}

const HANDSHAKE = 22;
const DATA = 23;

/** Tells the type of each record in a stream of them. */
function scanRecords(tell: (type: number) => void): (chunk: Buffer) => void {
  let header: number[] = [];
  let left = 0;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const step = Math.min(left, chunk.length - at);
        left -= step;
        at += step;
        continue;
      }
      header.push(chunk[at++]!);
      if (header.length < 5) continue;
      tell(header[0]!);
      left = (header[3]! << 8) | header[4]!;
      header = [];
    }
  };
}
