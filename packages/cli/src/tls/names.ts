import { generateKeyPairSync } from 'node:crypto';
import { certificateOf, der, oid, sequence } from '@clientcert/core/enrolment';

let publicKey: Buffer | undefined;

/**
 * A distinguished name in DER as Node writes the subject of a certificate, so that the two can be compared;
 * `undefined` where it is none. OpenSSL takes it apart: it stands as the subject of a certificate made for that.
 */
export function nameFromDer(name: Buffer): string | undefined {
  publicKey ??= generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
    type: 'spki',
    format: 'der',
  });
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'));
  const date = der(0x17, Buffer.from('250101000000Z'));
  const signed = sequence(
    der(2, Buffer.from([1])),
    algorithm,
    sequence(),
    sequence(date, date),
    name,
    publicKey,
  );
  try {
    return certificateOf(sequence(signed, algorithm, der(3, Buffer.from([0, 0])))).subject;
  } catch {
    return undefined;
  }
}

/** A name as Node writes it, in the form in which it is compared: case and blanks make no difference (RFC 5280, 7.1). */
export function folded(name: string): string {
  // To put accents in order takes as long as the square of how many stand on one letter; no name is as long.
  if (name.length > 4096) return name;
  return name
    .normalize('NFKC')
    .toLowerCase()
    .trim()
    .replace(/[^\S\n]+/g, ' ');
}
