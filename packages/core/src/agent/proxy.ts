/// <reference path="./proxy-from-env.d.ts" />
import { getProxyForUrl } from 'proxy-from-env';
import { ClientCertificateError } from '../errors.ts';
import { variable } from '../own.ts';
import { isIP } from '../pin/host.ts';
import { parseProxyUrl } from '../pin/proxy-url.ts';
import type { ConnectionProfile } from '../tls/profile.ts';
import { nodeProxies, proxyIn } from './node-proxies.ts';
import type { TunnelProxy } from './tunnel.ts';

/** Where proxies come from: one for all, the environment, where Node's own agents have them from, or nowhere. */
export type ProxySetting = ConfiguredProxy | DefaultProxy;
export type DefaultProxy = 'env' | 'node' | false;

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
  setting: Proxy | DefaultProxy,
  host: string,
  port: number | string,
): Proxy | ConfiguredProxy | null {
  if (setting === false) return null;
  if (setting === 'env') return fromEnvironment(host, port);
  return setting === 'node' ? fromNode(host, port) : setting;
}

/**
 * Where Node's own agents look for proxies: nowhere, unless they are switched to them.
 *
 * @param otherwise What holds where they are not.
 */
export function nodeProxySetting(otherwise: DefaultProxy = variableSetting()): DefaultProxy {
  return nodeProxies() ? 'node' : otherwise;
}

/** Versions of Node that do not know the variable yet go by it here as well. */
export function variableSetting(): DefaultProxy {
  return variable('NODE_USE_ENV_PROXY') === '1' ? 'env' : false;
}

function fromNode(host: string, port: number | string): ConfiguredProxy | null {
  const proxies = nodeProxies();
  if (!proxies) return null;
  const isEnvironment = variables.every((name) => !isOfNode(name) || proxies[name] === process.env[name]);
  // Node's agents know no ALL_PROXY, which then holds here all the same.
  if (isEnvironment && !proxies.https_proxy && !proxies.HTTPS_PROXY) return fromEnvironment(host, port);
  const found = proxyIn(proxies, host, Number(port));
  return found ? read(found, "that Node's own agents go through") : null;
}

function isOfNode(variable: string): boolean {
  return !/^all_/i.test(variable);
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
  return found && !isExcepted(host) ? read(found, 'in the environment') : null;
}

/**
 * Whether `NO_PROXY` names an address in a way that proxy-from-env does not know: as one of a network, or without
 * brackets, as axios, curl and Go take it too; or this machine by another of its names, as axios does.
 */
function isExcepted(host: string): boolean {
  if (isIP(host) === 0 && host !== 'localhost') return false;
  const excepted = variable('no_proxy') || variable('NO_PROXY') || '';
  return excepted.split(/[\s,]+/).some((entry) => {
    const [base = '', length] = entry.toLowerCase().replaceAll(/[[\]]/g, '').split('/');
    return isWithin(host, base, length) || (length === undefined && isLoopback(host) && isLoopback(base));
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || isWithin(host, '127.0.0.0', '8') || isWithin(host, '::1');
}

/** @param length Of the network's prefix, in bits: all of them unless written. */
function isWithin(host: string, base: string, length?: string): boolean {
  const family = isIP(host);
  if (family === 0 || isIP(base) !== family) return false;
  const all = family === 4 ? 32 : 128;
  const bits = length === undefined ? all : Number.parseInt(length, 10);
  if (!(bits >= 0 && bits <= all)) return false;
  const network = new (process.getBuiltinModule('node:net').BlockList)();
  network.addSubnet(base, bits, `ipv${family as 4 | 6}`);
  return network.check(host, `ipv${family as 4 | 6}`);
}

function read(found: string, where: string): ConfiguredProxy {
  const { url, problem } = parseProxyUrl(found);
  if (problem !== undefined) {
    throw new ClientCertificateError('ERR_CLIENTCERT_PROXY_UNSUPPORTED', `the proxy ${where} ${problem}`, {
      hint: 'Correct HTTPS_PROXY (or ALL_PROXY), or list the host in NO_PROXY to connect directly.',
    });
  }
  return { url, authorization: undefined, profile: undefined };
}

/** What is read of the environment, where `process.env` has what every object inherits as well. */
const variables = ['https_proxy', 'all_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]);
