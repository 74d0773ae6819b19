import { describe, expect, it } from 'vitest';
import { inspectFile, readCertificate } from '../../src/load/index.ts';
import { bytesOf, fixture } from './manifest.ts';
import { chain, codeOf, ecKey, ecLeaf, leaf, passphrase, pkcs8, rsaKey } from './material.ts';
import {
  bag,
  certificateBag,
  encryptAes,
  encryptedSafe,
  encryptScrypt,
  integer,
  keyBag,
  macData,
  octets,
  oid,
  pbes2,
  pbes2Scrypt,
  pbmac1,
  pfx,
  safe,
  sequence,
  shroudedBag,
  toBer,
} from './write.ts';

const key = pkcs8(rsaKey);
const certificates = chain.slice(0, 3).map(({ raw }) => certificateBag(raw));
const encrypted = (rounds = 100, text = passphrase): Buffer =>
  encryptedSafe(pbes2(rounds), encryptAes(sequence(...certificates), text, rounds));
const shrouded = (rounds = 100, text: string | Buffer = passphrase): Buffer =>
  shroudedBag(sequence(pbes2(rounds), octets(encryptAes(key, text, rounds))));

async function expectLeaf(file: Buffer, text: string | undefined = passphrase): Promise<string[]> {
  const found = await readCertificate({ pfx: file, passphrase: text });
  expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
  expect(found.certificate.checkPrivateKey(found.privateKey)).toBe(true);
  expect(found.chain).toHaveLength(2);
  return found.warnings.map(({ code }) => code);
}

describe('PKCS#12', () => {
  it('PBMAC1 (RFC 9579), which Node 20 refuses', async () => {
    const file = pfx([encrypted(), safe(shrouded())], pbmac1(passphrase));
    await expectLeaf(file);
    expect(await codeOf(readCertificate({ pfx: file, passphrase: 'other' }))).toBe('PASSPHRASE_WRONG');
    const unicode = pfx(
      [encrypted(100, 'pässwörd€🔑'), safe(shrouded(100, 'pässwörd€🔑'))],
      pbmac1('pässwörd€🔑'),
    );
    await expectLeaf(unicode, 'pässwörd€🔑');
  });

  it('no MAC, encrypted ("mac absent" on Node 20)', async () => {
    const file = pfx([encrypted(), safe(shrouded())]);
    await expectLeaf(file);
    expect(await codeOf(readCertificate({ pfx: file, passphrase: 'other' }))).toBe('PASSPHRASE_WRONG');
    expect(await codeOf(readCertificate({ pfx: file }))).toBe('PASSPHRASE_MISSING');
  });

  it('plain bags without a MAC, and a passphrase that nothing needs', async () => {
    const file = pfx([safe(...certificates, keyBag(key))]);
    const { warnings } = await readCertificate({ pfx: file });
    expect(warnings).toEqual([]);
    expect(await expectLeaf(file)).toEqual(['PASSPHRASE_UNUSED']);
  });

  it('scrypt', async () => {
    const ciphertext = encryptScrypt(key, passphrase, 1024, 8, 1);
    const file = pfx([
      safe(...certificates, shroudedBag(sequence(pbes2Scrypt(1024, 8, 1), octets(ciphertext)))),
    ]);
    await expectLeaf(file);
  });

  it.for([
    ['sha1', '1.2.840.113549.2.7'],
    ['sha224', '1.2.840.113549.2.8'],
    ['sha384', '1.2.840.113549.2.10'],
    ['sha512', '1.2.840.113549.2.11'],
    ['sha512-256', '1.2.840.113549.2.13'],
    ['md5', '1.2.840.113549.2.6'],
    ['sha3-256', '2.16.840.1.101.3.4.2.14'],
  ] as const)('PBKDF2 with HMAC-%s', async ([hash, prf]) => {
    const ciphertext = encryptAes(key, passphrase, 10, hash);
    await expectLeaf(pfx([safe(...certificates, shroudedBag(sequence(pbes2(10, prf), octets(ciphertext))))]));
  });

  it('BER of indefinite length with chunked strings (NSS, old Java)', async () => {
    await expectLeaf(toBer(pfx([encrypted(), safe(shrouded())]), 5));
  });

  it('several safe contents, secret and CRL bags beside the key, nested safe contents', async () => {
    const secret = bag(5, sequence(oid('1.2.840.113549.1.9.22.1'), integer(5)));
    const crl = bag(4, sequence(oid('1.2.840.113549.1.9.23.1'), integer(5)));
    const nested = bag(6, sequence(certificates[1]!, crl, bag(6, sequence(certificates[2]!))));
    await expectLeaf(pfx([safe(secret), safe(certificates[0]!, crl), safe(nested), safe(shrouded())]));
  });

  it("a key whose passphrase differs from the file's", async () => {
    const file = pfx([encrypted(), safe(shrouded(100, 'key'))], pbmac1(passphrase));
    const found = await readCertificate({ pfx: file, passphrase, keyPassphrase: 'key' });
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
    await expect(readCertificate({ pfx: file, passphrase })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PASSPHRASE_WRONG',
      passphraseOf: { what: 'key' },
    });
  });

  it('an RSA-PSS key keeps its type (node-forge reads it as plain RSA)', async () => {
    const { keys } = await inspectFile(fixture('pfx/ed448-3des.p12'), { passphrase });
    expect(keys[0]?.privateKey.asymmetricKeyType).toBe('ed448');
  });
});

describe('passphrases of PKCS#12', () => {
  it.for(['pässwörd', 'пароль', '日本語', '🔑🔑', 'ﬁ'])('%s, in UTF-8', async (text) => {
    await expectLeaf(pfx([encrypted(50, text), safe(shrouded(50, text))]), text);
  });

  it('Latin-1 bytes as the second try', async () => {
    const file = pfx([safe(...certificates, shrouded(50, Buffer.from('pässwörd', 'latin1')))]);
    await expectLeaf(file, 'pässwörd');
  });

  it('missing is told from wrong', async () => {
    const file = bytesOf('pfx/aes128-sha256.p12');
    expect(await codeOf(readCertificate({ pfx: file }))).toBe('PASSPHRASE_MISSING');
    expect(await codeOf(readCertificate({ pfx: file, passphrase: '' }))).toBe('PASSPHRASE_MISSING');
    expect(await codeOf(readCertificate({ pfx: file, passphrase: 'passw0rd!' }))).toBe('PASSPHRASE_WRONG');
  });

  it('one newline too many is told in the hint, without the passphrase', async () => {
    const error = await readCertificate({
      pfx: bytesOf('pfx/aes128-sha256.p12'),
      passphrase: `${passphrase}\n`,
    }).catch((thrown) => thrown);
    expect(error.hint).toMatch(/newline/);
    expect(JSON.stringify([error.message, error.hint])).not.toContain(passphrase);
  });
});

describe('corrupt is not wrong', () => {
  it('a changed MAC is corrupt', async () => {
    const file = pfx([encrypted(), safe(shrouded())], macData(10));
    expect(await codeOf(readCertificate({ pfx: file, passphrase }))).toBe('FILE_CORRUPT');
    expect(await codeOf(readCertificate({ pfx: file, passphrase: 'other' }))).toBe('PASSPHRASE_WRONG');
  });

  it('a damaged key that no MAC protects is found by trying it', async () => {
    const broken = pkcs8(ecKey);
    // The first octet of the private number; OpenSSL takes the public key that stands beside it at its word.
    const at = broken.indexOf(Buffer.from('0420', 'hex')) + 2;
    broken[at]! ^= 1;
    const file = pfx([safe(certificateBag(ecLeaf.raw), keyBag(broken))]);
    expect(await codeOf(readCertificate({ pfx: file }))).toBe('FILE_CORRUPT');
  });
});

describe('key and certificate', () => {
  it('an EC certificate with an RSA key, which createSecureContext accepts', async () => {
    const file = pfx([safe(certificateBag(ecLeaf.raw), keyBag(key))]);
    expect(await codeOf(readCertificate({ pfx: file }))).toBe('KEY_MISMATCH');
  });

  it('a certificate alone, a key alone', async () => {
    expect(await codeOf(readCertificate({ pfx: pfx([safe(...certificates)]) }))).toBe('KEY_MISSING');
    expect(await codeOf(readCertificate({ pfx: pfx([safe(keyBag(key))]) }))).toBe('CERTIFICATE_MISSING');
    expect(await codeOf(readCertificate({ pfx: pfx([safe()]) }))).toBe('CERTIFICATE_MISSING');
  });

  it('several identities: by friendlyName, by fingerprint in any spelling, else an error that lists them', async () => {
    const file = pfx([
      safe(
        certificateBag(leaf.raw, 'Rechnung'),
        keyBag(key, 'Rechnung'),
        certificateBag(ecLeaf.raw, 'archive'),
        keyBag(pkcs8(ecKey)),
      ),
    ]);
    const colons = ecLeaf.fingerprint256;
    for (const alias of [
      'archive',
      'ARCHIVE',
      colons,
      colons.toLowerCase(),
      colons.replaceAll(':', ''),
      `sha256:${colons}`,
    ]) {
      const found = await readCertificate({ pfx: file, alias });
      expect(found.certificate.fingerprint256).toBe(colons);
    }
    const error = await readCertificate({ pfx: file }).catch((thrown) => thrown);
    expect(error.code).toBe('ERR_CLIENTCERT_IDENTITY_AMBIGUOUS');
    for (const part of ['"Rechnung"', '"archive"', 'CN=leaf-p256', '2036-'])
      expect(error.message).toContain(part);
    expect(await codeOf(readCertificate({ pfx: file, alias: 'nobody' }))).toBe('IDENTITY_NOT_FOUND');
  });
});
