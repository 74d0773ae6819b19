import { ClientCertificateError, type Credentials } from '@clientcert/core';
import * as undici from 'undici';
import type { PoolOptions } from './connect.ts';
import type { Route } from './routes.ts';

/** Whether a dispatcher answers requests itself, as a `MockAgent` does in tests: all of them are left to it. By
 * what fetch itself looks at, which also holds for one of another copy of undici. */
export function answersItself(base: undici.Dispatcher | undefined): boolean {
  return (base as { isMockActive?: boolean } | undefined)?.isMockActive === true;
}

const { ProxyAgent, EnvHttpProxyAgent, Socks5ProxyAgent } = undici as typeof undici & {
  /** Not in the oldest undici. */
  Socks5ProxyAgent?: typeof undici.ProxyAgent;
};
const proxies = [ProxyAgent, EnvHttpProxyAgent, ...(Socks5ProxyAgent ? [Socks5ProxyAgent] : [])];

/**
 * Where the caller's dispatcher is a proxy's, pinned hosts must not go past it: undici shows nobody which
 * proxy that is, so it has to be said.
 *
 * @throws ERR_CLIENTCERT_PROXY_UNSUPPORTED
 */
export function checkProxy(
  base: undici.Dispatcher | undefined,
  { resolution }: Route,
  credentials: Credentials,
  { proxy }: PoolOptions,
): void {
  if (!proxies.some((kind) => base instanceof kind)) return;
  if (proxy !== undefined || credentials.decidesProxy) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    `${resolution.rule}: the dispatcher goes through a proxy that it does not name`,
    {
      hint: `Say which, as "proxy" of the config or of the options: ${base instanceof EnvHttpProxyAgent ? '"env" for the environment’s' : 'its URL'}, or false for none.`,
    },
  );
}
