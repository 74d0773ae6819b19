/**
 * Whether Node's own agents and fetch go through the proxies of the environment: a process is switched to them by
 * `NODE_USE_ENV_PROXY`, or by `--use-env-proxy`, which may stand in `NODE_OPTIONS` too.
 *
 * @see https://nodejs.org/api/cli.html#node_use_env_proxy1
 */
export function nodeUsesProxies(): boolean {
  // Not imported: whoever imports an adapter would wait for all of TLS.
  const { globalAgent } = process.getBuiltinModule('node:https');
  const { proxyEnv } = globalAgent.options as { proxyEnv?: object | undefined };
  return Boolean(proxyEnv);
}
