import { createServer, type Server } from 'node:net';
import { type Authority, createAuthority, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import type { TlsPin } from '../../src/types.ts';
import { get, sourceOf, subjects } from '../support.ts';

const old = { min: 'TLSv1', legacy: true } as const;
let authority: Authority;

beforeAll(async () => {
  authority = await createAuthority();
});

async function call(port: number, tls: TlsPin | undefined, source?: object) {
  const alice = source ?? sourceOf(await authority.issue({ name: 'alice', keyType: 'rsa' }), authority);
  await using credentials = await loadCredentials({
    certificates: { alice: alice as ReturnType<typeof sourceOf> },
    hosts: { [`127.0.0.1:${port}`]: { certificate: 'alice', tls } },
  });
  const agent = credentials.agent({ keepAlive: false });
  return get(`https://127.0.0.1:${port}`, { agent });
}

describe.each(['TLSv1', 'TLSv1.1'] as const)('a server that speaks %s alone', (version) => {
  const tls = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };

  it('is refused unless the rule says legacy, and then sees the certificate', async () => {
    const certificate = await authority.issue({
      name: 's',
      hosts: ['127.0.0.1'],
      usage: 'server',
      keyType: 'rsa',
    });
    await using server = await startServer({ authority, tls, certificate });
    await expect(call(server.port, undefined)).rejects.toThrow();
    expect(server.requests).toHaveLength(0);
    await call(server.port, old);
    expect(server.requests[0]).toMatchObject({
      protocol: version,
      clientCertificate: { commonName: 'alice' },
    });
  });
});

it('an exact pin and a range are what the server sees, and touch no other host of the process', async () => {
  await using server = await startServer({ authority, listeners: [{}, {}, {}] });
  const alice = await authority.issue({ name: 'alice' });
  await using credentials = await loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: {
      [`127.0.0.1:${server.ports[0]}`]: { certificate: 'alice', tls: 'TLSv1.2' },
      [`127.0.0.1:${server.ports[1]}`]: {
        certificate: 'alice',
        tls: { min: 'TLSv1', max: 'TLSv1.2', legacy: true },
      },
      [`127.0.0.1:${server.ports[2]}`]: 'alice',
    },
  });
  const agent = credentials.agent();
  for (const url of server.urls) await get(url, { agent });
  expect(server.requests.map(({ protocol }) => protocol)).toEqual(['TLSv1.2', 'TLSv1.2', 'TLSv1.3']);
});

describe('cryptography that OpenSSL 3 refuses, with legacy', () => {
  it('a certificate that is signed with SHA-1', async () => {
    const weak = await authority.issue({ name: 'sha1', keyType: 'rsa', hash: 'sha1' });
    await using server = await startServer({ authority, tls: { ciphers: 'DEFAULT@SECLEVEL=0' } });
    await call(server.port, { legacy: true }, sourceOf(weak, authority));
    expect(subjects(server)).toEqual(['sha1']);
  });

  it('a key of 1,024 bits; without legacy, where this Node refuses it, the error names the certificate', async () => {
    const weak = await authority.issue({ name: 'small', keyType: { rsa: 1024 } });
    await using server = await startServer({ authority, tls: { ciphers: 'DEFAULT@SECLEVEL=0' } });
    await call(server.port, { legacy: true }, sourceOf(weak, authority));
    expect(subjects(server)).toEqual(['small']);
    const refusal = await call(server.port, undefined, sourceOf(weak, authority)).catch((error) => error);
    const refuses = Number(process.versions.node.split('.')[0]) >= 24;
    if (refuses)
      expect(refusal).toMatchObject({
        code: 'ERR_CLIENTCERT_CERTIFICATE_REFUSED',
        message: expect.stringContaining('certificate "alice"'),
      });
    else expect(refusal).toMatchObject({ status: 200 });
  });

  it('a server without RFC 5746 passes the check that stops it otherwise', async () => {
    const server = await serveWithoutRenegotiationInfo();
    const { port } = server.address() as { port: number };
    // Reason 338, SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, as OpenSSL writes it into every message.
    const refusal = /:0A000152:/;
    const message = (tls: TlsPin) => call(port, tls).catch((error) => error.message);
    expect(await message({ min: 'TLSv1.2' })).toMatch(refusal);
    expect(await message({ legacy: true })).not.toMatch(refusal);
    server.close();
  });
});

/** Answers any ClientHello with a TLS 1.2 ServerHello that has no extensions, and closes. */
async function serveWithoutRenegotiationInfo(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const hello = Buffer.concat([
        Buffer.from('0303', 'hex'),
        Buffer.alloc(32, 7),
        Buffer.from('00c02f00', 'hex'),
      ]);
      const handshake = Buffer.concat([Buffer.from([2, 0, 0, hello.length]), hello]);
      socket.end(Buffer.concat([Buffer.from([22, 3, 3, 0, handshake.length]), handshake]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
