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

/** @param options `deep`: nothing of it changes with the caller's objects, although fetch reads it later. */
export function copyInit(
  init: object | null | undefined,
  { deep = false }: { deep?: boolean } = {},
): CallInit {
  const copy: Record<string, unknown> = { clientCertificate: undefined, dispatcher: undefined, ...init };
  const prototype = init && Object.getPrototypeOf(init);
  if (prototype && prototype !== Object.prototype) {
    for (const name of members) {
      const value = written(init as Record<string, unknown>, name);
      if (value !== undefined) copy[name] = value;
    }
  }
  if (deep && copy.headers) copy.headers = copyHeaders(copy.headers as object);
  return copy;
}

function copyHeaders(headers: object): unknown {
  if (!(Symbol.iterator in headers)) return { ...headers };
  return [...(headers as Iterable<unknown>)].map((pair) =>
    typeof pair === 'object' && pair !== null && Symbol.iterator in pair
      ? [...(pair as Iterable<string>)]
      : pair,
  );
}

/** A URL may be changed; a request is read once. */
export function copyInput(input: unknown): unknown {
  return isUrl(input) ? input.href : input;
}

/** Of a `Request`, where it shows: undici keeps it in a private field since 7, which Node has since 24. */
export function dispatcherOf(input: unknown): undici.Dispatcher | undefined {
  if (typeof input !== 'object' || input === null) return undefined;
  const name = Object.getOwnPropertySymbols(input).find(({ description }) => description === 'dispatcher');
  return name && (input as Record<symbol, undici.Dispatcher | undefined>)[name];
}
