import type { ConnectIdentity } from '@clientcert/core';

/** axios' `proxy`, with what axios reads of it beside what its types say; a `URL` has most of it. */
interface WrittenProxy {
  protocol?: string | undefined;
  /** Goes before `host`, which in a `URL` has the port in it. */
  hostname?: string | undefined;
  host?: string | undefined;
  port?: number | string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  auth?: { username?: string | undefined; password?: string | undefined } | string | undefined;
}

/** As axios reads it: an object, `false`, or nothing, which leaves it to the config and the environment. */
export function readProxy(proxy: object | false | null | undefined): ConnectIdentity['proxy'] {
  if (!proxy) return proxy ?? undefined;
  if (proxy instanceof URL) return proxy;
  const { protocol = 'http', hostname, host = '', port } = proxy as WrittenProxy;
  const name = hostname || host;
  const url = `${protocol.replace(/:$/, '')}://${/^[^[].*:/.test(name) ? `[${name}]` : name}${port ? `:${port}` : ''}`;
  return { url, authorization: authorizationOf(proxy) };
}

function authorizationOf({ username, password, auth }: WrittenProxy): string | undefined {
  const said = username ? { username, password } : auth;
  if (!said) return undefined;
  const user = typeof said === 'string' ? said : `${said.username ?? ''}:${said.password ?? ''}`;
  return `Basic ${Buffer.from(user).toString('base64')}`;
}
