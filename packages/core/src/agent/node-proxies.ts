import { isIP } from '../pin/host.ts';
import { isRoutingAgent } from './brand.ts';

/** Variables of the environment, or what stands in their place. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The proxies that Node's own agents and fetch go through: those of the environment, where a process is switched to them
 * by `NODE_USE_ENV_PROXY` or by `--use-env-proxy`, which may stand in `NODE_OPTIONS` too; or others, by
 * `http.setGlobalProxyFromEnv()`. Others may be set at any time.
 *
 * @see https://nodejs.org/api/cli.html#node_use_env_proxy1
 * @see https://nodejs.org/api/http.html#httpsetglobalproxyfromenvproxyenv
 */
export function nodeProxies(): Variables | undefined {
  // Not imported: whoever imports an adapter would wait for all of TLS.
  https ??= process.getBuiltinModule('node:https');
  const { globalAgent } = https;
  // One of ours in its place goes where that would.
  if (!isRoutingAgent(globalAgent)) agentOfNode = globalAgent as object;
  // Whoever puts another in its place may leave the options out, as global-agent does.
  return agentOfNode?.options?.proxyEnv || undefined;
}

let https: typeof import('node:https') | undefined;
let agentOfNode: { readonly options?: { readonly proxyEnv?: Variables | undefined } } | undefined;

/** Whether Node's own agents and fetch go through proxies. */
export function nodeUsesProxies(): boolean {
  return nodeProxies() !== undefined;
}

/**
 * The proxy for an https host that such variables name, as the agents of Node 24 and 26 decide it: Node's fetch reads
 * `NO_PROXY` in another way, and so does what axios asks, `proxy-from-env`.
 *
 * @param host Normalised, without brackets.
 * @see https://github.com/nodejs/node/blob/v24.x/lib/internal/http.js (`ProxyConfig.shouldUseProxy`)
 */
export function proxyIn(variables: Variables, host: string, port: number): string | undefined {
  const own = (name: string) => (Object.hasOwn(variables, name) ? variables[name] : undefined);
  const read = (name: string) => own(name) || own(name.toUpperCase()) || undefined;
  const exceptions = read('no_proxy')?.split(',') ?? [];
  const isException = exceptions.some((each) => excepts(each.trim().toLowerCase(), host, port));
  return isException ? undefined : read('https_proxy');
}

function excepts(entry: string, host: string, port: number): boolean {
  if (entry === '*' || entry === host || entry === `${host}:${port}`) return true;
  if (entry.startsWith('*.')) return host.endsWith(entry.slice(1));
  if (entry.startsWith('.')) return host === entry.slice(1) || host.endsWith(entry);
  const [first, last] = entry.split('-').map((each) => addressOf(each.trim()));
  const address = addressOf(host);
  return (
    first !== undefined && last !== undefined && address !== undefined && first <= address && address <= last
  );
}

/** An IPv4 address as a number. */
function addressOf(text: string): number | undefined {
  if (isIP(text) !== 4) return undefined;
  return text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
}
