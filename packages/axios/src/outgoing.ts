import type { ConnectIdentity } from '@clientcert/core';
import { type AdapterView, isUrl, written } from '@clientcert/core/adapter';
import type { InternalAxiosRequestConfig } from 'axios';

/** As whom a request is made. */
export interface RequestIdentity {
  /** As this service of the config; with `false`, with no certificate. */
  service: string | false | undefined;
  /** The origin that the caller named: where a service without `hosts` applies. */
  origin: string | undefined;
  /** In place of what the request's own `proxy`, the config, or the environment says. */
  proxy?: ConnectIdentity['proxy'];
  /** Asked for every hop, redirects included, before anything is sent to it; it throws where that must not be. */
  check?: ((hop: URL, method: string) => void) | undefined;
}

/** One request on its way. */
export interface Outgoing extends RequestIdentity {
  readonly config: InternalAxiosRequestConfig;
  readonly credentials: AdapterView;
}

/** An option as axios reads it: an interceptor may inherit one from the config that it was given. */
export function own<Key extends string>(
  config: object,
  name: Key,
): Key extends keyof AnyConfig ? AnyConfig[Key] : unknown {
  return written(config as Record<string, unknown>, name) as never;
}

/** With what is not in the types of the oldest axios. */
export type AnyConfig = InternalAxiosRequestConfig & {
  'clientcert.decided'?: (again: InternalAxiosRequestConfig) => void;
  allowAbsoluteUrls?: boolean;
  env?: { fetch?: unknown };
  fetchOptions?: Record<string, unknown>;
  http2Options?: Record<string, unknown>;
  httpVersion?: unknown;
};

/**
 * Has a request be what it was when it was called: axios asks this at once, and the interceptor later, for which it would
 * read what it has not copied later as well.
 */
export function fix(config: InternalAxiosRequestConfig): true {
  const [url, params, data]: unknown[] = [own(config, 'url'), own(config, 'params'), own(config, 'data')];
  const proxy: unknown = own(config, 'proxy');
  if (isUrl(url)) config.url = new URL(url.href) as never;
  if (isUrl(proxy)) config.proxy = new URL(proxy.href) as never;
  if (params) config.params = isParams(params) ? new URLSearchParams(params) : copyPlain(params);
  if (isParams(data)) config.data = new URLSearchParams(data);
  else if (isForm(data)) config.data = copyForm(data);
  else if (typeof data === 'object') config.data = copyPlain(data);
  return true;
}

/**
 * With what is in its lists, where axios' own copy ends.
 *
 * @param around What it is in: what has itself in it is left to whoever writes it.
 */
function copyPlain(value: unknown, around: object[] = []): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const isList = Array.isArray(value);
  const prototype = isList ? undefined : Object.getPrototypeOf(value);
  if (!isList && prototype !== Object.prototype && prototype !== null) return value;
  if (around.includes(value)) return value;
  around.push(value);
  const copy = isList ? value.map((each) => copyPlain(each, around)) : copyMembers(value, prototype, around);
  around.pop();
  return copy;
}

function copyMembers(value: object, prototype: object | null, around: object[]): object {
  const copy: Record<string, unknown> = prototype ? { ...value } : { __proto__: null, ...value };
  for (const name of Object.keys(copy)) {
    if (typeof copy[name] === 'object') copy[name] = copyPlain(copy[name], around);
  }
  return copy;
}

/** Not one that writes itself in a way of its own. */
function isParams(value: unknown): value is URLSearchParams {
  return Object(value).constructor === URLSearchParams;
}

/** The one of the platform, if there is one (`--no-experimental-fetch`): those of packages are streams. */
function isForm(value: unknown): value is FormData {
  return typeof FormData === 'function' && Object(value).constructor === FormData;
}

function copyForm(form: FormData): FormData {
  const copy = new FormData();
  for (const [name, value] of form) copy.append(name, value as string);
  return copy;
}

/** Where a request goes first, as far as hosts are concerned: what `baseURL` is put before is axios' own rule. */
export function urlOf(config: InternalAxiosRequestConfig): URL {
  return new URL(addressOf(config));
}

/** By what axios makes of the address: `URL` leaves out of a scheme, and before it, what a look at the text would not. */
export function isPlainHttp(config: InternalAxiosRequestConfig): boolean {
  const address = addressOf(config);
  return !/^https:/i.test(address) && new URL(address).protocol === 'http:';
}

/** The text of it, which is read in time: to make a `URL` of it takes longer than all else here. */
export function addressOf(config: InternalAxiosRequestConfig): string {
  // It may be a `URL`, on which somebody writes later.
  const url = String(own(config, 'url') ?? '');
  const baseURL = own(config, 'baseURL');
  const isWhole = own(config, 'allowAbsoluteUrls') !== false && /^([a-z][a-z\d+.-]*:)?\/\//i.test(url);
  const address = baseURL && !isWhole ? baseURL : url;
  // For a Unix socket axios takes a path alone.
  return own(config, 'socketPath') ? new URL(address, 'http://localhost').href : address;
}

/** Refuses what the caller brings for a host where a rule decides: that of the request itself, or of a later hop. */
export function refuse(
  { config, credentials, service, origin }: Outgoing,
  option: string,
  hop: URL = urlOf(config),
): void {
  const { protocol, hostname, port } = hop;
  if (protocol === 'https:') credentials.refuseOwn({ host: hostname, port, service, origin }, option);
}
