import { createPublicKey, type KeyObject, type X509Certificate } from 'node:crypto';
import type { Budget } from './budget.ts';
import { childrenOf, contentsOf, INTEGER, readElement, SEQUENCE } from './der.ts';
import type { FoundCertificate, FoundKey } from './holdings.ts';

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
    const mark = markOf(() => createPublicKey(key.privateKey));
    const same = byPublicKey.get(mark);
    if (same === undefined) byPublicKey.set(mark, [key]);
    else same.push(key);
  }
  const pairs: { leaf: FoundCertificate; key: FoundKey }[] = [];
  for (const leaf of certificates)
    for (const key of byPublicKey.get(markOf(() => leaf.certificate.publicKey)) ?? []) {
      budget.work(compareCost);
      await budget.turn();
      if (belongs(key, leaf.certificate)) pairs.push({ leaf, key });
    }
  return pairs;
}

const compareCost = 20;

/**
 * What two encodings of one public key have in common: the modulus of RSA, of which RSA-PSS is another type; of a
 * point on a curve, which may be compressed or not, its first coordinate; else the number or string that it is.
 */
function markOf(publicKey: () => KeyObject): string {
  try {
    const [, bits] = childrenOf(readElement(publicKey().export({ type: 'spki', format: 'der' })));
    const key = contentsOf(bits!).subarray(1);
    if (key[0] === SEQUENCE) return contentsOf(childrenOf(readElement(key))[0]!).toString('latin1');
    if (key[0] === INTEGER) return key.toString('latin1');
    const compressed = key[0] === 2 || key[0] === 3;
    const end = compressed ? key.length : key[0] === 4 ? (key.length + 1) / 2 : key.length;
    return key.toString('latin1', compressed || key[0] === 4 ? 1 : 0, end);
  } catch {
    // A key that this Node cannot write down: all such are compared with one another.
    return '';
  }
}

function belongs({ privateKey }: FoundKey, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(privateKey);
  } catch {
    // OpenSSL cannot make sense of the certificate's key; then it is not the one.
    return false;
  }
}
