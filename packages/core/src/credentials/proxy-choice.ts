import { chooseProxy, nodeProxySetting, type ProxySetting, variableSetting } from '../agent/proxy.ts';
import type { TunnelProxy } from '../agent/tunnel.ts';
import { ClientCertificateError } from '../errors.ts';
import { snapshot } from '../own.ts';
import { parseProxyUrl } from '../pin/proxy-url.ts';
import { ConnectionProfile } from '../tls/profile.ts';
import type { Resolution } from '../types.ts';
import type { Decisions } from './decisions.ts';
import type { ConnectIdentity } from './identity.ts';
import type { LoadedProxy } from './inventory.ts';
import { proxyLabel } from './sources.ts';

/**
 * Chooses the proxy on the way to a host: what the caller wrote, else the config, else the client's own way: that of
 * Node's agents, and where `byDefault` says so, before it the environment's.
 */
export function proxyChooser(
  decisions: Decisions,
  written?: ConnectIdentity['proxy'],
  byDefault?: 'env',
): (host: string, port: number | string) => TunnelProxy | null {
  const own = written === undefined ? undefined : parseProxy(written);
  const decide = decisions.decider();
  const otherwise = variableSetting();
  return (host, port) => {
    const { proxy } = decisions.inventory;
    const setting = own ?? (typeof proxy === 'object' ? configuredProxy(decisions, proxy) : proxy);
    const proxyOf = (each: ProxySetting) => chooseProxy(each, host, port, decide);
    if (setting !== undefined) return proxyOf(setting);
    // Node's may be set at any time.
    return (byDefault && proxyOf(byDefault)) || proxyOf(nodeProxySetting(otherwise));
  };
}

function configuredProxy(decisions: Decisions, proxy: LoadedProxy): ProxySetting {
  return { url: proxy.url, authorization: proxy.authorization, profile: proxyProfile(decisions, proxy) };
}

/** What a proxy with a certificate or roots of its own is connected to with. */
function proxyProfile(
  decisions: Decisions,
  { url, certificate, ca }: LoadedProxy,
): ConnectionProfile | undefined {
  if (certificate === undefined && ca.length === 0) return undefined;
  const host = decisions.resolve({ host: url.hostname, port: url.port });
  const only = certificate !== undefined && decisions.inventory.config.pins.trustOnly.has(certificate);
  const resolution: Resolution = {
    ...host,
    rule: proxyLabel,
    certificate: certificate ?? host.certificate,
    authorities: certificate === undefined ? host.authorities : [certificate],
    ca: only ? ca : [...host.ca, ...ca],
    trust: only ? 'only' : host.trust,
    partition: `proxy ${JSON.stringify([certificate, only, ca.map((root) => root.fingerprint256)])} ${host.partition}`,
  };
  return new ConnectionProfile(resolution, decisions.contextsOf(resolution));
}

type ProxyObject = { url: string | URL; authorization?: string | undefined };

function parseProxy(proxy: NonNullable<ConnectIdentity['proxy']>): ProxySetting {
  if (proxy === false || proxy === 'env') return proxy as 'env' | false;
  const { url: written, authorization } = snapshot<ProxyObject>(
    isProxyObject(proxy) ? proxy : { url: proxy },
  );
  const { url, problem } = parseProxyUrl(written);
  if (url !== undefined) return { url, authorization, profile: undefined };
  throw new ClientCertificateError('ERR_CLIENTCERT_PROXY_UNSUPPORTED', `the option "proxy" ${problem}`, {
    hint: 'A proxy is "env", the URL of one, { url, authorization }, or false for none.',
  });
}

function isProxyObject(proxy: string | URL | ProxyObject): proxy is ProxyObject {
  return typeof proxy === 'object' && Object.hasOwn(proxy, 'url');
}
