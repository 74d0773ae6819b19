import { ClientCertificateError, type ConnectIdentity } from '@clientcert/core';
import { isUrl, snapshot } from '@clientcert/core/adapter';

/** What axios itself reads of `proxy`, beside what its types say; a `URL` has most of it. */
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

/**
 * As whom, and on the way that a request's `proxy` says: nothing leaves it to the config, and then to the
 * environment. Every property is written out, so that none is read from `Object.prototype`.
 */
export function proxyOf(
  service: string | false | undefined,
  origin: string | undefined,
  proxy: object | false | null | undefined,
): ConnectIdentity {
  if (!proxy) {
    return proxy === false
      ? { service, origin, proxy, defaultProxy: undefined }
      : { service, origin, proxy: undefined, defaultProxy: 'env' };
  }
  return {
    service,
    origin,
    proxy: isUrl(proxy) ? proxy : readProxy(snapshot(proxy)),
    defaultProxy: undefined,
  };
}

/** As axios reads it. */
function readProxy(proxy: WrittenProxy): { url: string; authorization: string | undefined } {
  const { protocol = 'http', hostname, host = '', port } = proxy;
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

/** The agent's way would be taken, past the proxy that the request names. */
export function otherWay(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    'the request is made with a "proxy" beside an "httpsAgent" of its own, which makes its own way',
    {
      hint: 'Give it to the agent, credentials.agent({ proxy: … }), or to soapOptions(credentials, { proxy: … }) where NTLM made that; or leave one of the two out.',
    },
  );
}
