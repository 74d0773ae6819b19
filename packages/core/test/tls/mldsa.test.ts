import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type Authority, createAuthority, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Handshake, loadCredentials } from '../../src/index.ts';
import { bytesOf } from '../load/manifest.ts';
import { get, sourceOf, subjects } from '../support.ts';

/** The types of older Nodes do not know it; Node 20 cannot, and Node 22 presents such keys and makes none. */
function generate(type: string): KeyObject | undefined {
  try {
    return (generateKeyPairSync as unknown as (type: string) => { privateKey: KeyObject })(type).privateKey;
  } catch {
    return undefined;
  }
}

const key = generate('ml-dsa-65');

describe.skipIf(!key)('a certificate for an ML-DSA key', () => {
  let authority: Authority;
  beforeAll(async () => {
    authority = await createAuthority();
  });

  it('is presented, and everything says so', async () => {
    const alice = await authority.issue({ name: 'alice', key: key! });
    await using server = await startServer({ authority });
    await using narrow = await startServer({
      authority,
      clientCertificate: 'optional',
      tls: { sigalgs: 'ECDSA+SHA256:RSA-PSS+SHA256' },
    });
    await using old = await startServer({ authority, tls: 'TLSv1.2', clientCertificate: 'optional' });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { '127.0.0.1:*': 'alice' },
    });
    const seen: Handshake[] = [];
    credentials.on('handshake', (handshake) => seen.push(handshake));
    const agent = credentials.agent();
    for (const { url } of [server, narrow, old]) await get(url, { agent });
    expect([server, narrow, old].flatMap(subjects)).toEqual(['alice', null, null]);
    expect(seen.map(({ presented }) => presented?.name ?? null)).toEqual(['alice', null, null]);
    expect(credentials.certificates()).toMatchObject([{ keyType: 'ml-dsa-65', warnings: [] }]);
  });

  it.each([true, false])('ends its probation with the first server that accepts it: %s', async (accepts) => {
    const [first, second] = await Promise.all([
      authority.issue({ name: 'alice' }),
      authority.issue({ name: 'alice', key: key! }),
    ]);
    await using server = await startServer({ authority });
    const tls = { sigalgs: 'ECDSA+SHA256', minVersion: 'TLSv1.3' } as const;
    await using refusing = await startServer({ authority, tls });
    let current = first;
    await using credentials = await loadCredentials({
      certificates: { alice: () => sourceOf(current, authority) },
      hosts: { '127.0.0.1:*': 'alice' },
      rollback: true,
    });
    credentials.on('error', () => {});
    current = second;
    await credentials.reload();
    const agent = credentials.agent();
    if (accepts) await get(server.url, { agent });
    const failed = new Promise((resolve) => credentials.on('failure', resolve));
    await expect(get(refusing.url, { agent })).rejects.toThrow();
    await failed;
    expect(credentials.certificates()[0]?.keyType).toBe(accepts ? 'ml-dsa-65' : 'ec prime256v1');
  });
});

it('a key of a file is presented by a Node that makes none, and a Node that cannot says which can', async () => {
  const authority = await createAuthority();
  await using server = await startServer({ authority, clientCertificate: 'optional' });
  const loading = loadCredentials({
    certificates: { ours: { cert: bytesOf('cases/ml-dsa-44.pem'), ca: authority.certificate } },
    hosts: { '127.0.0.1:*': 'ours' },
  });
  const [major, minor] = process.versions.openssl.split('.').map(Number) as [number, number];
  if (major === 3 && minor < 5) {
    await expect(loading).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED',
      hint: expect.stringContaining('24.5 or later'),
    });
    return;
  }
  await using credentials = await loading;
  const seen: (string | undefined)[] = [];
  credentials.on('handshake', ({ presented }) => seen.push(presented?.name));
  await get(server.url, { agent: credentials.agent() });
  expect([subjects(server), seen]).toEqual([['post-quantum'], ['ours']]);
  expect(credentials.certificates()).toMatchObject([{ keyType: 'ml-dsa-44', warnings: [] }]);
});
