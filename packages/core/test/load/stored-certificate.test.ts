import { createHash, createPublicKey, sign, verify } from 'node:crypto';
import { inspect } from 'node:util';
import { createAuthority } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { readCertificate } from '../../src/load/index.ts';
import { copyOf, StoredCertificate } from '../../src/load/stored-certificate.ts';

const authority = await createAuthority({ intermediates: 1 });

async function read(name: string, keyType: 'ec' | 'rsa' | 'ed25519' = 'ec') {
  const { fullChain, key } = await authority.issue({ name, keyType });
  return readCertificate({
    cert: Buffer.from(fullChain),
    key: Buffer.from(key),
    ca: Buffer.from(authority.certificate),
  });
}

it('is the one that was read, and none that stands as PEM in its name', async () => {
  const { cert } = await authority.issue({ name: 'other' });
  const given = await read(`\n${cert}`);
  const { certificate } = new StoredCertificate(given);
  for (const each of [given.certificate, certificate, copyOf(certificate)])
    expect(each.checkPrivateKey(given.privateKey)).toBe(true);
});

it.each(['ec', 'rsa', 'ed25519'] as const)(
  'is the certificate and the key that were read: %s',
  async (type) => {
    const given = await read('alice', type);
    const stored = new StoredCertificate(given);
    expect(stored.certificate.raw.equals(given.certificate.raw)).toBe(true);
    expect(stored.privateKey.equals(given.privateKey)).toBe(true);
    expect({ key: stored.keyPem(), cert: stored.certPem }).toEqual({
      key: given.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      cert: [given.certificate, ...given.chain].join(''),
    });
    const { keyType, warnings, format } = given;
    expect(stored).toMatchObject({ keyType, warnings, format });
    for (const part of ['chain', 'ca'] as const) {
      expect(given[part].length).toBeGreaterThan(0);
      expect(stored[part].map(({ raw }) => raw)).toEqual(given[part].map(({ raw }) => raw));
    }
    const message = Buffer.from('signed');
    const hash = type === 'ed25519' ? null : 'sha256';
    const signature = sign(hash, message, stored.privateKey);
    expect(
      verify(
        hash,
        message,
        createPublicKey(given.certificate.publicKey.export({ type: 'spki', format: 'pem' })),
        signature,
      ),
    ).toBe(true);
  },
);

it('hands out one key and one leaf while somebody holds them', async () => {
  const stored = new StoredCertificate(await read('alice'));
  const { privateKey, certificate } = stored;
  expect(stored.privateKey).toBe(privateKey);
  expect(stored.certificate).toBe(certificate);
});

it('keeps an authority once for all that hold it', async () => {
  const [alice, bob] = [new StoredCertificate(await read('alice')), new StoredCertificate(await read('bob'))];
  expect(alice.chain[0]).toBe(bob.chain[0]);
  expect(alice.ca[0]).toBe(bob.ca[0]);
  const shown = () => createHash('sha256').update(bob.chain[0]!.toString()).digest('hex');
  const before = shown();
  expect(() => Object.assign(alice.chain[0]!, { toString: () => 'another' })).toThrow(TypeError);
  expect(shown()).toBe(before);
});

it('shows no key', async () => {
  const given = await read('alice');
  const stored = new StoredCertificate(given);
  const bytes = given.privateKey.export({ type: 'pkcs8', format: 'der' });
  const shown = inspect(stored, { showHidden: true, depth: 10, getters: false }) + JSON.stringify(stored);
  for (const encoding of ['hex', 'base64', 'latin1'] as const) {
    expect(shown).not.toContain(bytes.subarray(36, 60).toString(encoding));
  }
});
