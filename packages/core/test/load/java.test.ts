import { describe, expect, it } from 'vitest';
import { inspectFile, readCertificate } from '../../src/load/index.ts';
import { bytesOf, fixture } from './manifest.ts';
import { codeOf, passphrase } from './material.ts';

describe('Java stores', () => {
  it.for(['extra/multi.jks', 'extra/multi.p12'])(
    '%s: by alias, without case, as Java compares them',
    async (name) => {
      for (const [alias, subject] of [
        ['one', 'CN=rsa'],
        ['ONE', 'CN=rsa'],
        ['two', 'CN=ec'],
      ] as const) {
        const found = await readCertificate({ pfx: fixture(name), passphrase, alias });
        expect(found.certificate.subject).toContain(subject);
        expect(found.chain).toHaveLength(1);
        expect(found.warnings).toEqual([]);
      }
      expect(await codeOf(readCertificate({ pfx: fixture(name), passphrase }))).toBe('IDENTITY_AMBIGUOUS');
    },
  );

  it('JCEKS with secret keys beside the private key', async () => {
    const found = await readCertificate({ pfx: fixture('extra/secret-beside.jceks'), passphrase });
    expect(found.certificate.subject).toContain('CN=rsa');
    expect(found.format.container).toBe('JCEKS');
  });

  it('a key passphrase of its own', async () => {
    const keypass = { pfx: fixture('jks/keypass.jks'), passphrase: 'changeit' };
    expect(await codeOf(readCertificate(keypass))).toBe('PASSPHRASE_MISSING');
    expect(await codeOf(readCertificate({ ...keypass, keyPassphrase: 'no' }))).toBe('PASSPHRASE_WRONG');
    expect(await codeOf(readCertificate({ ...keypass, keyPassphrase: 'keypass2' }))).toBe('none');
    const jceks = { pfx: fixture('extra/keypass.jceks'), passphrase, keyPassphrase: 'other12' };
    expect(await codeOf(readCertificate(jceks))).toBe('none');
  });

  it('no passphrase, wrong passphrase, changed file', async () => {
    const store = bytesOf('jks/rsa.jks');
    expect(await codeOf(readCertificate({ pfx: store }))).toBe('PASSPHRASE_MISSING');
    expect(await codeOf(readCertificate({ pfx: store, passphrase: 'nope' }))).toBe('PASSPHRASE_WRONG');
    const changed = Buffer.from(store);
    changed[changed.length - 1]! ^= 1;
    expect(await codeOf(readCertificate({ pfx: changed, passphrase: 'changeit' }))).toBe('FILE_CORRUPT');
    expect(await codeOf(readCertificate({ pfx: store.subarray(0, 900), passphrase: 'changeit' }))).toBe(
      'FILE_CORRUPT',
    );
  });

  it('certificates are readable without a passphrase', async () => {
    const { certificates, keys } = await inspectFile(fixture('extra/trust.jks'));
    expect([certificates.length, keys.length]).toEqual([1, 0]);
    expect(certificates[0]!.alias).toBe('root');
  });
});
