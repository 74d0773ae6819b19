import { connect, type Socket } from 'node:net';
import { Malformed } from './bytes.ts';

/** More than any handshake: a hundred kilobytes of certificates and the names of a thousand authorities. */
const MOST_BYTES = 1_048_576;
/** Records may be as small as one byte, and as empty as none. */
const MOST_RECORDS = 4096;
const LONGEST_RECORD = 16_384 + 256;

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface TlsRecord {
  readonly type: number;
  readonly header: Buffer;
  readonly body: Buffer;
}

/** No answer in the time there was. */
export class TimedOut extends Error {
  readonly code = 'ETIMEDOUT';
}

/** A TCP connection on which records come in. Time, bytes and records are counted from its beginning, not from the last. */
export class Wire implements Disposable {
  readonly #socket: Socket;
  readonly #chunks: AsyncIterator<Buffer>;
  readonly #timer: NodeJS.Timeout;
  #pending: Buffer[] = [];
  #length = 0;
  #received = 0;
  #records = 0;

  private constructor(socket: Socket, timer: NodeJS.Timeout) {
    this.#socket = socket;
    this.#timer = timer;
    this.#chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  static async open({ host, port }: Address, milliseconds: number): Promise<Wire> {
    const socket = connect({ host, port });
    const timer = setTimeout(() => {
      socket.destroy(new TimedOut(`no complete answer within ${milliseconds / 1000} seconds`));
    }, milliseconds);
    try {
      await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    } catch (error) {
      clearTimeout(timer);
      throw error;
    }
    return new Wire(socket, timer);
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** The next record; `undefined` where the server closed the connection. */
  async record(): Promise<TlsRecord | undefined> {
    if (++this.#records > MOST_RECORDS) throw new Malformed(`more than ${MOST_RECORDS} records`);
    const header = await this.#take(5);
    if (header === undefined) return undefined;
    const length = header.readUInt16BE(3);
    if (header[0]! < 20 || header[0]! > 24 || header[1] !== 3)
      throw new Malformed('what answers does not speak TLS');
    if (length > LONGEST_RECORD) throw new Malformed('a record is longer than TLS allows');
    const body = await this.#take(length);
    return body && { type: header[0]!, header, body };
  }

  async #take(count: number): Promise<Buffer | undefined> {
    while (this.#length < count) {
      const { value, done } = await this.#chunks.next();
      if (done) return undefined;
      this.#received += value.length;
      if (this.#received > MOST_BYTES) throw new Malformed(`more than ${MOST_BYTES} bytes in one handshake`);
      this.#pending.push(value);
      this.#length += value.length;
    }
    const all = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending);
    this.#pending = [all.subarray(count)];
    this.#length -= count;
    return all.subarray(0, count);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#socket.on('error', () => {}).destroy();
  }
}
