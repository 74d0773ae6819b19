import { describe, expect, it } from 'vitest';
import { readCertificate } from '../../src/load/index.ts';
import { bytesOf, fixture } from './manifest.ts';
import { codeOf, leaf, passphrase } from './material.ts';

describe('files with hundreds of thousands of rounds', () => {
  it('empty and absent are told apart, and both are tried', async () => {
    for (const name of ['pfx/empty-aes.p12', 'pfx/null-aes-256.p12', 'pfx/emptyct-3des-pkcs12.p12'])
      for (const text of ['', undefined]) {
        const found = await readCertificate({ pfx: fixture(name), passphrase: text });
        expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
      }
  }, 60_000);

  it('a changed file is corrupt where the passphrase opens any part of it', async () => {
    for (const name of [
      'pfx/aes128-sha256.p12',
      'pfx/windows-3des.pfx',
      'pfx/legacy-rc2-3des.p12',
      'pfx/nss-rc2-ec.p12',
    ]) {
      const original = bytesOf(name);
      for (const part of [0.2, 0.4, 0.6, 0.8]) {
        const file = Buffer.from(original);
        file[Math.floor(file.length * part)]! ^= 0x10;
        expect([name, part, await codeOf(readCertificate({ pfx: file, passphrase }))]).toEqual([
          name,
          part,
          'FILE_CORRUPT',
        ]);
      }
    }
  });
});
