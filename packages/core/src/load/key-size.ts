import {
  beginsList,
  childrenOf,
  contentsOf,
  type Element,
  encodingOf,
  INTEGER,
  OCTET_STRING,
  readElement,
  SEQUENCE,
} from './der.ts';
import { corrupt, Problem } from './problem.ts';

/** Bytes of a private key in DER. RSA with 16,384 bits, the longest of any known type, takes 9,500. */
const maxKeySize = 2 ** 16;

/** Bits of an RSA modulus: OpenSSL verifies with none that is longer (OPENSSL_RSA_MAX_MODULUS_BITS), so no peer does. */
const maxRsaBits = 16_384;
/** … of the prime of DSA and Diffie-Hellman, of which the public key is computed when the private one is read. */
const maxPrimeBits = 10_000;
/** … and of their private numbers: those of DSA are as long as its hash. */
const maxExponentBits = 512;

/**
 * Refuses an RSA key with which computing would take seconds: time grows with the third power of its length, and
 * nothing else in the file says how long it is.
 */
export function limitRsa(key: Element): void {
  limitSize(key.end - key.start);
  if (key.tag !== SEQUENCE) return;
  const [, modulus] = childrenOf(key);
  limitNumbers(key, modulus?.tag === INTEGER ? contentsOf(modulus).length + 1 : Number.POSITIVE_INFINITY);
}

/**
 * Those of a third prime, and of more, stand in lists within (RFC 8017, appendix A.1.2).
 *
 * @param longest Bytes of the modulus: OpenSSL computes with longer ones, for as long as the cube of that.
 */
function limitNumbers(list: Element, longest: number): void {
  for (const part of childrenOf(list)) {
    if (part.tag === SEQUENCE) limitNumbers(part, longest);
    else if (part.tag === INTEGER) {
      limitNumber(part, maxRsaBits);
      if (contentsOf(part).length > longest)
        throw corrupt('holds an RSA key with a number that is longer than its modulus');
    }
  }
}

/**
 * The same for what a PrivateKeyInfo holds, whatever its type is.
 *
 * @returns what it takes to read or compute the public half, in units of a budget
 */
export function limitKey(algorithm: Element, key: Buffer): number {
  limitSize(algorithm.end - algorithm.start + key.length); // a curve may be spelled out
  const parameters = childrenOf(algorithm)[1];
  const numbers = parameters?.tag === SEQUENCE ? childrenOf(parameters) : [];
  const [prime, generator] = numbers;
  if (prime?.tag === INTEGER && generator?.tag === INTEGER) {
    for (const number of numbers) limitNumber(number, maxPrimeBits);
    const exponent = readElement(key);
    limitNumber(exponent, maxExponentBits);
    return powerCost(bitsOf(prime), bitsOf(exponent));
  }
  limitCofactor(parameters);
  if (!beginsList(key)) return 0;
  const value = readElement(key);
  limitRsa(value);
  return pointCost(value) + curveCost(encodingOf(algorithm)) + curveCost(key);
}

/**
 * What it takes to read a point on a slow curve, in units of a budget. One may be compressed, and to find its other
 * coordinate takes as long as the square of how often two divides p - 1: 96 times it does in P-224, and in a curve that
 * is spelled out as often as whoever made it likes.
 *
 * @see CVE-2022-0778, for where OpenSSL does that: when it parses the key or the certificate
 */
export function curveCost(encoded: Buffer): number {
  let at = encoded.indexOf(spelledOut);
  if (at < 0) return slowRoots.some((curve) => encoded.includes(curve)) ? 10_000 : 0;
  for (; at >= 0; at = encoded.indexOf(spelledOut, at + 1)) {
    const start = at + spelledOut.length + 1;
    // Lists are those of other fields, and no primes. They are not taken apart: each may hold all that follows.
    if ((encoded[start]! & 0x20) !== 0) continue;
    const field = readElement(encoded, start);
    if (contentsOf(field).subarray(-manyTwos.length).equals(manyTwos)) throw corrupt(unusedCurve);
  }
  return 100_000;
}

/** What the kinds of fields have in common (1.2.840.10045.1), which only such a curve names. One byte says which it is. */
const spelledOut = Buffer.from('2a8648ce3d01', 'hex');
/** How a prime ends of which p - 1 is divided by two 128 times. */
const manyTwos = Buffer.from('1'.padStart(32, '0'), 'hex');
/** P-224, by its own name and by that of WTLS. */
const slowRoots = ['2b81040021', '672b01040c'].map((hex) => Buffer.from(hex, 'hex'));

/** The same of an ECPrivateKey (RFC 5915); of any other key nothing. OpenSSL's slowest curves take that long. */
export function pointCost(key: Element): number {
  const [, secret, ...rest] = childrenOf(key);
  for (const each of rest) if (each.tag === 0xa0) limitCofactor(childrenOf(each)[0]);
  return secret?.tag !== OCTET_STRING || rest.some(({ tag }) => tag === 0xa1) ? 0 : 4000;
}

/**
 * OpenSSL multiplies a point in as many steps as the order and the cofactor of its curve have bits together, and bounds the
 * first alone: a cofactor that fills a file takes seconds, for the public half and for each signature.
 */
function limitCofactor(parameters: Element | undefined): void {
  if (parameters?.tag !== SEQUENCE) return;
  const [version, field, , , , cofactor] = childrenOf(parameters);
  if (version?.tag !== INTEGER || field?.tag !== SEQUENCE || cofactor === undefined) return;
  if (contentsOf(cofactor).length > longestCofactor) throw corrupt(unusedCurve);
}

/** Bytes: those of named curves have two. */
const longestCofactor = 16;
const unusedCurve = 'spells out a curve that nobody uses, with which OpenSSL computes for long';

/** Of raising a number to a power modulo another, in units of a budget. */
export function powerCost(modulusBits: number, exponentBits: number): number {
  return ((modulusBits / 1024) ** 2 * exponentBits) / 2;
}

function bitsOf(number: Element): number {
  return contentsOf(number).length * 8;
}

/** Before anything of it is decrypted. */
export function limitSize(bytes: number): void {
  if (bytes > maxKeySize) throw corrupt(`holds a private key of ${bytes} bytes`);
}

function limitNumber(number: Element, most: number): void {
  if (number.tag !== INTEGER) return;
  const { length } = contentsOf(number);
  // The first octet may be nothing but the sign.
  if (length <= most / 8 + 1) return;
  throw new Problem(
    'FORMAT_UNSUPPORTED',
    `holds a private key with a number of ${((length - 1) * 8).toLocaleString('en')} bits; OpenSSL computes with ${most.toLocaleString('en')} at most`,
    'Use an RSA key with 2,048 to 4,096 bits, or an ECDSA (P-256, P-384) or Ed25519 key.',
  );
}
