import { type ConnectIdentity, type Credentials, isRoutingAgent } from '@clientcert/core';
import type { AxiosInstance, AxiosProxyConfig, InternalAxiosRequestConfig } from 'axios';

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
  const before = installed.get(instance);
  if (before?.credentials === credentials) return before.eject;
  before?.eject();

  // Handled here, so that a failed load is reported by the requests and never as an unhandled rejection.
  if (credentials instanceof Promise) credentials.catch(() => {});
  const id = instance.interceptors.request.use(
    credentials instanceof Promise
      ? async (config) => apply(instance, await credentials, config)
      : (config) => apply(instance, credentials, config),
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

function apply(
  instance: AxiosInstance,
  credentials: Credentials,
  config: InternalAxiosRequestConfig,
): InternalAxiosRequestConfig {
  const { clientCertificate: service, httpsAgent } = config;
  const origin = () => new URL(instance.getUri(config)).origin;
  // Ours comes back when a used config is passed again, as retries do.
  const own = handedOut.get(httpsAgent);
  if (httpsAgent && !own) {
    if (!isRoutingAgent(httpsAgent)) refuse(credentials, origin(), service);
    return config;
  }
  const proxy = own ? own.proxy : config.proxy;
  config.httpsAgent = credentials.sharedAgent({
    service,
    origin: service ? origin() : undefined,
    proxy: proxyOf(proxy),
  });
  handedOut.set(config.httpsAgent, { proxy });
  // axios' own tunnel would drop the agent's certificate on the way, and show one to the proxy.
  if (!isPlainHttp(config)) config.proxy = false;
  return config;
}

/** Agents that this adapter has set, and what `proxy` was before. */
const handedOut = new WeakMap<object, { proxy: InternalAxiosRequestConfig['proxy'] }>();

function refuse(credentials: Credentials, origin: string, service: string | false | undefined): void {
  const { protocol, hostname, port } = new URL(origin);
  if (protocol !== 'https:') return;
  credentials.refuseOwn({ host: hostname, port, service, origin }, 'httpsAgent');
}

/** As axios reads it: an object, nothing (then the environment), or `false`. */
function proxyOf(proxy: AxiosProxyConfig | false | undefined): ConnectIdentity['proxy'] {
  if (!proxy) return proxy === false ? false : 'env';
  const { protocol = 'http', host, port, auth } = proxy;
  const scheme = protocol.replace(/:$/, '');
  const authorization =
    auth && `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
  return { url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`, authorization };
}

function isPlainHttp({ url = '', baseURL = '' }: InternalAxiosRequestConfig): boolean {
  return /^http:/i.test(url) || (!/^[a-z][a-z\d+.-]*:/i.test(url) && /^http:/i.test(baseURL));
}
