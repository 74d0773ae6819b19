import {
  createCipheriv,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  X509Certificate,
} from 'node:crypto';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { childrenOf, encode, encodingOf, readElement } from '../../src/load/der.ts';
import { inspectFile, readCertificate } from '../../src/load/index.ts';
import { bytesToKey } from '../../src/load/kdf.ts';
import { bytesOf, fixture } from './manifest.ts';
import { codeOf, ecKey, ecLeaf, keyPem, leaf, passphrase, pem, pkcs8, rsaKey } from './material.ts';
import { integer, octets, oid, sequence, toBer } from './write.ts';

const encryptedKeys = readdirSync(fixture('extra')).filter((name) => /^p256\..*\.key$/.test(name));
const legacy = /DES\.key|RC2|RC4|des-cbc|rc2|dek-des\.key/;

describe('encrypted keys', () => {
  it.for(encryptedKeys)('%s', async (name) => {
    const path = fixture(`extra/${name}`);
    if (name.includes('seed')) {
      expect(await codeOf(inspectFile(path, { passphrase }))).toBe('FORMAT_UNSUPPORTED');
      return;
    }
    const { keys, legacyAlgorithms } = await inspectFile(path, { passphrase });
    expect(keys[0]!.privateKey.equals(ecKey)).toBe(true);
    expect(keys[0]!.encrypted).toBe(true);
    expect(legacyAlgorithms.length > 0).toBe(legacy.test(name) && !/[23]DES/.test(name));
    expect(await codeOf(inspectFile(path, { passphrase: 'other' }))).toBe('PASSPHRASE_WRONG');
    expect(await codeOf(inspectFile(path))).toBe('PASSPHRASE_MISSING');
    const identity = await readCertificate({ cert: ecLeaf.raw, key: path, passphrase });
    expect(identity.certificate.fingerprint256).toBe(ecLeaf.fingerprint256);
  });

  it('PEM encrypted with single DES, on one line', async () => {
    const iv = Buffer.from('0011223344556677', 'hex');
    const key = bytesToKey(Buffer.from(passphrase), iv, 8);
    const cipher = createCipheriv('des-ede3-cbc', Buffer.concat([key, key, key]), iv);
    const plain = rsaKey.export({ format: 'der', type: 'pkcs1' });
    const body = Buffer.concat([cipher.update(plain), cipher.final()]).toString('base64');
    for (const gap of ['\n', ' ']) {
      const head = `Proc-Type: 4,ENCRYPTED${gap}DEK-Info: DES-CBC,${iv.toString('hex').toUpperCase()}${gap}${gap}`;
      const text = `-----BEGIN RSA PRIVATE KEY-----${gap}${head}${body}${gap}-----END RSA PRIVATE KEY-----`;
      const { keys } = await inspectFile(text, { passphrase });
      expect(keys[0]!.privateKey.equals(rsaKey)).toBe(true);
    }
  });

  it('a passphrase in UTF-8, else in Latin-1', async () => {
    for (const bytes of [Buffer.from('pässwörd'), Buffer.from('pässwörd', 'latin1')]) {
      const text = ecKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: bytes });
      const { keys } = await inspectFile(text.toString(), { passphrase: 'pässwörd' });
      expect(keys[0]!.privateKey.equals(ecKey)).toBe(true);
    }
  });

  it('a damaged one is corrupt, not wrong', async () => {
    const der = rsaKey.export({ format: 'der', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase });
    der[der.length - 5]! ^= 1;
    expect(await codeOf(inspectFile(der, { passphrase }))).toBe('FILE_CORRUPT');
    expect(await codeOf(inspectFile(der, { passphrase: 'other' }))).toBe('PASSPHRASE_WRONG');
  });
});

describe('plain keys', () => {
  const pairs = [
    generateKeyPairSync('rsa-pss', {
      modulusLength: 2048,
      hashAlgorithm: 'sha512',
      mgf1HashAlgorithm: 'sha512',
    }),
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }),
    generateKeyPairSync('ec', { namedCurve: 'brainpoolP384r1' }),
    generateKeyPairSync('ed25519'),
    generateKeyPairSync('ed448'),
    generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 }),
  ].map(({ privateKey }) => privateKey);

  it.for(
    pairs.map(
      (key) => [`${key.asymmetricKeyType} ${key.asymmetricKeyDetails?.namedCurve ?? ''}`, key] as const,
    ),
  )('%s in PKCS#8, DER, BER and PEM', async ([, key]) => {
    const der = pkcs8(key);
    for (const form of [der, toBer(der), key.export({ format: 'pem', type: 'pkcs8' }).toString()]) {
      const { keys } = await inspectFile(form);
      expect(keys[0]!.privateKey.equals(key)).toBe(true);
      expect(keys[0]!.encrypted).toBe(false);
    }
  });

  it('SEC1 and PKCS#1 in DER, which Node needs to be told', async () => {
    for (const der of [
      ecKey.export({ format: 'der', type: 'sec1' }),
      rsaKey.export({ format: 'der', type: 'pkcs1' }),
    ]) {
      const { keys, format } = await inspectFile(der);
      expect([ecKey, rsaKey].some((key) => key.equals(keys[0]!.privateKey))).toBe(true);
      expect(format.container).toBe('DER');
    }
  });

  it('whatever error an earlier OpenSSL call left in the queue', async () => {
    expect(ecKey.equals(rsaKey)).toBe(false);
    const { keys } = await inspectFile(ecKey.export({ format: 'der', type: 'sec1' }));
    expect(keys[0]!.privateKey.equals(ecKey)).toBe(true);
  });

  it('EC PARAMETERS before the key', async () => {
    const parameters = oid('1.2.840.10045.3.1.7').toString('base64');
    const text = `-----BEGIN EC PARAMETERS-----\n${parameters}\n-----END EC PARAMETERS-----\n${ecKey.export({ format: 'pem', type: 'sec1' })}`;
    const { keys } = await inspectFile(text);
    expect(keys[0]!.privateKey.equals(ecKey)).toBe(true);
  });

  it('DSA in its traditional form', async () => {
    const key = createPrivateKey(bytesOf('pem/dsa.p8.key'));
    // PKCS#8 holds p, q, g and x; the traditional form asks for y as well, which nothing reads.
    const { keys } = await inspectFile(traditionalDsa(pkcs8(key)));
    expect(createPublicKey(keys[0]!.privateKey).equals(createPublicKey(key))).toBe(true);
  });

  it('OneAsymmetricKey of version 1 with its public key (RFC 5958), which OpenSSL 3.0 refuses', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const seed = pkcs8(privateKey).subarray(-34);
    const point = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    const der = sequence(
      integer(1),
      sequence(oid('1.3.101.112')),
      octets(seed),
      encode(0x81, Buffer.concat([Buffer.alloc(1), point])),
    );
    const { keys } = await inspectFile(der);
    expect(keys[0]!.privateKey.equals(privateKey)).toBe(true);
  });

  it('a certificate and a key the wrong way round', async () => {
    const found = await readCertificate({ cert: keyPem, key: pem(leaf) });
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
  });

  it("a key that is not this certificate's", async () => {
    const error = await readCertificate({ cert: pem(ecLeaf), key: keyPem }).catch((thrown) => thrown);
    expect(error.code).toBe('ERR_CLIENTCERT_KEY_MISMATCH');
    expect(error.message).toMatch(/RSA 2048.*CN=leaf-p256/);
  });
});

describe('attack: files that stop the process', () => {
  const point = createPublicKey(ecKey).export({ format: 'der', type: 'spki' }).subarray(-65);
  const scalar = Buffer.from(ecKey.export({ format: 'jwk' }).d!, 'base64url');
  const infinity = Buffer.alloc(1);
  const ec = sequence(oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7'));
  const bits = (bytes: Uint8Array) => encode(0x03, Buffer.concat([Buffer.alloc(1), bytes]));

  // Node 20 and 22 abort where they are asked for the details of these.
  it.each([
    ['whose point lies at infinity', scalar, infinity],
    ['that is longer than its curve', Buffer.alloc(40, 1), point],
    ['that is longer than its curve, without a point', Buffer.alloc(40, 1), undefined],
  ])('an EC key %s is refused', async (_, number, at) => {
    const sec1 = (...curve: Buffer[]) =>
      sequence(integer(1), octets(number), ...curve, ...(at ? [encode(0xa1, bits(at))] : []));
    const files = [sequence(integer(0), ec, octets(sec1())), sec1(encode(0xa0, oid('1.2.840.10045.3.1.7')))];
    for (const file of files) {
      expect(await codeOf(inspectFile(file))).toBe('FILE_CORRUPT');
      expect(await codeOf(readCertificate({ cert: pem(ecLeaf), key: file }))).toBe('FILE_CORRUPT');
    }
  });

  it('so is a certificate for one, and for a DSA key with a negative number, as nobody’s', async () => {
    const { publicKey } = generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
    const dsa = publicKey.export({ format: 'der', type: 'spki' });
    const [algorithm] = childrenOf(readElement(dsa)).map(encodingOf);
    const negative = encode(0x02, Buffer.alloc(128, 0xee));
    const keys = { dsa: sequence(algorithm!, bits(negative)), ec: sequence(ec, bits(infinity)) };
    for (const [type, spki] of Object.entries(keys)) {
      const certificate = new X509Certificate(withKey(ecLeaf.raw, spki));
      expect(certificate.publicKey.asymmetricKeyType).toBe(type);
      const { certificates } = await inspectFile(pem(certificate));
      expect(certificates).toMatchObject([{ keyType: type === 'dsa' ? 'dsa 1024' : 'ec' }]);
      expect(await codeOf(readCertificate({ cert: pem(certificate), key: keyPem }))).toBe('KEY_MISMATCH');
      const key = ecKey.export({ format: 'pem', type: 'pkcs8' });
      const identity = await readCertificate({ cert: pem(ecLeaf) + pem(certificate), key });
      expect(identity.certificate.fingerprint256).toBe(ecLeaf.fingerprint256);
      // A root like any other, until something is to be signed by it.
      await using _ = await loadCredentials({ default: { ca: pem(certificate) } });
    }
  });
});

/** The same certificate for another key; its signature does not matter. */
function withKey(certificate: Buffer, spki: Buffer): Buffer {
  const [signed, ...rest] = childrenOf(readElement(certificate));
  const fields = childrenOf(signed!).map(encodingOf);
  fields[6] = spki;
  return sequence(sequence(...fields), ...rest.map(encodingOf));
}

function traditionalDsa(der: Buffer): Buffer {
  // SEQUENCE { version, SEQUENCE { oid, SEQUENCE { p, q, g } }, OCTET STRING { x } }
  const oidBytes = oid('1.2.840.10040.4.1');
  const at = der.indexOf(oidBytes) + oidBytes.length;
  const length = der.readUInt16BE(at + 2);
  const numbers = der.subarray(at + 4, at + 4 + length);
  const x = der.subarray(at + 4 + length + 2);
  return sequence(integer(0), numbers, integer(1), x);
}
