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
    const { keyType } = await readCertificate({ ...keypass, keyPassphrase: 'keypass2' });
    const inspection = await inspectFile(fixture('jks/keypass.jks'), {
      passphrase: 'changeit',
      keyPassphrase: 'keypass2',
    });
    const kinds = [...inspection.keys, ...inspection.certificates].map((each) => each.keyType);
    expect([keyType, ...kinds].slice(0, 3)).toEqual(['rsa 2048', 'rsa 2048', 'rsa 2048']);
    const jceks = { pfx: fixture('extra/keypass.jceks'), passphrase, keyPassphrase: 'other12' };
    expect(await codeOf(readCertificate(jceks))).toBe('none');
  });

  it.each([
    ['jks/keypass.jks', {}, { what: 'file' }],
    ['jks/keypass.jks', { passphrase: 'nope' }, { what: 'file' }],
    ['jks/keypass.jks', { passphrase: 'changeit' }, { what: 'key', alias: 'rsa2048' }],
    ['jks/keypass.jks', { passphrase: 'changeit', keyPassphrase: 'no' }, { what: 'key', alias: 'rsa2048' }],
    ['pfx/ed448-3des.p12', {}, { what: 'file' }],
    ['pfx/ed448-3des.p12', { passphrase: 'nope' }, { what: 'file' }],
  ] as const)('%s with %o: the error says whose passphrase it is', async (name, given, passphraseOf) => {
    for (const read of [readCertificate, inspectSource, readNamed])
      await expect(read({ pfx: fixture(name), ...given })).rejects.toMatchObject({ passphraseOf });
  });

  it('the error says that the passphrase is a truststore’s', async () => {
    const ca = { file: fixture('jks/rsa.jks'), passphrase: 'nope' };
    const source = { pfx: fixture('jks/keypass.jks'), passphrase: 'changeit', keyPassphrase: 'keypass2', ca };
    await expect(readCertificate(source)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PASSPHRASE_WRONG',
      passphraseOf: { what: 'truststore' },
    });
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

const inspectSource = ({ pfx, ...given }: { pfx: string; passphrase?: string; keyPassphrase?: string }) =>
  inspectFile(pfx, given);
const readNamed: typeof inspectSource = ({ pfx, ...given }) =>
  readCertificate({ cert: pfx, ...given }, { name: 'bank' }) as never;
