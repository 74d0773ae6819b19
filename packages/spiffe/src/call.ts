import { connect } from 'node:http2';
import { createConnection } from 'node:net';
import type { Endpoint } from './options.ts';

/** How a call ended that did not go on: what a server said, or why there is none. */
export class CallEnd extends Error {
  /** The status that the server gave (`grpc-status`); none where it gave none. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/**
 * One call of a method that takes an empty message and answers with messages until it ends: gRPC over HTTP/2, without
 * TLS, on a connection of its own.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
export class StreamingCall {
  readonly #session: ReturnType<typeof connect>;
  readonly #socket: ReturnType<typeof createConnection>;
  readonly #silence: NodeJS.Timeout;
  #chunks: Buffer[] = [];
  #size = 0;
  /** Each message holds in place of the one before: nobody asks for those that were not read. */
  #latest: Buffer | undefined;
  #end: CallEnd | undefined;
  #wake = () => {};

  /** @param headers What is said beside what gRPC itself says. */
  constructor(endpoint: Endpoint, method: string, headers: Readonly<Record<string, string>>) {
    // Nothing of these is inherited: what stands on Object.prototype says neither where nor how to connect.
    const socket = createConnection(
      Object.assign(Object.create(null), endpoint, { keepAlive: true, keepAliveInitialDelay: 60_000 }),
    );
    const options = Object.assign(Object.create(null), { createConnection: () => socket });
    this.#socket = socket.on('error', (error) =>
      this.#finish(new CallEnd(reasonOf(error), undefined, error)),
    );
    this.#session = connect('http://localhost', options).on('error', () => {});
    this.#silence = setTimeout(() => this.#finish(new CallEnd('does not answer')), longestSilence).unref();
    const request = this.#session.request(
      Object.assign(Object.create(null), headers, {
        ':method': 'POST',
        ':path': method,
        te: 'trailers',
        'content-type': 'application/grpc',
        'user-agent': 'clientcert',
      }),
    );
    const readStatus = (given: Readonly<Record<string, unknown>>) => {
      const status = /^\d{1,2}$/.test(String(given['grpc-status']))
        ? Number(given['grpc-status'])
        : undefined;
      if (status !== undefined) this.#finish(new CallEnd(decodeMessage(given['grpc-message']), status));
    };
    request
      .on('response', (given) => {
        readStatus(given);
        if (given[':status'] !== 200 || !/^application\/grpc\b/.test(String(given['content-type'])))
          this.#finish(new CallEnd('answers with something that is not gRPC'));
      })
      .on('trailers', readStatus)
      .on('data', (chunk: Buffer) => this.#read(chunk))
      .on('error', () => {})
      .on('close', () => this.#finish(new CallEnd('has ended the connection')))
      .end(Buffer.alloc(prefix));
  }

  /** The latest message that was not read yet. @throws CallEnd, where there comes none */
  async next(): Promise<Buffer> {
    while (!this.#latest) {
      if (this.#end) throw this.#end;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#latest;
    this.#latest = undefined;
    return message;
  }

  /** No process stays for it from now on. */
  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    this.#finish(new CallEnd('was closed'));
  }

  #finish(end: CallEnd): void {
    if (this.#end) return;
    this.#end = end;
    this.#chunks = [];
    clearTimeout(this.#silence);
    this.#session.destroy();
    this.#socket.destroy();
    this.#wake();
  }

  /** Takes messages out of what came: each behind a flag, whether it is compressed, and its length. */
  #read(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#size >= prefix && !this.#end) {
      if (this.#chunks[0]!.length < prefix) this.#join();
      const length = this.#chunks[0]!.readUInt32BE(1);
      if (this.#chunks[0]![0] !== 0 || length > longest) {
        this.#finish(new CallEnd('answers with what is compressed, or more than 4 MiB'));
        return;
      }
      const end = prefix + length;
      if (this.#size < end) return;
      const bytes = this.#join();
      this.#latest = bytes.subarray(prefix, end);
      this.#chunks = [bytes.subarray(end)];
      this.#size -= end;
      clearTimeout(this.#silence);
      this.#wake();
    }
  }

  #join(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }
}

/** Bytes before each message. */
const prefix = 5;
/** Bytes: what clients of gRPC take unless they are told otherwise. */
const longest = 4 * 1024 * 1024;
/** Milliseconds until the first message: the standard has a server send it without delay. */
const longestSilence = 15_000;

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'cannot be reached: there is no such socket';
  if (code === 'ECONNREFUSED') return 'cannot be reached: nobody listens there';
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be reached: this process may not open the socket';
  return `cannot be reached: ${code ?? message}`;
}

/** As gRPC encodes it: percent signs before what is not printable. */
function decodeMessage(written: unknown): string {
  const text = typeof written === 'string' ? written : '';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
