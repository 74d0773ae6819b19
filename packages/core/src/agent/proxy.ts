/// <reference path="./proxy-from-env.d.ts" />
import { getProxyForUrl } from 'proxy-from-env';
import { ClientCertificateError } from '../errors.ts';
import { written } from '../own.ts';
import { parseProxyUrl } from '../pin/proxy-url.ts';
import type { ConnectionProfile } from '../tls/profile.ts';
import { nodeUsesProxies } from './node-proxies.ts';
import type { TunnelProxy } from './tunnel.ts';

/** Where proxies come from: one for all, the environment, or none. */
export type ProxySetting = ConfiguredProxy | 'env' | false;

export interface ConfiguredProxy {
  readonly url: URL;
  readonly authorization: string | undefined;
  /** What an `https:` proxy is connected to with, where the proxy names a certificate or roots of its own. */
  readonly profile: ConnectionProfile | undefined;
}

/**
 * The proxy on the way to a host, or `null`.
 *
 * @param host Normalised, without brackets.
 * @param decide What holds for the connection to the proxy itself: it is a host like any other.
 * @throws ERR_CLIENTCERT_PROXY_UNSUPPORTED for SOCKS, which is never bypassed instead
 */
export function chooseProxy(
  setting: ProxySetting,
  host: string,
  port: number | string,
  decide: (host: string, port: number | string) => ConnectionProfile,
): TunnelProxy | null {
  const proxy = findProxy(setting, host, port);
  if (proxy === null) return null;
  const { url, authorization, profile } = proxy;
  if (url.protocol === 'http:') return { url, authorization, profile: null };
  return { url, authorization, profile: profile ?? decide(url.hostname, url.port || 443) };
}

/**
 * The same, without how it is connected to.
 *
 * @throws ERR_CLIENTCERT_PROXY_UNSUPPORTED
 */
export function findProxy<Proxy extends { readonly url: URL }>(
  setting: Proxy | 'env' | false,
  host: string,
  port: number | string,
): Proxy | ConfiguredProxy | null {
  if (setting === false) return null;
  return setting === 'env' ? fromEnvironment(host, port) : setting;
}

/**
 * Where Node's own agents look for proxies: nowhere, unless they are switched to the environment; versions that do
 * not know the variable yet go by it here as well.
 */
export function nodeProxySetting(): 'env' | false {
  return nodeUsesProxies() || written(process.env, 'NODE_USE_ENV_PROXY') === '1' ? 'env' : false;
}

function fromEnvironment(host: string, port: number | string): ConfiguredProxy | null {
  const inherited = variables.find((name) => name in Object.prototype);
  if (inherited !== undefined) {
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
      `the environment cannot be asked for proxies: every object inherits a property "${inherited}"`,
      { hint: 'Something in this process writes to Object.prototype. Find it, and see CWE-1321.' },
    );
  }
  const found = getProxyForUrl(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
  if (!found) return null;
  const { url, problem } = parseProxyUrl(found);
  if (problem !== undefined) {
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
      `the proxy in the environment ${problem}`,
      { hint: 'Correct HTTPS_PROXY (or ALL_PROXY), or list the host in NO_PROXY to connect directly.' },
    );
  }
  return { url, authorization: undefined, profile: undefined };
}

/** What is read of the environment, where `process.env` has what every object inherits as well. */
const variables = ['https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]);
