import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCertificate } from '../../src/index.ts';
import type { CertificateSource, Passphrase } from '../../src/types.ts';

let directory: string;
const files: Record<string, CertificateSource> = {};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-empty-'));
  await writeFile(join(directory, 'empty'), '\n');
  const alice = await (await createAuthority()).issue({ name: 'alice' });
  files.key = { cert: alice.cert, key: alice.encryptedKey('secret') };
  files.modern = { pfx: await alice.pfx('secret') };
  files.old = { pfx: await alice.pfx('secret', { encryption: 'legacy-3des' }) };
});
afterAll(() => rm(directory, { recursive: true }));

describe('an empty passphrase of what is encrypted is missing, not wrong', () => {
  const empty: [string, () => Passphrase, string][] = [
    ['text', () => '', '`passphrase` is empty'],
    ['function', () => () => '', 'what the passphrase function returned is empty'],
    ['file', () => ({ file: join(directory, 'empty') }), 'the passphrase file is empty'],
    ['variable', () => ({ env: 'CLIENTCERT_TEST_EMPTY' }), 'variable CLIENTCERT_TEST_EMPTY is empty'],
  ];
  it.each(empty)('%s', async (_, passphrase, reason) => {
    process.env.CLIENTCERT_TEST_EMPTY = '';
    try {
      for (const source of Object.values(files)) {
        await expect(
          readCertificate({ ...(source as { pfx: Buffer }), passphrase: passphrase() }),
        ).rejects.toMatchObject({
          code: 'ERR_CLIENTCERT_PASSPHRASE_MISSING',
          message: expect.stringContaining(reason),
          passphraseOf: { what: 'file' },
        });
      }
    } finally {
      delete process.env.CLIENTCERT_TEST_EMPTY;
    }
  });

  it('and opens what has an empty one', async () => {
    const alice = await (await createAuthority()).issue({ name: 'alice' });
    const found = await readCertificate({ pfx: await alice.pfx(''), passphrase: '' });
    expect(found.certificate.fingerprint256).toBe(alice.fingerprint256);
  });
});
