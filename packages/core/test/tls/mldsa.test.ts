import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
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

/** One whose public half begins as a list of DER does: so does one of 256. */
function likeList(): KeyObject {
  const seed = Buffer.alloc(32);
  seed.writeUInt32BE(38);
  const ofMlDsa44 = Buffer.from('3034020100300b060960864801650304031104228020', 'hex');
  return createPrivateKey({ key: Buffer.concat([ofMlDsa44, seed]), format: 'der', type: 'pkcs8' });
}

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

  it('is presented also where the key begins as a list does', async () => {
    const alice = await authority.issue({ name: 'alice', key: likeList() });
    await using server = await startServer({ authority });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { '127.0.0.1:*': 'alice' },
    });
    await get(server.url, { agent: credentials.agent() });
    expect(subjects(server)).toEqual(['alice']);
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

it('a root with a key that begins as a list does is trusted as any other, on every Node', async () => {
  const authority = await createAuthority();
  const alice = await authority.issue({ name: 'alice' });
  await using server = await startServer({ authority });
  const [, text = ''] =
    /-----BEGIN CERTIFICATE-----([^-]*)/.exec(String(bytesOf('cases/ml-dsa-44.pem'))) ?? [];
  const root = Buffer.from(text, 'base64');
  // After the object identifier of ML-DSA-44, and the head of the BIT STRING.
  root.set([0x30, 0x3a, 0x08, 0x98], root.indexOf('0382052100', 'hex') + 5);
  const foreign = `-----BEGIN CERTIFICATE-----\n${root.toString('base64')}\n-----END CERTIFICATE-----\n`;
  await using credentials = await loadCredentials({
    certificates: { alice: { ...sourceOf(alice, authority), ca: [authority.certificate, foreign] } },
    hosts: { '127.0.0.1:*': 'alice' },
  });
  await get(server.url, { agent: credentials.agent() });
  expect(subjects(server)).toEqual(['alice']);
});
