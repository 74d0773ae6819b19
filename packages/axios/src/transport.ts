import http from 'node:http';
import https from 'node:https';
import type { InternalAxiosRequestConfig } from 'axios';
import { own } from './outgoing.ts';
import { hasXhr } from './xml-http-request.ts';

/** How a request is sent; `unknown` is an adapter that may connect in any way, or not at all. */
export type Transport = 'http' | 'http2' | 'fetch' | 'unknown';

/**
 * As axios finds its adapter: the first of a list that there is, by its name in any case, or a function. What is
 * nothing, such as `null`, leaves it to the defaults of axios itself, which are not known here.
 */
export function transportOf(config: InternalAxiosRequestConfig): Transport {
  const adapter: unknown = 'adapter' in config ? own(config, 'adapter') : 'http';
  const name = Array.isArray(adapter) ? firstOf(adapter) : nameOf(adapter);
  // Without a fetch (`--no-experimental-fetch`, jsdom) axios goes on to the next of a list.
  if (name !== 'http') return name === 'fetch' && typeof fetch === 'function' ? 'fetch' : 'unknown';
  const version: unknown = own(config, 'httpVersion');
  return version !== undefined && Number(version) === 2 ? 'http2' : 'http';
}

/** Whether the caller has requests sent by something other than Node's modules, which may take our agent or leave it. */
export function hasOwnTransport(config: InternalAxiosRequestConfig): boolean {
  const transport: unknown = own(config, 'transport');
  if (!transport) return false;
  const { request } = transport as { request?: unknown };
  return request !== https.request && request !== http.request;
}

function firstOf(adapters: readonly unknown[]): string | undefined {
  for (const each of adapters) {
    if (each === null || each === false || (!hasXhr && nameOf(each) === 'xhr')) continue;
    return nameOf(each);
  }
  return undefined;
}

/** axios writes on its own functions what they are; others may say in the same way on what they stand. */
function nameOf(adapter: unknown): string | undefined {
  if (typeof adapter === 'string') return adapter.toLowerCase();
  if (typeof adapter !== 'function' || !Object.hasOwn(adapter, 'adapterName')) return undefined;
  return String((adapter as { adapterName?: unknown }).adapterName).toLowerCase();
}
