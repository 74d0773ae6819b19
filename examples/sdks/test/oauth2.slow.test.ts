import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { get, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { clientCertHeaders } from '@clientcert/core';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { find, type Listening, launch } from '../../../test/servers/launch.ts';
import { type Examples, layOut } from '../../test/run.ts';
import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.ts';

let authority: Authority;
let examples: Examples;
let orders: IssuedCertificate;
let returns: IssuedCertificate;
let tokens: AuthorizationServer;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority, ['core', 'undici', 'axios'], {
    sdks: true,
  });
  [orders, returns] = await Promise.all([
    authority.issue({ name: 'orders' }),
    authority.issue({ name: 'returns' }),
  ]);
  tokens = await startAuthorizationServer(authority, {
    'orders-app': 'CN=orders',
    'returns-app': 'CN=returns',
    'my-client': 'CN=bank',
  });
}, 600_000);
afterAll(async () => {
  await tokens?.[Symbol.asyncDispose]();
  await examples?.[Symbol.asyncDispose]();
});

/** In base64url, as a token has it. */
const thumbprint = ({ fingerprint256 }: { fingerprint256: string }) =>
  Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');

/** An API behind a gateway that ends TLS: it takes a token only beside the certificate that it is bound to. */
async function startApi(readCertificate: (headers: IncomingHttpHeaders) => X509Certificate) {
  const seen: IncomingHttpHeaders[] = [];
  const server = createServer(({ headers, url }, response) => {
    seen.push(headers);
    const token = tokens.read(String(headers.authorization).replace('Bearer ', ''));
    const isBound = token?.cnf['x5t#S256'] === thumbprint(readCertificate(headers));
    response.writeHead(isBound ? 200 : 401, {
      'content-type': 'application/json',
    });
    response.end(
      JSON.stringify({
        url,
        application: token?.client_id,
        alias: headers['x-alias'],
      }),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { port, seen, [Symbol.asyncDispose]: async () => void server.close() };
}

interface Gateway {
  /** Passes on who came: their alias, and their certificate. */
  start(api: number): Promise<Listening>;
  program: string | undefined;
  /** What it writes is what we would. */
  header: string;
  expected(certificate: X509Certificate): Record<string, string>;
  read(header: string): X509Certificate;
}

const fingerprintOf = (issued: IssuedCertificate) =>
  new X509Certificate(issued.cert).fingerprint.replaceAll(':', '').toLowerCase();

async function launchGateway(write: (folder: string, port: number) => [program: string, ...args: string[]]) {
  const { cert, key } = await authority.issue({
    name: 'gateway',
    hosts: ['gateway.bank.example', '127.0.0.1'],
    usage: 'server',
  });
  return launch({ authority }, ({ folder, port }) => {
    writeFileSync(join(folder, 'server.crt'), cert);
    writeFileSync(join(folder, 'server.key'), key);
    writeFileSync(join(folder, 'server.pem'), cert + key);
    return write(folder, port);
  });
}

const nginx: Gateway = {
  program: find('/usr/sbin/nginx', '-v'),
  header: 'x-wso2-client-certificate',
  expected: (certificate) => clientCertHeaders({ certificate }, { header: 'x-wso2-client-certificate' }),
  read: (header) => new X509Certificate(decodeURIComponent(header)),
  start: (api) =>
    launchGateway((folder, port) => {
      const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (each) => `${each}_temp_path ${each};`,
      );
      writeFileSync(
        join(folder, 'nginx.conf'),
        `daemon off; pid nginx.pid; error_log stderr; worker_processes 1;
events {}
http {
  access_log off; ${paths.join(' ')}
  map $ssl_client_fingerprint $alias {
    default "";
    ${fingerprintOf(orders)} orders;
    ${fingerprintOf(returns)} returns;
  }
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate server.crt; ssl_certificate_key server.key;
    ssl_client_certificate root.crt; ssl_verify_client on;
    location / {
      if ($alias = "") { return 403; }
      proxy_set_header X-Alias $alias;
      proxy_set_header X-WSO2-CLIENT-CERTIFICATE $ssl_client_escaped_cert;
      proxy_pass http://127.0.0.1:${api};
    }
  }
}`,
      );
      return [String(nginx.program), '-p', folder, '-c', 'nginx.conf', '-e', 'stderr'];
    }),
};

const haproxy: Gateway = {
  program: find('/usr/sbin/haproxy', '-v'),
  header: 'client-cert',
  expected: (certificate) => clientCertHeaders({ certificate }),
  read: (header) => new X509Certificate(Buffer.from(header.slice(1, -1), 'base64')),
  start: (api) =>
    launchGateway((folder, port) => {
      writeFileSync(
        join(folder, 'aliases.map'),
        `${fingerprintOf(orders)} orders\n${fingerprintOf(returns)} returns\n`,
      );
      writeFileSync(
        join(folder, 'haproxy.cfg'),
        `global
  maxconn 100
  nbthread 1
defaults
  mode http
  timeout client 20s
  timeout connect 5s
  timeout server 20s
frontend tls
  bind 127.0.0.1:${port} ssl crt ${folder}/server.pem ca-file ${folder}/root.crt verify required
  http-request set-header X-Alias %[ssl_c_sha1,hex,lower,map(${folder}/aliases.map)]
  http-request set-header Client-Cert :%[ssl_c_der,base64]:
  http-request deny unless { ssl_c_sha1,hex,lower,map(${folder}/aliases.map) -m found }
  default_backend api
backend api
  server api 127.0.0.1:${api}
`,
      );
      return [String(haproxy.program), '-db', '-f', join(folder, 'haproxy.cfg')];
    }),
};

describe.each([
  ['nginx', nginx],
  ['HAProxy', haproxy],
])('an API behind %s, with tokens of a real authorization server', (name, gateway) => {
  it.skipIf(!gateway.program)(
    'examples/oauth2/wso2.mjs: each application with its own certificate',
    async () => {
      await using api = await startApi((headers) => gateway.read(String(headers[gateway.header])));
      await using front = await gateway.start(api.port);
      const before = tokens.requests.length;
      const run = await examples.run(
        'oauth2/wso2.mjs',
        {
          'auth.bank.example:443': Number(tokens.ports[0]),
          'mtls.bank.example:443': Number(tokens.ports[1]),
          'gateway.bank.example:443': front.port,
        },
        {
          files: {
            'orders.pfx': await orders.pfx('for the bank'),
            'returns.pfx': await returns.pfx('for the bank'),
          },
        },
      );
      expect(run).toEqual({
        code: 0,
        output: `{ url: '/orders/v1', application: 'orders-app', alias: 'orders' }
{ url: '/returns/v1', application: 'returns-app', alias: 'returns' }
orders ${thumbprint(orders)}
returns ${thumbprint(returns)}
`,
      });
      const asked = tokens.requests
        .slice(before)
        .map(
          ({ headers, path, clientCertificate }) => `${headers.host}${path} ${clientCertificate?.commonName}`,
        );
      expect(asked).toEqual([
        'auth.bank.example/.well-known/openid-configuration undefined',
        'mtls.bank.example/token orders',
        'auth.bank.example/.well-known/openid-configuration undefined',
        'mtls.bank.example/token returns',
      ]);
      // The header that the gateway wrote is ours, byte for byte.
      expect(api.seen).toEqual([
        expect.objectContaining(gateway.expected(new X509Certificate(orders.cert))),
        expect.objectContaining(gateway.expected(new X509Certificate(returns.cert))),
      ]);

      // A token beside the certificate of another is worth nothing, nor is a certificate that the gateway has no alias for.
      const token = String(api.seen[0]?.authorization);
      expect(tokens.read(token.replace('Bearer ', ''))?.cnf).toEqual({
        'x5t#S256': thumbprint(orders),
      });
      expect(await call(front.port, orders, token)).toBe(200);
      expect(await call(front.port, returns, token)).toBe(401);
      expect(await call(front.port, await authority.issue({ name: 'unknown' }), token)).toBe(403);
      // What a client writes into the header itself does not come through.
      const forged = gateway.expected(new X509Certificate(orders.cert));
      expect(await call(front.port, returns, token, forged), name).toBe(401);
    },
  );
});

it.each([
  ['axios', 'auth'],
  ['openid-client', 'auth'],
  ['oauth4webapi', 'auth'],
  ['endpoint-aliases', 'mtls'],
])('examples/oauth2/%s.mjs, with tokens of a real authorization server', async (name, host) => {
  await using api = await startServer({
    authority,
    hosts: ['api.bank.example'],
    handler: (_, response, { headers, clientCertificate }) => {
      const token = tokens.read(String(headers.authorization).replace('Bearer ', ''));
      const isBound = clientCertificate && token?.cnf['x5t#S256'] === thumbprint(clientCertificate);
      response.writeHead(isBound ? 200 : 401, {
        'content-type': 'application/json',
      });
      response.end(JSON.stringify({ application: token?.client_id }));
    },
  });
  const before = tokens.requests.length;
  const run = await examples.run(`oauth2/${name}.mjs`, {
    'auth.bank.example:443': Number(tokens.ports[0]),
    'mtls.bank.example:443': Number(tokens.ports[1]),
    'api.bank.example:443': api.port,
  });
  expect(run).toEqual({ code: 0, output: "{ application: 'my-client' }\n" });
  const [asked] = tokens.requests.slice(before).filter(({ path }) => path === '/token');
  expect(`${asked?.headers.host} ${asked?.clientCertificate?.commonName}`).toBe(`${host}.bank.example bank`);
});

it('the authorization server gives no token to who presents the certificate of another', async () => {
  const { cert, key } = returns;
  const body = 'grant_type=client_credentials&client_id=orders-app';
  const response = await post(Number(tokens.ports[1]), { cert, key }, body);
  expect(response).toMatchObject({
    status: 401,
    body: expect.stringContaining('invalid_client'),
  });
});

/** With the tool that WSO2's documentation names. */
it.skipIf(!find('keytool', '-help'))(
  'clientcert convert --to crt makes what is imported under an alias',
  async () => {
    const { folder } = await examples.place('oauth2/wso2.mjs');
    writeFileSync(join(folder, 'orders.pfx'), await orders.pfx('for the bank'));
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const env = { ...process.env, BANK_PASSPHRASE: 'for the bank' };
    const command = join(root, 'packages/cli/bin/clientcert.mjs');
    const convert = [
      'convert',
      'orders.pfx',
      '--to',
      'crt',
      '--no-chain',
      '--passphrase-env',
      'BANK_PASSPHRASE',
    ];
    execFileSync(process.execPath, [command, ...convert], {
      cwd: folder,
      env,
      stdio: 'ignore',
    });
    const store = ['-keystore', 'client-truststore.jks', '-storepass', 'wso2carbon', '-alias', 'orders'];
    const keytool = (...args: string[]) =>
      execFileSync('keytool', args, {
        cwd: folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    keytool('-importcert', '-noprompt', '-file', 'orders.crt', ...store);
    const exported = keytool('-exportcert', '-rfc', ...store);
    expect(new X509Certificate(exported).fingerprint256).toBe(orders.fingerprint256);
  },
);

function call(
  port: number,
  { cert, key }: IssuedCertificate,
  authorization: string,
  headers: Record<string, string> = {},
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const options = {
      cert,
      key,
      ca: authority.certificate,
      headers: { ...headers, authorization },
      agent: false,
    };
    get(`https://127.0.0.1:${port}/orders/v1`, options, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
}

async function post(port: number, pair: { cert: string; key: string }, body: string) {
  const call = request({
    method: 'POST',
    host: '127.0.0.1',
    port,
    path: '/token',
    servername: 'mtls.bank.example',
    ca: authority.certificate,
    ...pair,
    agent: false,
    headers: {
      host: 'mtls.bank.example',
      'content-type': 'application/x-www-form-urlencoded',
    },
  });
  call.end(body);
  const [response] = await once(call, 'response');
  return { status: response.statusCode, body: await text(response) };
}
