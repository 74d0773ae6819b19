import { finished, type Readable } from 'node:stream';
import { again, ClientCertificateError } from '../errors.ts';
import { isPlain, kindOf } from '../own.ts';
import type { AdapterView } from './adapter-view.ts';
import { adapterView } from './brand.ts';
import type { Credentials } from './credentials.ts';

/**
 * What an adapter needs of credentials, and users do not. The same object at each call.
 *
 * @example
 * import { adapterOf } from '@clientcert/core/adapter';
 *
 * const agent = adapterOf(credentials).sharedAgent({ service: 'Billing.InvoiceService' });
 */
export function adapterOf(credentials: Credentials): AdapterView {
  return (credentials as unknown as { readonly [adapterView]: AdapterView })[adapterView];
}

/** What `loadCredentials` returned, or the promise of it. */
export type Loading = Credentials | Promise<Credentials>;

/**
 * Checks what a caller handed over as credentials.
 *
 * @param given Credentials, or the promise of them.
 * @param callee What they were given to, as messages call it, e.g. `clientCertificates()`.
 * @returns The credentials, or one promise for each that was given: it fails where that comes to something else.
 *   Whoever waits for it reports the failure; it is never an unhandled rejection.
 * @throws ERR_CLIENTCERT_CONFIG_INVALID
 *
 * @example
 * import { acceptCredentials } from '@clientcert/core/adapter';
 *
 * const loading = acceptCredentials(given, 'clientCertificates()');
 * const request = async (url: string) => (await loading).resolve(url);
 */
export function acceptCredentials(given: unknown, callee: string): Loading {
  if (isCredentials(given)) return given;
  if (!isThenable(given)) throw noCredentials(given, callee);
  const known = accepted.get(given);
  if (known) return known;
  const loading = Promise.resolve(given).then(
    (credentials) => {
      if (!isCredentials(credentials)) throw noCredentials(credentials, callee);
      loaded.set(loading, credentials);
      return credentials;
    },
    (error: unknown) => {
      throw error || noReason(error, callee);
    },
  );
  loading.catch(() => {});
  accepted.set(given, loading);
  return loading;
}

/** What {@link acceptCredentials} returned, where it is loaded by now. */
export function loadedOf(loading: Loading): Credentials | undefined {
  return isThenable(loading) ? loaded.get(loading) : loading;
}

/** What is used of an `AbortSignal`; those that clients take of older libraries have no more. */
export interface CallSignal {
  readonly aborted: boolean;
  readonly reason?: unknown;
  addEventListener?(type: 'abort', listener: () => void): void;
  removeEventListener?(type: 'abort', listener: () => void): void;
}

/**
 * Waits for credentials while their call is wanted.
 *
 * @param signal Of the call.
 * @param body Of the call: clients listen to a stream, or to those in a form, only when they send it.
 * @throws its reason, or an `AbortError`, or the error of the body, or that it ended early, where one of them comes first;
 *   else what loading failed with
 *
 * @example
 * import { acceptCredentials, loadedOf, whileWanted } from '@clientcert/core/adapter';
 *
 * const loading = acceptCredentials(given, 'clientCertificates()');
 * const ready = loadedOf(loading) ?? (await whileWanted(loading, signal));
 */
export async function whileWanted(
  loading: Loading,
  signal: CallSignal | null | undefined,
  body?: unknown,
): Promise<Credentials> {
  const streams = streamsOf(body);
  const ready = Promise.resolve(loading).catch((error: unknown) => {
    throw again(error);
  });
  if (!signal && streams.length === 0) return ready;
  // Those of older libraries have no reason.
  const reason = () => signal?.reason ?? new DOMException('This operation was aborted', 'AbortError');
  let abort: (() => void) | undefined;
  const ended = new Promise<never>((_, reject) => {
    abort = () => reject(reason());
    signal?.addEventListener?.('abort', abort);
    // For good: an error that nobody listens to ends the process, also where nobody waits from the start. One that is closed
    // is never sent to its end.
    for (const stream of streams) finished(stream, { writable: false }, (error) => error && reject(error));
    if (signal?.aborted) abort();
  });
  // What a stream is made of (`Readable.from`) may break beneath it, where nobody listens before it is read. What has failed
  // by the end of this turn begins nothing.
  let waits = true;
  queueMicrotask(() =>
    process.nextTick(() => {
      if (waits) for (const stream of streams) (stream as Partial<Readable>).read?.(0);
    }),
  );
  try {
    return await Promise.race([ended, ready]);
  } finally {
    waits = false;
    if (abort) signal?.removeEventListener?.('abort', abort);
  }
}

/** The body itself, or those in what a form is made of later: lists and objects, the outermost of any class. */
function streamsOf(body: unknown): NodeJS.ReadableStream[] {
  const parts = new Set([body]);
  // What is added is gone through as well.
  for (const part of parts) {
    if (typeof part !== 'object' || part === null || ArrayBuffer.isView(part) || isStream(part)) continue;
    if (part === body || Array.isArray(part) || isPlain(part)) {
      const inner: unknown[] = Array.isArray(part) ? part : Object.values(part);
      for (const each of inner) if (typeof each === 'object') parts.add(each);
    }
  }
  return [...parts].filter(isStream);
}

/** One of Node's, or what looks like it; not what is only written to, as the request that an error of axios' holds. */
function isStream(body: unknown): body is NodeJS.ReadableStream {
  const { pipe, on, readable } = Object(body) as Partial<NodeJS.ReadableStream>;
  return typeof pipe === 'function' && typeof on === 'function' && typeof readable === 'boolean';
}

const accepted = new WeakMap<object, Promise<Credentials>>();
const loaded = new WeakMap<object, Credentials>();

/** Whether these are credentials, also of another copy of this package. */
function isCredentials(given: unknown): given is Credentials {
  return typeof given === 'object' && given !== null && adapterView in given;
}

function isThenable(given: unknown): given is PromiseLike<unknown> & object {
  return typeof given === 'object' && given !== null && 'then' in given;
}

function noCredentials(given: unknown, callee: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    `${callee} takes what loadCredentials returns, and was given ${kindOf(given)}`,
    { hint: 'Pass the config, or the path of its file, through loadCredentials() first.' },
  );
}

/** As `setTimeout(reject)` fails; Node and node-soap take a call that fails with nothing for one that has not failed. */
function noReason(error: unknown, callee: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    `${callee} was given a promise of credentials that failed with ${kindOf(error)}`,
    { hint: 'Reject it with an error that says why.' },
  );
}
