import type { Readable } from 'node:stream';
import { isAnyArrayBuffer } from 'node:util/types';
import { isUrl, written } from '@clientcert/core/adapter';
import type * as undici from 'undici';

/** What one call says, in an object of our own. */
export type CallInit = Record<string, unknown> & {
  clientCertificate?: string | false | undefined;
  dispatcher?: undici.Dispatcher | undefined;
  signal?: AbortSignal | null | undefined;
};

/**
 * All that fetch reads of its second argument, which may be a `Request` too: its members are getters on a prototype.
 *
 * @see https://fetch.spec.whatwg.org/#requestinit
 */
const members = [
  'method',
  'headers',
  'body',
  'referrer',
  'referrerPolicy',
  'mode',
  'credentials',
  'cache',
  'redirect',
  'integrity',
  'keepalive',
  'signal',
  'duplex',
  'priority',
  'window',
  'dispatcher',
  'clientCertificate',
] as const;

export function copyInit(init: object | null | undefined): CallInit {
  const copy: Record<string, unknown> = { clientCertificate: undefined, dispatcher: undefined, ...init };
  const prototype = init && Object.getPrototypeOf(init);
  if (prototype && prototype !== Object.prototype) {
    for (const name of members) {
      const value = written(init as Record<string, unknown>, name);
      if (value !== undefined) copy[name] = value;
    }
  }
  return copy;
}

/** The same where fetch reads it later, and what it is given may have changed by then: it copies that at once. */
export function fixInit(input: unknown, init: object | null | undefined): CallInit {
  const copy = copyInit(init);
  const headers = copy.headers ?? (input as Partial<Request> | null)?.headers;
  if (headers) copy.headers = copyHeaders(headers);
  if (Object(copy.body) === copy.body) copy.body = copyBody(copy.body as object);
  copy.referrer = fixed(copy.referrer);
  return copy;
}

function copyHeaders(headers: object): unknown {
  if (!(Symbol.iterator in headers)) {
    const copy: Record<string, unknown> = { ...headers };
    for (const name of Object.keys(copy)) copy[name] = fixed(copy[name]);
    return copy;
  }
  return [...(headers as Iterable<unknown>)].map((pair) =>
    typeof pair === 'object' && pair !== null && Symbol.iterator in pair
      ? [...(pair as Iterable<unknown>)].map(fixed)
      : pair,
  );
}

/** What fetch makes a text of, and who wraps it may not: lists and URLs may be written on. */
function fixed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fixed);
  return isUrl(value) ? value.href : value;
}

/** What else there is cannot be changed, or is read once. */
function copyBody(body: object): unknown {
  if (isAnyArrayBuffer(body)) return body.slice(0);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice();
  const kind = Object.prototype.toString.call(body);
  if (kind === '[object URLSearchParams]') return new URLSearchParams(String(body));
  if (kind !== '[object FormData]' || !(Symbol.iterator in body)) return fixed(body);
  const copy = new (body.constructor as typeof FormData)();
  for (const [name, value] of body as Iterable<[string, string]>) copy.append(name, value);
  return copy;
}

/** As fetch does with a stream that it does not come to read: whoever writes to it, or a file below, would be left waiting. */
export function cancelBody(body: unknown, reason: unknown): void {
  const { cancel, destroy } = Object(body) as Partial<ReadableStream & Readable>;
  if (typeof cancel === 'function')
    cancel.call(body, reason).catch(() => {}); // somebody reads it
  else if (typeof destroy === 'function') destroy.call(body);
}

/**
 * Begins to read the body of a `Request`, or what a generator gives: whose Node stream below breaks while nobody reads
 * it ends the process. What was read is still there for fetch.
 *
 * @returns What ends the reading ahead; told why where nobody is to read on.
 */
export function readAhead(input: unknown, init: CallInit): (reason?: unknown) => void {
  const { body } = init;
  if (
    Symbol.asyncIterator in Object(body) &&
    !(body instanceof ReadableStream) &&
    !('pipe' in Object(body))
  ) {
    const rest = (body as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    const first = (async () => rest.next())(); // one made by hand may answer, or throw, at once
    first.catch(() => {});
    init.body = { [Symbol.asyncIterator]: () => resumed(first, rest) };
    // It has begun, and closes what it has opened when it is ended. A fetch that fails before it reads ends nothing.
    return (reason) => {
      if (reason !== undefined) void (async () => rest.return?.())().catch(() => {});
    };
  }
  const { body: own, bodyUsed, clone } = Object(input) as Partial<Request>;
  if (body != null || !own || bodyUsed || own.locked || typeof clone !== 'function') return () => {};
  const reader = clone.call(input as Request).body!.getReader();
  reader.read().catch(() => {});
  return (reason) => void reader.cancel(reason).catch(() => {});
}

async function* resumed(first: Promise<IteratorResult<unknown>>, rest: AsyncIterator<unknown>) {
  try {
    for (let next = await first; !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

/** A URL may be changed; a request is read once. */
export function copyInput(input: unknown): unknown {
  return isUrl(input) ? input.href : input;
}

/** Of an `init`, where it says one, `null` for none too, else of a `Request`. */
export function signalOf({ signal }: CallInit, input: unknown): AbortSignal | null | undefined {
  return signal === undefined ? (input as Partial<Request> | null)?.signal : signal;
}

/** Of a `Request`, where it shows: undici keeps it in a private field since 7, which Node has since 24. */
export function dispatcherOf(input: unknown): undici.Dispatcher | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  const name = Object.getOwnPropertySymbols(input).find(({ description }) => description === 'dispatcher');
  return name && (input as Record<symbol, undici.Dispatcher | undefined>)[name];
}
