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
  /** Until when something has to be heard, or asked. */
  #silence: NodeJS.Timeout | undefined;
  readonly #prefix = Buffer.alloc(prefix);
  /** What is being read, once it is known how long it is. */
  #message: Buffer | undefined;
  /** Bytes that there are of it, or of the prefix: each may come by itself. */
  #filled = 0;
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
    this.#expect(longestSilence);
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
    clearTimeout(this.#silence);
    this.#session.destroy();
    this.#socket.destroy();
    this.#wake();
  }

  /** Ends the call unless something is heard within so many milliseconds. */
  #expect(milliseconds: number): void {
    this.#after(milliseconds, () => this.#finish(new CallEnd('does not answer')));
  }

  /** A server that has nothing to say, and one that is frozen, are the same to hear: after a while it is asked. */
  #heard(): void {
    this.#after(longestQuiet, () => {
      this.#expect(longestPing);
      if (!this.#session.destroyed) this.#session.ping((error) => error ?? this.#heard());
    });
  }

  #after(milliseconds: number, work: () => void): void {
    clearTimeout(this.#silence);
    if (!this.#end) this.#silence = setTimeout(work, milliseconds).unref();
  }

  /** Takes messages out of what came. */
  #read(chunk: Buffer): void {
    for (let rest = chunk; rest.length > 0 && !this.#end; ) {
      const part = this.#message ?? this.#prefix;
      const copied = rest.copy(part, this.#filled);
      rest = rest.subarray(copied);
      this.#filled += copied;
      if (this.#filled < part.length) return;
      this.#filled = 0;
      if (this.#message) this.#take(this.#message);
      else this.#begin();
    }
  }

  /** Before each message stand a flag, whether it is compressed, and its length. */
  #begin(): void {
    const length = this.#prefix.readUInt32BE(1);
    if (this.#prefix[0] !== 0 || length > longest)
      this.#finish(new CallEnd('answers with what is compressed, or more than 4 MiB'));
    else if (length === 0) this.#take(Buffer.alloc(0));
    else this.#message = Buffer.alloc(length);
  }

  #take(message: Buffer): void {
    this.#message = undefined;
    this.#latest = message;
    this.#heard();
    this.#wake();
  }
}

/** Bytes before each message. */
const prefix = 5;
/** Bytes: what clients of gRPC take unless they are told otherwise. */
const longest = 4 * 1024 * 1024;
/** Milliseconds until the first message: the standard has a server send it without delay. */
const longestSilence = 15_000;
/**
 * Milliseconds after a message, or an answer, until a PING. Servers of gRPC end a connection that has them more often than
 * every five minutes, SPIRE's agent with the third.
 *
 * @see https://github.com/grpc/grpc/blob/master/doc/keepalive.md
 */
const longestQuiet = 360_000;
/** Milliseconds until it is answered, as gRPC's own clients wait. */
const longestPing = 20_000;

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
