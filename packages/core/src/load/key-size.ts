import { childrenOf, contentsOf, type Element, INTEGER, readElement, SEQUENCE } from './der.ts';
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
  for (const number of childrenOf(key)) limitNumber(number, maxRsaBits);
}

/** The same for what a PrivateKeyInfo holds, whatever its type is. */
export function limitKey(algorithm: Element, key: Buffer): void {
  limitSize(algorithm.end - algorithm.start + key.length); // a curve may be spelled out
  const parameters = childrenOf(algorithm)[1];
  const numbers = parameters?.tag === SEQUENCE ? childrenOf(parameters) : [];
  const [prime, generator] = numbers;
  if (prime?.tag === INTEGER && generator?.tag === INTEGER) {
    for (const number of numbers) limitNumber(number, maxPrimeBits);
    limitNumber(readElement(key), maxExponentBits);
  } else if (key[0] === SEQUENCE) limitRsa(readElement(key));
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
