import { isUrl } from '@clientcert/core/adapter';
import { HttpClient, type IHttpClient } from 'soap';
import type { RequestOptions } from './call.ts';

/**
 * Options for a call that is sent later: axios copies what is plain when it is called, to any depth, and reads parameters, as
 * node-soap reads headers, of whichever class.
 */
export function optionsAsCalled(options: RequestOptions): RequestOptions {
  const copy = copied(options) as RequestOptions;
  if (options.headers) copy.headers = headersAsCalled(options.headers);
  return copy;
}

export function headersAsCalled<Headers extends object>(headers: Headers): Headers {
  const copy = { ...headers };
  // node-soap goes through what they inherit as well. That takes as long as all else here, and nearly none inherit.
  if (Object.getPrototypeOf(headers) !== Object.prototype)
    for (const name in headers) copy[name] = headers[name];
  return copy;
}

function copied(value: unknown, known: Map<unknown, unknown> = new Map()): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isUrl(value)) return new URL(value.href);
  if (value.constructor === URLSearchParams) return new URLSearchParams(value as URLSearchParams);
  const isPlain = [Object.prototype, null].includes(Object.getPrototypeOf(value));
  if (known.has(value) || !(isPlain || Array.isArray(value))) return known.get(value) ?? value;
  const copy: object = Array.isArray(value) ? [] : Object.create(null);
  known.set(value, copy);
  for (const [name, each] of Object.entries(value)) Reflect.set(copy, name, copied(each, known));
  return copy;
}

/**
 * The same client over a copy of the caller's axios instance: with the defaults of now, on which callers write for the next
 * call, and its interceptors. One of the caller's own making, client or instance, reads what it likes.
 */
export function clientAsCalled(client: SoapHttpClient): SoapHttpClient {
  const { _request: instance } = client;
  if (client.constructor !== HttpClient || typeof instance?.create !== 'function') return client;
  const copy = instance.create();
  // What a caller has wrapped around an instance, a proxy too, may have its members, and does what no copy of it would.
  if (`${copy}` !== `${instance}`) return client;
  Object.assign(copy.interceptors, instance.interceptors);
  return Object.create(client, { _request: { value: copy } });
}

/** What node-soap's class has and its type leaves out: the axios instance, the caller's own or one of its. */
export type SoapHttpClient = IHttpClient & {
  _request?: { defaults?: RequestOptions; interceptors?: object; create?(): { interceptors: object } };
};
