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
  const { proxyEnv } = https.globalAgent.options as { proxyEnv?: Variables | undefined };
  return proxyEnv || undefined;
}

let https: typeof import('node:https') | undefined;

/** Whether Node's own agents and fetch go through proxies. */
export function nodeUsesProxies(): boolean {
  return nodeProxies() !== undefined;
}

/**
 * The proxy for an https host that such variables name, as Node's agents read them.
 *
 * @param host As it stands in a URL.
 */
export function proxyIn(variables: Variables, host: string, port: number): string | undefined {
  const read = (name: string) => variables[name] || variables[name.toUpperCase()] || undefined;
  const exceptions =
    read('no_proxy')
      ?.toLowerCase()
      .split(/[\s,]+/) ?? [];
  const isException = exceptions.some((each) => {
    const [, pattern = each, only] = /^(.+):(\d+)$/.exec(each) ?? [];
    if (each === '' || (only !== undefined && Number(only) !== port)) return false;
    const suffix = pattern.replace(/^\*/, '');
    return /^[*.]/.test(pattern) ? host.endsWith(suffix) : host === pattern;
  });
  return isException ? undefined : read('https_proxy');
}
