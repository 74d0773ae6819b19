import { type Credentials, isRoutingAgent } from '@clientcert/core';
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
  const service = config.clientCertificate;
  const origin = () => new URL(instance.getUri(config)).origin;
  // An agent of ours comes back when a used config is passed again, as retries do.
  if (config.httpsAgent && !isRoutingAgent(config.httpsAgent)) {
    credentials.checkOwnAgent({ url: origin(), service, option: 'httpsAgent' });
    return config;
  }
  config.httpsAgent = credentials.sharedAgent({
    service,
    origin: service ? origin() : undefined,
    proxy: proxyOf(config.proxy),
  });
  // axios' own tunnel would drop the agent, and show a certificate on it to the proxy.
  if (!isPlainHttp(config)) config.proxy = false;
  return config;
}

/** axios reads the environment unless it is told otherwise; `false` may also be ours, in a config used again. */
function proxyOf(proxy: AxiosProxyConfig | false | undefined): 'env' | false | undefined | { url: string; authorization: string | undefined } {
  return proxy === undefined ? 'env' : proxy === false ? false : { url: '', authorization: undefined };
}

function isPlainHttp({ url = '', baseURL = '' }: InternalAxiosRequestConfig): boolean {
  return /^http:/i.test(url) || (!/^[a-z][a-z\d+.-]*:/i.test(url) && /^http:/i.test(baseURL));
}
