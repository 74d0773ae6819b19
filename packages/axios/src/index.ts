import { acceptCredentials, type ConnectIdentity, type Credentials, isRoutingAgent } from '@clientcert/core';
import type { AxiosInstance, InternalAxiosRequestConfig } from 'axios';
import { applyToFetch, usesFetch } from './fetch.ts';
import { applyToHttp2 } from './http2.ts';
import { decideAgain } from './last.ts';
import { proxyOf } from './proxy.ts';
import { checkRedirects, refuseAfterRedirects } from './redirects.ts';

export * from '@clientcert/core';

declare module 'axios' {
  interface AxiosRequestConfig {
    /** Make this call as a service of the config; with `false`, present no certificate. Redirects included. */
    clientCertificate?: string | false | undefined;
  }
}

/**
 * Gives every request of an axios instance the client certificate that its host, or the service it is made as,
 * is pinned to; every hop of a redirect is decided anew, and a host that no rule names sees none.
 *
 * @param instance What `axios.create()` returned, or axios itself. Its copies made by `create` are not included.
 * @param credentials What `loadCredentials` returned, or the promise of it: requests wait for it, and where
 *   loading failed each of them fails with that error.
 * @returns A function that takes it off again.
 *
 * @example
 * import axios from 'axios';
 * import { clientCertificates, loadCredentials } from '@clientcert/axios';
 *
 * const api = axios.create({ baseURL: 'https://api.bank.example' });
 * clientCertificates(api, loadCredentials('clientcert.json'));
 * await api.get('/accounts');
 * await api.get('/invoices', { clientCertificate: 'Billing.InvoiceService' });
 */
export function clientCertificates(
  instance: AxiosInstance,
  credentials: Credentials | Promise<Credentials>,
): () => void {
  const loading = acceptCredentials(credentials, 'clientCertificates()');
  const before = installed.get(instance);
  if (before?.credentials === credentials) return before.eject;
  before?.eject();

  const id = instance.interceptors.request.use(
    'then' in loading
      ? async (config) => decide(instance, await loading, config)
      : (config) => decide(instance, loading, config),
  );
  const eject = () => {
    instance.interceptors.request.eject(id);
    if (installed.get(instance)?.eject === eject) installed.delete(instance);
  };
  installed.set(instance, { credentials, eject });
  return eject;
}

const installed = new WeakMap<
  AxiosInstance,
  { credentials: Credentials | Promise<Credentials>; eject: () => void }
>();

/** One request on its way. What core needs of the URL is read only where it is needed. */
export interface Outgoing {
  readonly config: InternalAxiosRequestConfig;
  readonly credentials: Credentials;
  readonly service: string | false | undefined;
  /** As the request itself names it, `baseURL` and all. */
  readonly url: () => URL;
}

function decide(
  instance: AxiosInstance,
  credentials: Credentials,
  config: InternalAxiosRequestConfig,
): InternalAxiosRequestConfig {
  apply(instance, credentials, config);
  decideAgain(config, (changed) => apply(instance, credentials, changed));
  return config;
}

function apply(instance: AxiosInstance, credentials: Credentials, config: InternalAxiosRequestConfig): void {
  const { clientCertificate: service, httpsAgent } = config;
  const outgoing: Outgoing = { config, credentials, service, url: () => new URL(instance.getUri(config)) };
  const origin = service ? outgoing.url().origin : undefined;
  if (usesFetch(config)) {
    applyToFetch(outgoing, { service, origin });
    return;
  }

  // Ours comes back when a used config is passed again, as retries do.
  const own = handedOut.get(httpsAgent);
  const proxy = own && config.proxy === false ? own.proxy : config.proxy;
  const identity: ConnectIdentity = { service, origin, ...proxyOf(proxy) };
  if (!httpsAgent || own) {
    const agent = credentials.sharedAgent(identity);
    config.httpsAgent = agent;
    if (!handedOut.has(agent)) handedOut.set(agent, { proxy });
  } else if (!isRoutingAgent(httpsAgent)) {
    refuse(outgoing, 'httpsAgent');
    refuseAfterRedirects(outgoing);
    return;
  }
  const plain = isPlainHttp(config);
  if ((config as Http2Config).httpVersion === 2 && !plain) applyToHttp2(outgoing, identity);
  checkRedirects(outgoing, proxy);
  // axios' own tunnel would drop the agent's certificate on the way, and show one to the proxy.
  (config as { proxy?: typeof proxy }).proxy = plain ? proxy : false;
}

/** Agents that this adapter has set, and what `proxy` was before. */
const handedOut = new WeakMap<object, { proxy: InternalAxiosRequestConfig['proxy'] }>();

/** Not in the types of the oldest axios. */
interface Http2Config {
  httpVersion?: number;
}

/** Refuses what the caller brings for a host where a rule decides: that of the call itself, or of a later hop. */
export function refuse({ credentials, service, url }: Outgoing, option: string, hop: URL = url()): void {
  const { protocol, hostname, port } = hop;
  if (protocol !== 'https:') return;
  credentials.refuseOwn({ host: hostname, port, service, origin: url().origin }, option);
}

/** Whether the request begins over plain HTTP, by axios' own rule for what `baseURL` is put before. */
function isPlainHttp({ url = '', baseURL, allowAbsoluteUrls }: InternalAxiosRequestConfig): boolean {
  const isWhole = !baseURL || (allowAbsoluteUrls !== false && /^([a-z][a-z\d+.-]*:)?\/\//i.test(url));
  return /^\s*http:/i.test(isWhole ? url : baseURL);
}
