import { certificateCost } from './budget.ts';
import { parseCertificate } from './certificate.ts';
import { childrenOf, type Element, encodingOf, oidOf, open, SEQUENCE } from './der.ts';
import type { Reading } from './file-contents.ts';
import { corrupt } from './problem.ts';
import { refuse, unsupportedFormats } from './unsupported-formats.ts';

const signedData = '1.2.840.113549.1.7.2';
const netscapeCertSequence = '2.16.840.1.113730.2.5';

/** Content types of RFC 5652 that hold no certificates in the clear. */
const sealedTypes = new Set([
  '1.2.840.113549.1.7.3',
  '1.2.840.113549.1.7.4',
  '1.2.840.113549.1.7.6',
  '1.2.840.113549.1.9.16.1.23',
]);

/** Reads the certificates of a SignedData (RFC 5652 section 5.1), as `.p7b` files hold them. */
export async function readPkcs7(contentInfo: Element, { contents, budget }: Reading): Promise<void> {
  contents.container = 'PKCS#7';
  const [type, wrapped] = open(contentInfo, SEQUENCE);
  const oid = oidOf(type);
  if (sealedTypes.has(oid)) throw refuse(unsupportedFormats.envelopedData);
  if (oid !== signedData && oid !== netscapeCertSequence) throw refuse(unsupportedFormats.message);
  const content = open(wrapped, 0xa0)[0];
  if (oid === netscapeCertSequence) {
    for (const certificate of open(content, SEQUENCE)) await keep(certificate);
    return;
  }
  const [, , , ...rest] = open(content, SEQUENCE);
  // certificates [0] IMPLICIT SET OF CertificateChoices; crls [1] are of no use here.
  for (const set of rest.filter(({ tag }) => tag === 0xa0))
    for (const certificate of childrenOf(set)) {
      // Attribute certificates and the obsolete choices are tagged.
      if (certificate.tag === SEQUENCE) await keep(certificate);
    }
  if (rest.length === 0) throw corrupt('is PKCS#7 without its signers');

  async function keep(certificate: Element): Promise<void> {
    budget.work(certificateCost);
    await budget.turn();
    contents.certificates.push(parseCertificate(encodingOf(certificate), budget));
  }
}

/** Whether this OID names a content type of PKCS#7 or CMS. */
export function isContentType(oid: string): boolean {
  return oid.startsWith('1.2.840.113549.1.7.') || oid === netscapeCertSequence || sealedTypes.has(oid);
}
