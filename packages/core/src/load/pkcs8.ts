import type { KeyObject } from 'node:crypto';
import type { Budget } from './budget.ts';
import { tryPassphrase } from './decryption.ts';
import {
  childrenOf,
  type Element,
  encode,
  encodeOid,
  encodingOf,
  INTEGER,
  numberOf,
  octetsOf,
  oidOf,
  open,
  readElement,
  SEQUENCE,
} from './der.ts';
import type { Reading } from './file-contents.ts';
import { noteAlgorithm } from './file-contents.ts';
import { curveCost, limitKey, limitRsa, limitSize, pointCost } from './key-size.ts';
import { isCommonKeyType, keyTypeName, whoReads } from './key-type.ts';
import { missingPassphrase, wrongPassphrase } from './passphrase.ts';
import { privateKeyFrom } from './private-key.ts';
import { corrupt, Problem } from './problem.ts';
import { readScheme } from './scheme.ts';

const version0 = Buffer.from([INTEGER, 1, 0]);

/**
 * The key in a PrivateKeyInfo (RFC 5208) or OneAsymmetricKey (RFC 5958). It is written anew as version 0 in
 * DER, because OpenSSL 3.0 takes neither the public key that version 1 may carry nor BER.
 */
export function importPkcs8(info: Element, budget: Budget): KeyObject {
  const [version, algorithm, key] = open(info, SEQUENCE);
  numberOf(version);
  const [id] = open(algorithm, SEQUENCE);
  const oid = oidOf(id);
  const octets = octetsOf(key);
  budget.work(limitKey(algorithm!, octets));
  return importParts(encodingOf(algorithm!), octets, oid);
}

function importParts(algorithm: Uint8Array, octets: Uint8Array, oid: string): KeyObject {
  const key = encode(0x04, octets);
  try {
    return importKey(encode(SEQUENCE, version0, algorithm, key), 'pkcs8', oid);
  } finally {
    key.fill(0);
  }
}

/** The key in an RSAPrivateKey (RFC 8017 appendix A.1.2). */
export function importPkcs1(element: Element): KeyObject {
  limitRsa(element);
  return importKey(Buffer.from(encodingOf(element)), 'pkcs1', rsaEncryption);
}

/** The key in an ECPrivateKey (RFC 5915), which must name its curve. */
export function importSec1(element: Element, budget: Budget): KeyObject {
  limitSize(element.end - element.start);
  budget.work(pointCost(element) + curveCost(encodingOf(element)));
  return importKey(Buffer.from(encodingOf(element)), 'sec1', ecPublicKey);
}

/** The key in OpenSSL's traditional DSA form: version, p, q, g, public key, private key. */
export function importDsa(element: Element, budget: Budget): KeyObject {
  const [, p, q, g, , x] = childrenOf(element).map(encodingOf);
  if (x === undefined) throw corrupt('holds a DSA key that lacks a number');
  const algorithm = encode(SEQUENCE, encodeOid(dsa), encode(SEQUENCE, p!, q!, g!));
  budget.work(limitKey(readElement(algorithm), x));
  return importParts(algorithm, x, dsa);
}

const rsaEncryption = '1.2.840.113549.1.1.1';
const ecPublicKey = '1.2.840.10045.2.1';
const dsa = '1.2.840.10040.4.1';

function importKey(der: Buffer, type: 'pkcs8' | 'pkcs1' | 'sec1', algorithm: string): KeyObject {
  try {
    const key = privateKeyFrom({ key: der, format: 'der', type });
    // What OpenSSL takes and cannot write ends the process as soon as somebody asks Node for its details.
    if (key.asymmetricKeyType === 'ec') key.export({ type: 'pkcs8', format: 'der' }).fill(0);
    return key;
  } catch (cause) {
    throw isCommonKeyType(algorithm)
      ? new Problem(
          'FILE_CORRUPT',
          'holds a private key that OpenSSL does not take: its numbers, or its curve, are not what its type asks for',
          'Ask for the key again, on a named curve if it is an EC key.',
          cause,
        )
      : new Problem(
          'FORMAT_UNSUPPORTED',
          `holds a private key of the type ${keyTypeName(algorithm)}, which this Node does not know`,
          whoReads(algorithm),
          cause,
        );
  } finally {
    der.fill(0);
  }
}

/** Rounds of key derivation that an EncryptedPrivateKeyInfo asks for. */
export function costOfPkcs8(element: Element): number {
  return readScheme(childrenOf(element)[0]).rounds;
}

/**
 * Decrypts an EncryptedPrivateKeyInfo (RFC 5208 section 6) that stands by itself, and imports the key. The caller
 * has taken its cost from the budget.
 */
export async function importEncryptedPkcs8(element: Element, reading: Reading): Promise<KeyObject> {
  const [algorithm, data] = open(element, SEQUENCE);
  const scheme = readScheme(algorithm);
  const { keyring } = reading;
  noteAlgorithm(reading, scheme);
  limitSize(element.end - element.start);
  keyring.used = true;
  const { text } = keyring.passphrase;
  if (text === undefined) throw missingPassphrase(keyring, 'the private key is encrypted');
  const decrypted = await tryPassphrase(scheme, octetsOf(data), text);
  if (decrypted.status !== 'open')
    throw decrypted.status === 'damaged'
      ? corrupt('holds an encrypted private key that is damaged; the passphrase is right')
      : wrongPassphrase(keyring);
  try {
    return importPkcs8(readElement(decrypted.plain), reading.budget);
  } finally {
    decrypted.plain.fill(0);
  }
}
