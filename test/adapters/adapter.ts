import type { Readable } from 'node:stream';
import type { Credentials } from '@clientcert/core';
import type { RequestHandler } from '@clientcert/testing';

/** A client with one of our adapters, as the suite drives it. A new adapter starts by writing this down. */
export interface AdapterUnderTest {
  readonly name: string;
  /** `import.meta.url` of the module that exports this object in `adapters`: a child process imports it. */
  readonly module: string;
  /** A client that follows redirects, with the adapter installed over these credentials. */
  create(credentials: Credentials | Promise<Credentials>, options?: ClientOptions): TestClient;
  /** Cases that this client has no way to do, by their names, each with the reason. */
  readonly unsupported?: Readonly<Record<string, string>>;
  /** Whether the client takes its proxy from the environment without being told to. */
  readonly readsEnvironment: boolean;
  /** Answers what the server's routes would: for clients that understand one kind of answer only. */
  readonly answer?: RequestHandler;
  /** Whether it takes `maxConnections`. */
  readonly limits?: boolean;
  /** Whether it signs messages. */
  readonly signs?: boolean;
}

export interface ClientOptions {
  /** An agent or dispatcher of the caller's own, made with this. */
  readonly ownAgent?: Identity | undefined;
  /** A certificate and key of the caller's own, in the client's own options. */
  readonly ownCertificate?: Identity | undefined;
  /** A proxy's URL, in the client's own option. */
  readonly proxy?: string | undefined;
  /** How often a call answered by 503 is repeated, in the client's usual way. */
  readonly retries?: number | undefined;
  /** Milliseconds until a connection has to stand, where the client asks for that by itself: undici and fetch. */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds until an answer begins, and then between its parts, where the client asks for that: undici and fetch. */
  readonly answerTimeout?: number | undefined;
  /** How many connections to a host there may be at once, where the client has an option for it. */
  readonly maxConnections?: number | undefined;
  /** That messages are signed, and that nothing else of ours is on the client: SOAP's security. */
  readonly security?: 'signs' | 'signs alone' | 'alone' | undefined;
}

export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

export interface TestClient {
  /** A GET, or with a body a POST; rejects where the client would, with what the client throws. */
  send(url: string, options?: SendOptions): Promise<Answer>;
  close?(): void | Promise<void>;
}

export interface SendOptions {
  readonly service?: string | false | undefined;
  readonly body?: string | Readable | undefined;
  /** Read the answer as a stream, where the client has one. */
  readonly stream?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** Makes the object with the options of the call that the client is given: frozen, or one that others are given too. */
  readonly hand?: (<Options extends object>(options: Options) => Options) | undefined;
}

export interface Answer {
  readonly status: number;
  /** How many bytes of body were read. */
  readonly length: number;
  /** What the client handed out, to be searched for secrets. */
  readonly raw: unknown;
}
