import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { Server as GrpcServer, ServerCredentials, type sendUnaryData } from '@grpc/grpc-js';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEst } from '../../packages/est/test/server.ts';
import { createTrustDomain, pemOf, startAgent } from '../../packages/spiffe/test/agent.ts';
import { startPeer } from '../../packages/spiffe/test/scene.ts';
import { checkOptions } from '../../packages/step/src/options.ts';
import { createToken } from '../../packages/step/src/token.ts';
import { startStep } from '../../packages/step/test/server.ts';
import { startEngine } from '../../packages/vault/test/engine.ts';
import { startBank } from '../../packages/vault/test/ground.ts';
import { freePort, untilSaid } from '../../test/spawned.ts';
import { type Examples, layOut } from './run.ts';

const installed = (() => {
  try {
    return execFileSync('redis-server', ['--version'], { encoding: 'utf8' }).includes('Redis');
  } catch {
    return false;
  }
})();

describe.skipIf(!installed)('examples/secret-stores/redis*.mjs (needs redis-server)', () => {
  let authority: Authority;
  let examples: Examples;
  let redis: Redis;

  beforeAll(async () => {
    authority = await createAuthority();
    examples = await layOut(authority);
    redis = await startRedis();
  }, 60_000);
  afterAll(async () => {
    await redis?.stop();
    redis?.remove();
    await examples?.[Symbol.asyncDispose]();
  });

  it.each([
    ['redis.mjs', 'store.destroy();'],
    ['redis-subscribe.mjs', ''],
  ])(
    '%s presents the renewed certificate, keeps the one it has while the store is away, and goes on with it back',
    async (file, end) => {
      const [first, second, third] = await Promise.all(
        ['first', 'second', 'third'].map((name) => authority.issue({ name })),
      );
      await redis.store(first!);
      await using server = await startServer({ authority, hosts: ['api.bank.example'] });
      const after = `
import https from 'node:https';
const { credentials, store } = example;
const agent = credentials.agent();
const call = () => new Promise((resolve) => {
  https.get('https://api.bank.example/', { agent }, (response) => response.resume().on('end', resolve));
});
// A call every 100 ms, until the third version has been seen by the server.
for (let calls = 0; calls < 150 && credentials.certificates()[0].version < 3; calls++) {
  await call();
  await new Promise((resolve) => setTimeout(resolve, 100));
}
await call();
await credentials.close();
${end}`;
      const running = examples.run(
        `secret-stores/${file}`,
        { 'api.bank.example:443': server.port },
        {
          after,
          env: { REDIS_URL: redis.url, REFRESH_SECONDS: '1' },
          timeout: 25_000,
        },
      );
      const seen = () => server.requests.map(({ clientCertificate }) => clientCertificate?.fingerprint256);
      await until(() => seen().includes(first!.fingerprint256));
      await redis.store(second!);
      await until(() => seen().includes(second!.fingerprint256));

      await redis.stop();
      await pause(2000);
      const away = seen().length;
      await until(() => seen().length > away + 2); // calls go on
      expect(seen().at(-1)).toBe(second!.fingerprint256);
      await redis.start();
      await redis.store(third!);

      const { code, output } = await running;
      expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('bank is now version 3') });
      expect(output).toContain('not renewed: certificate "bank"');
      expect(seen().at(-1)).toBe(third!.fingerprint256);
      // In order, and none without a certificate.
      const order = [first, second, third].map((each) => each!.fingerprint256);
      const indexes = seen().map((fingerprint) => order.indexOf(fingerprint ?? ''));
      expect(indexes).toEqual(indexes.toSorted());
      expect(indexes).not.toContain(-1);
    },
  );
});

describe('secret stores that speak HTTP', () => {
  let authority: Authority;
  let examples: Examples;

  beforeAll(async () => {
    authority = await createAuthority();
    examples = await layOut(authority, ['core', 'est', 'spiffe', 'step', 'vault']);
  }, 60_000);
  afterAll(() => examples?.[Symbol.asyncDispose]());

  it('examples/secret-stores/vault.mjs presents what the PKI engine signed', async () => {
    await using engine = await startEngine();
    engine.certificateTtl = 72 * 3600;
    await using bank = await startBank(authority, engine.root);
    const { code, output } = await examples.run(
      'secret-stores/vault.mjs',
      { 'api.bank.example:443': bank.port },
      { env: { VAULT_ADDR: engine.url, VAULT_ROLE_ID: 'an-id', VAULT_SECRET_ID: 'a-secret' } },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expect(engine.asked).toMatchObject([
      { path: '/v1/auth/approle/login', body: { role_id: 'an-id', secret_id: 'a-secret' } },
      { path: '/v1/pki/sign/bank-client', body: { common_name: 'my-service.example', ttl: '72h' } },
    ]);
    expect(bank.seen).toMatchObject([{ subject: 'CN=my-service.example', issuer: 'CN=Issuing' }]);
  });

  it('examples/secret-stores/step-ca.mjs presents what step-ca signed', async () => {
    await using step = await startStep();
    await using bank = await startBank(authority, step.root);
    const commonName = 'my-service.example';
    const provisioner = { name: 'me@step', key: step.jwk };
    const options = { address: step.url, fingerprint: step.fingerprint, provisioner, commonName };
    const token = await createToken(provisioner, checkOptions(options), AbortSignal.timeout(10_000));
    const { code, output } = await examples.run(
      'secret-stores/step-ca.mjs',
      { 'api.bank.example:443': bank.port, [new URL(step.url).host]: Number(new URL(step.url).port) },
      { env: { STEP_CA_URL: step.url, STEP_FINGERPRINT: step.fingerprint, STEP_TOKEN: token } },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expect(step.asked.map(({ path }) => path)).toEqual([`/root/${step.fingerprint}`, '/1.0/sign']);
    expect(bank.seen).toMatchObject([{ subject: `CN=${commonName}`, issuer: 'CN=Issuing' }]);
  });

  it('examples/secret-stores/est.mjs presents what the authority issued, and hands it on', async () => {
    await using est = await startEst(authority);
    est.login = 'my-service:a secret';
    await using bank = await startBank(authority, est.root);
    const { code, output } = await examples.run(
      'secret-stores/est.mjs',
      { 'api.bank.example:443': bank.port, [new URL(est.url).host]: Number(new URL(est.url).port) },
      {
        env: { EST_URL: est.url, EST_PASSWORD: 'a secret' },
        files: { 'est-root.pem': authority.certificate },
        after:
          "import { readFileSync } from 'node:fs'; console.log(readFileSync('to-the-bank.crt', 'utf8'));",
      },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('BEGIN CERTIFICATE') });
    expect(output).not.toContain('KEY');
    expect(bank.seen).toMatchObject([{ subject: 'CN=my-service.example', issuer: 'CN=Issuing' }]);
  });

  it('examples/secret-stores/spiffe.mjs presents the SVID to a server with a SPIFFE ID in another trust domain', async () => {
    const [own, bank] = [await createTrustDomain('example.org'), await createTrustDomain('bank.example')];
    await using agent = await startAgent();
    const server = await bank.issue('/payments');
    agent.say({ svids: [await own.issue('/app')], federated: { 'spiffe://bank.example': server.bundle } });
    await using payments = await startPeer(server, own.root);
    const { code, output } = await examples.run(
      'secret-stores/spiffe.mjs',
      { 'payments.bank.example:443': payments.port },
      { env: { SPIFFE_ENDPOINT_SOCKET: agent.address } },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expect(payments.seen).toBe(1);
  });

  it('examples/secret-stores/spiffe-server.mjs lets in the workloads that may call, by the roots of today', async () => {
    const [own, other] = [await createTrustDomain('example.org'), await createTrustDomain('example.org')];
    await using agent = await startAgent();
    agent.say({ svids: [await own.issue('/app')] });
    const callers = await Promise.all([
      own.issue('/payments'),
      own.issue('/other'),
      other.issue('/payments'),
    ]);
    const after = `
import { once } from 'node:events';
import { get } from 'node:https';
if (!example.server.listening) await once(example.server, 'listening');
const { port } = example.server.address();
for (const { cert, key } of JSON.parse(process.env.CALLERS))
  console.log(await new Promise((resolve) => {
    // The server has an ID and no name.
    const server = { host: '127.0.0.1', port, ca: process.env.ROOT, checkServerIdentity: () => undefined };
    get({ ...server, cert, key, agent: false }, (response) => {
      response.on('data', (data) => resolve(response.statusCode + ' ' + String(data).trim()));
    }).on('error', () => resolve('refused'));
  }));
process.exit();`;
    const told = callers.map(pemOf);
    const { output } = await examples.run(
      'secret-stores/spiffe-server.mjs',
      {},
      {
        after,
        env: {
          PORT: '0',
          SPIFFE_ENDPOINT_SOCKET: agent.address,
          ROOT: own.root,
          CALLERS: JSON.stringify(told),
        },
      },
    );
    expect(output.trim().split('\n')).toEqual([
      '200 spiffe://example.org/payments',
      '403 spiffe://example.org/other',
      'refused',
    ]);
  });

  it('examples/secret-stores/aws.mjs presents the PFX in Secrets Manager', async () => {
    const issued = await authority.issue({ name: 'from AWS' });
    const pfx = Buffer.from(await issued.pfx('a passphrase')).toString('base64');
    const secrets: Record<string, object> = {
      'bank/pfx': { SecretBinary: pfx },
      'bank/passphrase': { SecretString: 'a passphrase' },
    };
    const targets: unknown[] = [];
    await using store = await startStore(({ headers }, body) => {
      targets.push(headers['x-amz-target']);
      return secrets[JSON.parse(body).SecretId] ?? {};
    });
    await using server = await startServer({ authority, hosts: ['api.bank.example'] });
    const { code, output } = await examples.run(
      'secret-stores/aws.mjs',
      { 'api.bank.example:443': server.port },
      { env: { AWS_ENDPOINT_URL: store.url } },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expect(targets).toEqual(Array(2).fill('secretsmanager.GetSecretValue'));
    const seen = server.requests.map(({ clientCertificate }) => clientCertificate?.fingerprint256);
    expect(seen).toEqual([issued.fingerprint256]);
  });

  it('examples/secret-stores/azure.mjs presents the PFX in Key Vault', async () => {
    const issued = await authority.issue({ name: 'from Azure' });
    // As an App Service has it: a managed identity, whose tokens an endpoint on loopback gives out.
    await using identity = await startStore(() => ({
      access_token: 'a token',
      expires_on: Math.floor(Date.now() / 1000) + 3600,
      resource: 'https://vault.azure.net',
      token_type: 'Bearer',
    }));
    const secret = {
      id: 'https://my-vault.vault.azure.net/secrets/bank-client/1',
      value: Buffer.from(await issued.pfx('')).toString('base64'),
      contentType: 'application/x-pkcs12',
      attributes: { enabled: true },
    };
    const tenant = 'https://login.microsoftonline.com/00000000-0000-0000-0000-000000000000';
    await using vault = await startServer({
      authority,
      hosts: ['my-vault.vault.azure.net'],
      clientCertificate: 'none',
      handler: ({ headers }, response) => {
        response.setHeader('content-type', 'application/json');
        if (headers.authorization === 'Bearer a token') response.end(JSON.stringify(secret));
        else {
          const challenge = `Bearer authorization="${tenant}", resource="https://vault.azure.net"`;
          response.writeHead(401, { 'www-authenticate': challenge }).end('{}');
        }
        return true;
      },
    });
    await using server = await startServer({ authority, hosts: ['api.bank.example'] });
    const { code, output } = await examples.run(
      'secret-stores/azure.mjs',
      { 'api.bank.example:443': server.port, 'my-vault.vault.azure.net:443': vault.port },
      {
        env: {
          IDENTITY_ENDPOINT: identity.url,
          IDENTITY_HEADER: 'a header',
          AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
        },
      },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    const asked = vault.requests.map(({ path }) => path.replace(/\?.*/, ''));
    expect(new Set(asked)).toEqual(new Set(['/secrets/bank-client/']));
    const seen = server.requests.map(({ clientCertificate }) => clientCertificate?.fingerprint256);
    expect(seen).toEqual([issued.fingerprint256]);
  });

  it('examples/secret-stores/google.mjs presents the PEM in Secret Manager', async () => {
    const issued = await authority.issue({ name: 'from Google' });
    const asked: string[] = [];
    await using manager = await startSecretManager(authority, (name) => {
      asked.push(name);
      return Buffer.from(issued.cert + issued.key);
    });
    await using server = await startServer({ authority, hosts: ['api.bank.example'] });
    // A service account signs its own tokens: nobody is asked for one.
    const { key } = await authority.issue({ name: 'account', keyType: 'rsa' });
    const account = {
      type: 'service_account',
      project_id: 'my-project',
      private_key_id: '1',
      private_key: key,
      client_email: 'app@my-project.iam.gserviceaccount.com',
      token_uri: 'https://oauth2.googleapis.com/token',
    };
    const { code, output } = await examples.run(
      'secret-stores/google.mjs',
      { 'api.bank.example:443': server.port, 'secretmanager.googleapis.com:443': manager.port },
      {
        files: { 'account.json': JSON.stringify(account) },
        env: {
          GOOGLE_APPLICATION_CREDENTIALS: 'account.json',
          GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: 'bank-root.pem',
        },
      },
    );
    expect({ code, output }).toEqual({ code: 0, output: expect.any(String) });
    expect(asked).toEqual(['projects/my-project/secrets/bank-client/versions/latest']);
    const seen = server.requests.map(({ clientCertificate }) => clientCertificate?.fingerprint256);
    expect(seen).toEqual([issued.fingerprint256]);
  });
});

/** Secret Manager's one call that the example makes, over gRPC. */
async function startSecretManager(authority: Authority, read: (name: string) => Buffer) {
  const host = 'secretmanager.googleapis.com';
  const { cert, key } = await authority.issue({ name: host, hosts: [host], usage: 'server' });
  // AccessSecretVersionRequest { string name = 1 }, …Response { SecretPayload payload = 2 { bytes data = 1 } }
  const field = (number: number, content: Buffer) => {
    const length =
      content.length < 128 ? [content.length] : [(content.length & 127) | 128, content.length >> 7];
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), content]);
  };
  const server = new GrpcServer();
  server.addService(
    {
      accessSecretVersion: {
        path: '/google.cloud.secretmanager.v1.SecretManagerService/AccessSecretVersion',
        requestStream: false,
        responseStream: false,
        requestDeserialize: (request) => String(request.subarray(2)),
        requestSerialize: Buffer.from,
        responseSerialize: (data: Buffer) => field(2, field(1, data)),
        responseDeserialize: Buffer.from,
      },
    },
    {
      accessSecretVersion: ({ request }: { request: string }, done: sendUnaryData<Buffer>) =>
        done(null, read(request)),
    },
  );
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
  const credentials = ServerCredentials.createSsl(null, [pair]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  return { port, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

/** A store on loopback that answers each request with JSON. */
async function startStore(
  answer: (request: IncomingMessage, body: string) => object,
): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createHttpServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer(request, body)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Redis {
  readonly url: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  store(certificate: IssuedCertificate): Promise<void>;
  remove(): void;
}

/** A Redis on loopback that keeps nothing on disk. */
async function startRedis(): Promise<Redis> {
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess;
  const start = async () => {
    const options = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--dir', directory];
    server = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] });
    await untilSaid(server, /Ready to accept connections/);
  };
  await start();
  return {
    url,
    start,
    stop: async () => {
      if (server.exitCode !== null) return;
      server.kill('SIGTERM');
      await once(server, 'exit');
    },
    store: async ({ fullChain, key }) => {
      const client = await createClient({ url }).connect();
      await client.hSet('clientcert:bank', { cert: fullChain, key });
      await client.publish('clientcert:bank', 'renewed');
      client.destroy();
    },
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 15_000; !holds(); ) {
    if (Date.now() > end) expect.fail(`not within 15 seconds: ${holds}`);
    await pause(20);
  }
}
