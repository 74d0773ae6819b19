import { createHash, X509Certificate } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, createServer } from 'node:tls';
import {
  type Authority,
  createAuthority,
  createSelfSigned,
  type IssuedCertificate,
  startProxy,
  startServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import type { Handshake } from '../../src/agent/handshake.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { buildProcesses, type Processes } from '../process.ts';
import { get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
let rsa: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  rsa = await authority.issue({ name: 'server', hosts: ['127.0.0.1'], keyType: 'rsa', usage: 'server' });
});

const load = (port: number, rule: object = {}) =>
  loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${port}`]: { certificate: 'alice', ...rule } },
  });

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (tls) => {
  it.each(['required', 'optional', 'none'] as const)(
    'event and channel say what happened where a certificate is %s',
    async (clientCertificate) => {
      await using server = await startServer({ authority, tls, clientCertificate });
      await using credentials = await load(server.port);
      const events: Handshake[] = [];
      const messages: unknown[] = [];
      const listen = (message: unknown) => void messages.push(message);
      subscribe('clientcert:handshake', listen);
      credentials.on('handshake', (handshake) => events.push(handshake));
      const agent = credentials.agent({ keepAlive: false });
      await get(server.url, { agent });
      await get(server.url, { agent });
      unsubscribe('clientcert:handshake', listen);

      const asked = clientCertificate !== 'none';
      const presented = asked
        ? { name: 'alice', version: 1, fingerprint256: server.requests[0]?.clientCertificate?.fingerprint256 }
        : null;
      expect(events).toEqual(
        [false, true].map((resumed) => ({
          host: '127.0.0.1',
          port: server.port,
          rule: `hosts["127.0.0.1:${server.port}"]`,
          protocol: tls,
          requested: asked,
          presented,
          resumed,
        })),
      );
      expect(messages).toEqual(events);
      expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true]);
    },
  );

  it('a certificate that the server cannot take by its signature algorithms is not said to be presented', async () => {
    await using server = await startServer({
      authority,
      clientCertificate: 'optional',
      tls: { minVersion: tls, maxVersion: tls, sigalgs: 'RSA-PSS+SHA256:RSA+SHA256' },
      certificate: rsa,
    });
    await using credentials = await load(server.port);
    const events: Handshake[] = [];
    credentials.on('handshake', (handshake) => events.push(handshake));
    await get(server.url, { agent: credentials.agent() });
    expect(server.requests[0]?.clientCertificate).toBeNull();
    expect(events[0]).toMatchObject({ requested: true, presented: null });
  });

  it('required: a server that does not ask is refused before it has seen a request', async () => {
    await using server = await startServer({ authority, tls, clientCertificate: 'none' });
    await using credentials = await load(server.port, { required: true });
    const agent = credentials.agent();
    for (const _ of [1, 2]) {
      await expect(get(server.url, { agent, headers: { 'x-secret': 'token' } })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_NOT_REQUESTED',
        message: expect.stringContaining(`hosts["127.0.0.1:${server.port}"]`),
      });
    }
    // As it is written with `&&`: what is not true is no error to Node.
    const checkServerIdentity = (host: string) =>
      (host === 'evil.example' && new Error('not this one')) as never;
    await expect(get(server.url, { agent, checkServerIdentity })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_NOT_REQUESTED',
    });
    expect(server.requests).toHaveLength(0);
  });

  it('required: a server that takes no signature of such a key is refused, verified or not, before it has seen a request', async () => {
    await using server = await startServer({
      authority,
      clientCertificate: 'optional',
      tls: { minVersion: tls, maxVersion: tls, sigalgs: 'RSA-PSS+SHA256:RSA+SHA256' },
      certificate: rsa,
    });
    const refused = {
      code: 'ERR_CLIENTCERT_NOT_REQUESTED',
      message: expect.stringContaining('takes no signature that the key of "alice" can make'),
    };
    await using strict = await load(server.port, { required: true });
    await using trusting = await load(server.port, {
      required: true,
      dangerouslyAcceptAnyServer: 'and-present-certificate',
    });
    trusting.on('warning', () => {});
    for (const credentials of [strict, trusting]) {
      await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject(refused);
    }
    const client = connect({ ...strict.connectOptions(server.url), host: '127.0.0.1', port: server.port });
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const failure = await new Promise((resolve) => client.once('error', resolve));
    expect(failure).toMatchObject(refused);
    expect(server.requests).toEqual([]);
  });

  it('required: a server that asks is served, fresh and resumed', async () => {
    await using server = await startServer({ authority, tls });
    await using credentials = await load(server.port, { required: true });
    const agent = credentials.agent({ keepAlive: false });
    await get(server.url, { agent });
    await get(server.url, { agent });
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true]);
  });

  it('required: what connects with connectOptions refuses as well, before it has written anything', async () => {
    await using silent = await startServer({ authority, tls, clientCertificate: 'none' });
    await using asking = await startServer({ authority, tls });
    await using strict = await load(silent.port, { required: true });
    await using served = await load(asking.port, { required: true });
    const over = (port: number, options: object, socket?: Duplex) =>
      new Promise<string>((resolve) => {
        const client = connect({ ...options, host: '127.0.0.1', port, ...(socket && { socket }) });
        client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
        client.once('data', (chunk) => resolve(`${chunk}`.slice(9, 12)));
        client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
        client.once('close', () => resolve('closed'));
      });
    const toSilent = strict.connectOptions(silent.url);
    const toAsking = served.connectOptions(asking.url);
    expect(await over(silent.port, toSilent)).toBe('ERR_CLIENTCERT_NOT_REQUESTED');
    expect(await over(silent.port, toSilent, through(silent.port))).toBe('ERR_CLIENTCERT_NOT_REQUESTED');
    expect(await over(asking.port, toAsking)).toBe('200');
    expect(await over(asking.port, toAsking, through(asking.port))).toBe('200');
    expect(silent.requests).toHaveLength(0);
  });

  it('spki: a server with another key is refused before it has seen a request, one with the key is served', async () => {
    await using server = await startServer({ authority, tls });
    await using wrong = await load(server.port, { spki: [pinOf(alice.cert), pinOf(authority.certificate)] });
    const failure = await get(server.url, { agent: wrong.agent() }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'ERR_CLIENTCERT_SERVER_KEY_MISMATCH' });
    expect(server.requests).toHaveLength(0);

    const seen = /sha256\/[A-Za-z0-9+/=]+/.exec(failure.message)?.[0];
    await using right = await load(server.port, { spki: [pinOf(alice.cert), seen] });
    const agent = right.agent({ keepAlive: false });
    await get(server.url, { agent });
    await get(server.url, { agent });
    expect(server.requests).toHaveLength(2);
  });

  it('spki: a key that a server has only as PEM in the name of its certificate is not its key', async () => {
    const name = `\n${alice.cert}`;
    const certificate = await authority.issue({ name, hosts: ['127.0.0.1'], usage: 'server' });
    await using server = await startServer({ authority, certificate, tls });
    await using credentials = await load(server.port, { spki: [pinOf(alice.cert), pinOf(rsa.cert)] });
    await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_SERVER_KEY_MISMATCH',
    });
    expect(server.requests).toHaveLength(0);
  });

  it('an address that a server has only as PEM in the name of its certificate is not its own', async () => {
    const { cert } = await createSelfSigned({ name: 'localhost', hosts: ['::1'] });
    const certificate = await authority.issue({ name: `\n${cert}`, hosts: ['other.example'] });
    await using server = await startServer({ authority, certificate, tls, host: '::1' });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { [`[::1]:${server.port}`]: 'alice' },
    });
    await expect(get(`https://[::1]:${server.port}`, { agent: credentials.agent() })).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    });
    expect(server.requests).toHaveLength(0);
  });
});

const pinOf = (pem: string) =>
  `sha256/${createHash('sha256')
    .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64')}`;

/** A stream that is no socket, as some clients hand it to `tls.connect`. */
function through(port: number): Duplex {
  const socket = connectTcp(port, '127.0.0.1');
  const stream = new Duplex({
    read: () => {},
    write: (chunk, _encoding, done) => void socket.write(chunk, done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (chunk) => stream.push(chunk)).on('end', () => stream.push(null));
  socket.on('error', () => {});
  return stream;
}

it('required below TLS 1.2: refused, for it cannot be known whether the server asked', async () => {
  const tls = { minVersion: 'TLSv1' as const, ciphers: 'DEFAULT:@SECLEVEL=0' };
  await using server = await startServer({ authority, tls });
  const old = { min: 'TLSv1', max: 'TLSv1.1', legacy: true };
  await using credentials = await load(server.port, { tls: old, required: true });
  await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject({
    code: 'ERR_CLIENTCERT_NOT_REQUESTED',
    message: expect.stringContaining('Node does not tell whether 127.0.0.1:'),
    hint: expect.stringContaining('TLS 1.2'),
  });
  expect(server.requests).toEqual([]);
});

it('required of a service: a host for which nobody names a certificate is not asked without one', async () => {
  await using server = await startServer({ authority, clientCertificate: 'optional' });
  const place = `127.0.0.1:${server.port}`;
  await using credentials = await loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { '127.0.0.1:1': 'alice' },
    services: { pay: { required: true, ca: authority.certificate, hosts: [place] } },
  });
  const error = {
    code: 'ERR_CLIENTCERT_CONFIG_INVALID',
    message: expect.stringMatching(/^services\["pay"\]/),
  };
  const target = { host: '127.0.0.1', port: server.port, service: 'pay' } as const;
  await expect(get(server.url, { agent: credentials.agent({ service: 'pay' }) })).rejects.toMatchObject(
    error,
  );
  expect(() => credentials.connectOptions(target)).toThrow(expect.objectContaining(error));
  expect(`${credentials.explain(target)}`).toContain('Requests fail');
  expect(server.requests).toHaveLength(0);
});

it('required of a service without hosts: a host that is never presented a certificate is not asked without one', async () => {
  await using server = await startServer({ authority, clientCertificate: 'optional' });
  const ca = authority.certificate;
  await using credentials = await loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { '127.0.0.1': { certificate: false, ca } },
    services: { pay: { certificate: 'alice', required: true }, ask: 'alice' },
  });
  const error = {
    code: 'ERR_CLIENTCERT_CONFIG_INVALID',
    message: expect.stringMatching(/^hosts\["127\.0\.0\.1"\]/),
  };
  const as = (service: 'pay' | 'ask', origin: string) => ({
    agent: credentials.agent({ service, origin, keepAlive: false }),
  });
  const target = { host: '127.0.0.1', port: server.port, service: 'pay' } as const;
  await expect(get(server.url, as('pay', server.url))).rejects.toMatchObject(error);
  expect(() => credentials.connectOptions(target)).toThrow(expect.objectContaining(error));
  expect(`${credentials.explain(target)}`).toContain('Requests fail');
  expect(server.requests).toHaveLength(0);
  await get(server.url, as('ask', server.url));
  // Where a redirect leads, the service is not meant.
  await get(server.url, as('pay', 'https://elsewhere.example'));
  expect(subjects(server)).toEqual([null, null]);
});

describe('attack: rules that are weakened', () => {
  let processes: Processes;
  beforeAll(async () => {
    processes = await buildProcesses();
  });
  afterAll(() => processes.close());

  it.each(['TLSv1.2', 'TLSv1.3'])(
    'required over HTTP/2: a server that does not ask, verified or not, costs the call and not the process (%s)',
    async (tls) => {
      const { status, stdout, stderr } = await processes.run(
        `
        import http2 from 'node:http2';
        import { adapterOf } from './adapter.mjs';
        const authority = await testing.createAuthority();
        const alice = await authority.issue({ name: 'alice' });
        const versions = { minVersion: '${tls}', maxVersion: '${tls}' };
        const server = await testing.startServer({ authority, clientCertificate: 'none', http2: true, tls: versions });
        const { host } = new URL(server.url);
        for (const any of [false, true]) {
          const rule = { certificate: 'alice', required: true, ...(any && { dangerouslyAcceptAnyServer: 'and-present-certificate' }) };
          const credentials = await core.loadCredentials({
            certificates: { alice: { cert: alice.cert, key: alice.key, ca: authority.certificate } },
            hosts: { [host]: rule },
          });
          credentials.on('warning', () => {});
          const ways = [
            () => adapterOf(credentials).connect({ host: '127.0.0.1', port: server.port, ALPNProtocols: ['h2'] }),
            ...(any ? [] : [() => tls.connect({ ...credentials.connectOptions(server.url), host: '127.0.0.1', port: server.port, ALPNProtocols: ['h2'] })]),
          ];
          for (const createConnection of ways) {
            const error = await new Promise((resolve) => {
              const session = http2.connect(server.url, { createConnection });
              const stream = session.request({ ':path': '/secret' });
              session.on('error', resolve);
              stream.on('error', () => {});
              stream.on('response', () => resolve({ code: 'answered' }));
            });
            console.log(error.code);
          }
        }
        console.log(server.requests.length);
        process.exit();
      `.replace('import http2', "import tls from 'node:tls';\nimport http2"),
      );
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(stdout.trim().split('\n')).toEqual([...Array(3).fill('ERR_CLIENTCERT_NOT_REQUESTED'), '0']);
    },
  );

  it.each([
    ['TLSv1.2', "['h2']"],
    ['TLSv1.3', "['h2']"],
    ['TLSv1.3', "['h2', 'http/1.1']"],
    ['TLSv1.3', "Buffer.from('\\x02h2')"],
    ['TLSv1.3', 'undefined'],
  ])('nor does one that need not be verified, and knows no HTTP/2 (%s, offered %s)', async (tls, offered) => {
    const { status, stdout, stderr } = await processes.run(
      `
        import http2 from 'node:http2';
        import tls from 'node:tls';
        import { once } from 'node:events';
        import { adapterOf } from './adapter.mjs';
        const authority = await testing.createAuthority();
        const { cert, key } = await authority.issue({ name: 'alice' });
        const versions = { minVersion: '${tls}', maxVersion: '${tls}' };
        let received = '';
        const server = tls.createServer({ cert, key, ...versions }, (socket) => {
          socket.on('data', (chunk) => (received += chunk)).on('error', () => {});
        });
        server.on('connection', (socket) => socket.on('close', () => {
          console.log(received.includes('secret'));
          process.exit();
        }));
        await once(server.listen(0, '127.0.0.1'), 'listening');
        const { port } = server.address();
        const rule = { certificate: 'alice', required: true, dangerouslyAcceptAnyServer: 'and-present-certificate' };
        const credentials = await core.loadCredentials({
          certificates: { alice: { cert, key } },
          hosts: { ['127.0.0.1:' + port]: rule },
        });
        credentials.on('warning', () => {});
        const createConnection = () => adapterOf(credentials).connect({ host: '127.0.0.1', port, ALPNProtocols: ${offered} });
        const session = http2.connect('https://127.0.0.1:' + port, { createConnection });
        session.on('error', (error) => console.log(error.code));
        session.request({ ':path': '/secret' }).on('error', () => {}).end();
      `,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trim().split('\n')).toEqual(['ERR_CLIENTCERT_NOT_REQUESTED', 'false']);
  });

  it.each([
    ['connect', 'write'],
    ['secureConnect', 'write'],
    ['secureConnect', 'end'],
  ] as const)('and sees nothing of what is written at %s (%s)', async (moment, write) => {
    let received = '';
    const { cert, key } = await authority.issue({ name: 'quiet', hosts: ['127.0.0.1'] });
    const server = createServer({ cert, key }, (socket) => {
      socket.on('data', (chunk) => {
        received += chunk;
      });
      socket.on('error', () => {});
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: {
        [`127.0.0.1:${port}`]: {
          certificate: 'alice',
          required: true,
          dangerouslyAcceptAnyServer: 'and-present-certificate',
        },
      },
    });
    const seen = once(server, 'connection');
    const socket = adapterOf(credentials).connect({ host: '127.0.0.1', port });
    socket.once(moment, () => socket[write]('secret'));
    const [accepted] = (await seen) as [Socket];
    await expect(once(socket, 'end')).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_NOT_REQUESTED' });
    if (!accepted.closed) await once(accepted, 'close');
    server.close();
    expect(received).toBe('');
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'and its session is not resumed when it has begun to ask, by which it would be refused for good (%s)',
    async (tls) => {
      await using server = await startServer({ authority, tls, clientCertificate: 'none' });
      const any = { dangerouslyAcceptAnyServer: 'and-present-certificate' };
      await using credentials = await load(server.port, { required: true, ...any });
      credentials.on('warning', () => {});
      const agent = credentials.agent();
      await expect(get(server.url, { agent })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_NOT_REQUESTED',
      });
      Object.assign(server.servers[0]!, { requestCert: true });
      await get(server.url, { agent });
      expect(subjects(server)).toEqual(['alice']);
    },
  );

  it('required of an https proxy: one that does not ask is refused, before it is asked for a tunnel', async () => {
    await using proxy = await startProxy({ authority, tls: true });
    await using server = await startServer({ authority });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: {
        [`127.0.0.1:${server.port}`]: 'alice',
        [`127.0.0.1:${proxy.port}`]: { certificate: 'alice', required: true },
      },
    });
    const failure = await get(server.url, { agent: credentials.agent({ proxy: proxy.url }) }).catch((e) => e);
    expect(failure).toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_FAILED',
      cause: { code: 'ERR_CLIENTCERT_NOT_REQUESTED' },
    });
    expect([proxy.connects.length, server.connections]).toEqual([0, 0]);
  });
});
