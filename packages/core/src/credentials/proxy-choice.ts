import { nodeProxies } from '../agent/node-proxies.ts';
import { chooseProxy, nodeProxySetting, type ProxySetting, variableSetting } from '../agent/proxy.ts';
import type { TunnelProxy } from '../agent/tunnel.ts';
import { ClientCertificateError } from '../errors.ts';
import { snapshot } from '../own.ts';
import { parseProxyUrl } from '../pin/proxy-url.ts';
import { resolveUnder } from '../pin/resolve.ts';
import { SILENT } from '../pin/rule.ts';
import type { Table } from '../pin/table.ts';
import { parseOrigin } from '../pin/target.ts';
import type { ConnectionProfile } from '../tls/profile.ts';
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
  nodeProxies(); // seen while they show: the agent that this is for may become the global one
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

/** What a proxy with a certificate or roots of its own is connected to with: that is laid over the rule for its host. */
function proxyProfile(decisions: Decisions, proxy: LoadedProxy): ConnectionProfile | undefined {
  const { url, certificate, ca } = proxy;
  if (certificate === undefined && ca.length === 0) return undefined;
  const { table } = decisions.inventory;
  const known = resolutions.get(proxy);
  if (known?.table === table) return decisions.profileOf(known.resolution);
  const { host, port } = parseOrigin(url);
  const rule = {
    ...SILENT,
    label: proxyLabel,
    path: ['proxy'],
    certificate,
    ca: ca.length > 0 ? [] : undefined,
  };
  const decided = resolveUnder(table, rule, ca, host, port);
  // Connections that end with what is said of the proxy, as those to a host of the same rule do not.
  const resolution = Object.freeze({ ...decided, partition: `proxy ${decided.partition}` });
  resolutions.set(proxy, { table, resolution });
  return decisions.profileOf(resolution);
}

/** By the table that each was made with. */
const resolutions = new WeakMap<LoadedProxy, { table: Table; resolution: Resolution }>();

type ProxyObject = { url: string | URL; authorization?: string | undefined };

function parseProxy(proxy: NonNullable<ConnectIdentity['proxy']>): ProxySetting {
  if (proxy === false || proxy === 'env') return proxy as 'env' | false;
  const asked = snapshot<ProxyObject>(isProxyObject(proxy) ? proxy : { url: proxy });
  const { url: written, authorization, certificate, ca } = asked as ProxyObject & Record<string, unknown>;
  const { url, problem } = parseProxyUrl(written);
  if (problem !== undefined) {
    throw unusable(problem, 'A proxy is "env", the URL of one, { url, authorization }, or false for none.');
  }
  if (authorization !== undefined && typeof authorization !== 'string') {
    throw unusable(
      'has an "authorization" that is no text',
      'Read it before, or write it as "proxy" of the config, which takes { env }, { file } and functions.',
    );
  }
  if (certificate !== undefined || ca !== undefined) {
    throw unusable(
      'says what the proxy is presented with, or by what it is verified',
      'Write "certificate" and "ca" in "proxy" of the config, or in a rule for the host of the proxy.',
    );
  }
  return { url, authorization, profile: undefined };
}

function unusable(problem: string, hint: string): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_PROXY_UNSUPPORTED', `the option "proxy" ${problem}`, {
    hint,
  });
}

function isProxyObject(proxy: string | URL | ProxyObject | null): proxy is ProxyObject {
  return typeof proxy === 'object' && proxy !== null && Object.hasOwn(proxy, 'url');
}
