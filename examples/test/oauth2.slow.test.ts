import { X509Certificate } from 'node:crypto';
import {
  createAuthority,
  type RequestHandler,
  type SeenRequest,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Examples, layOut } from './run.ts';

const issuer = 'https://auth.bank.example';

/** RFC 8414, RFC 8705: tokens are given to who presents a certificate, and taken only beside the same one. */
const authorizationServer: RequestHandler = (request, response, seen) => {
  const answer = (status: number, body: object) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return true;
  };
  switch (seen.path) {
    case '/.well-known/openid-configuration':
      return answer(200, {
        issuer,
        token_endpoint: `${issuer}/token`,
        mtls_endpoint_aliases: { token_endpoint: 'https://mtls.bank.example/token' },
        token_endpoint_auth_methods_supported: ['tls_client_auth'],
        tls_client_certificate_bound_access_tokens: true,
      });
    case '/token': {
      if (seen.clientCertificate?.commonName !== 'bank') return answer(401, { error: 'invalid_client' });
      const token = Buffer.from(JSON.stringify({ cnf: { 'x5t#S256': thumbprint(seen) } })).toString(
        'base64url',
      );
      return answer(200, { access_token: token, token_type: 'Bearer', expires_in: 300 });
    }
    default: {
      const token = request.headers.authorization?.replace('Bearer ', '') ?? 'e30';
      const { cnf } = JSON.parse(String(Buffer.from(token, 'base64url')));
      const bound = cnf?.['x5t#S256'] !== undefined && cnf['x5t#S256'] === thumbprint(seen);
      return bound ? answer(200, { accounts: ['NL91'] }) : answer(401, { error: 'invalid_token' });
    }
  }
};

function thumbprint({ clientCertificate }: SeenRequest): string | undefined {
  const hexadecimal = clientCertificate?.fingerprint256.replaceAll(':', '');
  return hexadecimal && Buffer.from(hexadecimal, 'hex').toString('base64url');
}

let server: TestServer;
let examples: Examples;

beforeAll(async () => {
  const authority = await createAuthority();
  examples = await layOut(authority, ['core', 'undici', 'axios']);
  server = await startServer({
    authority,
    hosts: ['auth', 'mtls', 'api', 'gateway'].map((name) => `${name}.bank.example`),
    clientCertificate: 'optional',
    handler: authorizationServer,
  });
}, 60_000);
afterAll(async () => {
  await server?.close();
  await examples?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.requests.length = 0;
});

it.each([
  ['openid-client', ['/.well-known/openid-configuration', '/token', '/accounts']],
  ['oauth4webapi', ['/.well-known/openid-configuration', '/token', '/accounts']],
  ['axios', ['/token', '/accounts']],
])('examples/oauth2/%s.mjs: a token for the certificate, and a call with both', async (name, paths) => {
  const ports = { 'auth.bank.example:443': server.port, 'api.bank.example:443': server.port };
  const { code, output } = await examples.run(`oauth2/${name}.mjs`, ports);
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('NL91') });
  expect(server.requests.map(({ path }) => path)).toEqual(paths);
  const prints = server.requests.map(({ clientCertificate }) => clientCertificate?.fingerprint256);
  expect(new Set(prints)).toEqual(new Set([examples.bank.fingerprint256]));
});

it('examples/oauth2/endpoint-aliases.mjs: the certificate goes to the address that the server names for it', async () => {
  const hosts = ['auth.bank.example', 'mtls.bank.example', 'api.bank.example'];
  const ports = Object.fromEntries(hosts.map((host) => [`${host}:443`, server.port]));
  const { code, output } = await examples.run('oauth2/endpoint-aliases.mjs', ports);
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('NL91') });
  const seen = server.requests.map(
    ({ headers, path, clientCertificate }) =>
      `${headers.host}${path} ${clientCertificate?.commonName ?? 'none'}`,
  );
  expect(seen).toEqual([
    'auth.bank.example/.well-known/openid-configuration none',
    'mtls.bank.example/token bank',
    'api.bank.example/accounts bank',
  ]);
});

it('examples/oauth2/certificate-header.mjs: the certificate in the header of WSO2', async () => {
  const { code } = await examples.run('oauth2/certificate-header.mjs', {
    'gateway.bank.example:443': server.port,
  });
  expect(code).toBe(0);
  const [{ path, headers } = expect.fail('no request')] = server.requests;
  expect(path).toBe('/accounts');
  const pem = decodeURIComponent(String(headers['x-wso2-client-certificate']));
  expect(new X509Certificate(pem).fingerprint256).toBe(examples.bank.fingerprint256);
});
