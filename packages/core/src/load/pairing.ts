import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import type { Budget } from './budget.ts';
import { childrenOf, contentsOf, oidOf, readElement, SEQUENCE } from './der.ts';
import type { FoundCertificate, FoundKey } from './file-contents.ts';

/**
 * The certificates with the keys that may belong to them, found by their public keys: comparing each with each
 * takes as long as both numbers multiplied. Whether a pair really is one, `checkPrivateKey` decides.
 */
export async function findPairs(
  keys: readonly FoundKey[],
  certificates: readonly FoundCertificate[],
  budget: Budget,
): Promise<{ leaf: FoundCertificate; key: FoundKey }[]> {
  const byPublicKey = new Map<string, FoundKey[]>();
  for (const key of keys) {
    await budget.turn();
    const mark = markOf(() => publicHalf(key.privateKey));
    const same = byPublicKey.get(mark);
    if (same === undefined) byPublicKey.set(mark, [key]);
    else same.push(key);
  }
  const pairs: { leaf: FoundCertificate; key: FoundKey }[] = [];
  for (const leaf of certificates) {
    await budget.turn();
    for (const key of byPublicKey.get(markOf(() => leaf.certificate.publicKey)) ?? []) {
      budget.work(compareCost);
      await budget.turn();
      if (belongs(key, leaf.certificate)) pairs.push({ leaf, key });
    }
  }
  return pairs;
}

const compareCost = 20;

/** Of a key that an engine signs with there is no other. */
function publicHalf(key: KeyObject): KeyObject {
  return key.type === 'public' ? key : createPublicKey(key);
}

/**
 * What two encodings of one public key have in common: the modulus of RSA, of which RSA-PSS is another type; of a
 * point on a curve, which may be compressed or not, its first coordinate; else the number or string that it is.
 */
function markOf(publicKey: () => KeyObject): string {
  try {
    const [algorithm, bits] = childrenOf(readElement(publicKey().export({ type: 'spki', format: 'der' })));
    const key = contentsOf(bits!).subarray(1);
    if (oidOf(childrenOf(algorithm!)[0]) === ecPublicKey) {
      const compressed = key[0] === 2 || key[0] === 3;
      return key.toString('latin1', 1, compressed ? key.length : (key.length + 1) / 2);
    }
    if (key[0] === SEQUENCE) return contentsOf(childrenOf(readElement(key))[0]!).toString('latin1');
    return key.toString('latin1');
  } catch {
    // A key that this Node cannot write down: all such are compared with one another.
    return '';
  }
}

const ecPublicKey = '1.2.840.10045.2.1';

function belongs({ privateKey }: FoundKey, certificate: X509Certificate): boolean {
  try {
    return privateKey.type === 'public'
      ? certificate.publicKey.equals(privateKey)
      : certificate.checkPrivateKey(privateKey);
  } catch {
    // OpenSSL cannot make sense of the certificate's key; then it is not the one.
    return false;
  }
}
