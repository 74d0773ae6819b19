import type { AsymmetricKeyDetails, KeyObject, X509Certificate } from 'node:crypto';
import { fieldsOf } from './certificate-fields.ts';
import { contentsOf, expect, INTEGER, oidOf, open, readElement, SEQUENCE } from './der.ts';

/** Key algorithms by OID, under the names that Node gives them; old Nodes know some of them by no name at all. */
const names: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.1': 'rsa', // RFC 8017
  '1.2.840.113549.1.1.10': 'rsa-pss',
  '1.2.840.10045.2.1': 'ec', // RFC 5480
  '1.2.840.10040.4.1': 'dsa', // RFC 3279
  '1.3.101.110': 'x25519', // RFC 8410
  '1.3.101.111': 'x448',
  '1.3.101.112': 'ed25519',
  '1.3.101.113': 'ed448',
  '2.16.840.1.101.3.4.3.17': 'ml-dsa-44', // RFC 9881
  '2.16.840.1.101.3.4.3.18': 'ml-dsa-65',
  '2.16.840.1.101.3.4.3.19': 'ml-dsa-87',
  '2.16.840.1.101.3.4.3.20': 'slh-dsa-sha2-128s', // RFC 9909
  '2.16.840.1.101.3.4.3.21': 'slh-dsa-sha2-128f',
  '2.16.840.1.101.3.4.3.22': 'slh-dsa-sha2-192s',
  '2.16.840.1.101.3.4.3.23': 'slh-dsa-sha2-192f',
  '2.16.840.1.101.3.4.3.24': 'slh-dsa-sha2-256s',
  '2.16.840.1.101.3.4.3.25': 'slh-dsa-sha2-256f',
  '2.16.840.1.101.3.4.3.26': 'slh-dsa-shake-128s',
  '2.16.840.1.101.3.4.3.27': 'slh-dsa-shake-128f',
  '2.16.840.1.101.3.4.3.28': 'slh-dsa-shake-192s',
  '2.16.840.1.101.3.4.3.29': 'slh-dsa-shake-192f',
  '2.16.840.1.101.3.4.3.30': 'slh-dsa-shake-256s',
  '2.16.840.1.101.3.4.3.31': 'slh-dsa-shake-256f',
  '2.16.840.1.101.3.4.4.1': 'ml-kem-512', // RFC 9935
  '2.16.840.1.101.3.4.4.2': 'ml-kem-768',
  '2.16.840.1.101.3.4.4.3': 'ml-kem-1024',
  '1.2.643.2.2.19': 'gost2001',
  '1.2.643.7.1.1.1.1': 'gost2012-256',
  '1.2.643.7.1.1.1.2': 'gost2012-512',
};

/**
 * What kind of key a certificate is for, as Node calls it; where this Node has no word for it, its OpenSSL may sign
 * with it all the same, as that of Node 22 does with ML-DSA. Then it is the name in the standard, or the OID.
 */
export function keyTypeOf(certificate: X509Certificate): string {
  return keyTypeName(fieldsOf(certificate).keyAlgorithm);
}

/** The same with its size or its curve, for people: `rsa 2048`, `ec prime256v1`, `ed25519`. */
export function describeKey(certificate: X509Certificate): string {
  return describe(keyTypeOf(certificate), publicKeyOf(certificate));
}

export function describePrivateKey(key: KeyObject): string {
  return describe(key.asymmetricKeyType ?? algorithmOf(key), key);
}

function describe(type: string, key: KeyObject | undefined): string {
  const { namedCurve, modulusLength } = key ? keyDetailsOf(key) : {};
  const size = namedCurve ?? modulusLength;
  return size === undefined ? type : `${type} ${size}`;
}

/**
 * The size of a key, or its curve. Node 20 and 22 end the process where they are asked for them and OpenSSL took a key that
 * it cannot hand out: an EC key with its point at infinity or a number longer than its curve, a DSA key with a negative
 * number. Nothing is known of the former, and Node is not asked for the latter.
 */
export function keyDetailsOf(key: KeyObject): AsymmetricKeyDetails {
  if (Object.hasOwn(key, 'asymmetricKeyDetails')) return key.asymmetricKeyDetails!;
  const type = key.asymmetricKeyType;
  try {
    if (type === 'dsa') return { modulusLength: bitsOfDsa(key) };
    if (type === 'ec') exported(key).fill(0);
    return key.asymmetricKeyDetails ?? {};
  } catch {
    return {};
  }
}

/** The length of p in its parameters (RFC 3279, section 2.3.2). */
function bitsOfDsa(key: KeyObject): number {
  const der = exported(key);
  try {
    const parts = open(readElement(der), SEQUENCE);
    const [, parameters] = open(
      parts.find(({ tag }) => tag === SEQUENCE),
      SEQUENCE,
    );
    const p = contentsOf(expect(open(parameters, SEQUENCE)[0], INTEGER));
    return BigInt(`0x${p.toString('hex')}`).toString(2).length;
  } finally {
    der.fill(0);
  }
}

function exported(key: KeyObject): Buffer {
  return key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'der' }) as Buffer;
}

/** What the key itself says, where Node has no word for it. */
function algorithmOf(key: KeyObject): string {
  const der = exported(key);
  try {
    const [, algorithm] = open(readElement(der), SEQUENCE);
    return keyTypeName(oidOf(open(algorithm, SEQUENCE)[0]));
  } finally {
    der.fill(0);
  }
}

/** What a key algorithm is called: `rsa`, `ml-dsa-65`; its OID where it has no name here. */
export function keyTypeName(algorithm: string): string {
  return names[algorithm] ?? algorithm;
}

/** Whether every supported Node takes keys of this algorithm. */
export function isCommonKeyType(algorithm: string): boolean {
  return /^(?:rsa|ec|dsa|ed|x\d)/.test(keyTypeName(algorithm));
}

/** The public key; undefined where this Node cannot read it. */
export function publicKeyOf(certificate: X509Certificate): KeyObject | undefined {
  try {
    return certificate.publicKey;
  } catch {
    return undefined;
  }
}

/** Which Node reads keys of an algorithm that this one does not. */
export function whoReads(algorithm: string): string {
  const name = keyTypeName(algorithm);
  return /^(?:ml|slh)-/.test(name)
    ? `Node 22.20, 24.5 or later reads ${name} (OpenSSL 3.5); this one is ${process.version} with OpenSSL ${process.versions.openssl}.`
    : 'No Node reads it without an OpenSSL provider. Use an RSA, ECDSA (P-256, P-384) or Ed25519 key.';
}
