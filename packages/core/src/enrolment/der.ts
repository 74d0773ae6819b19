import { childrenOf, encode, encodingOf, octetsOf, oidOf, open, readElement, SEQUENCE } from '../load/der.ts';
import { explainAs } from '../load/problem.ts';

export { encode as der, encodeOid as oid } from '../load/der.ts';

export const sequence = (...parts: readonly Uint8Array[]): Buffer => encode(SEQUENCE, ...parts);

/** PEM armour (RFC 7468), with a newline at its end. */
export function pem(label: string, bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

/** What is taken over of a certificate into another file. */
export interface CertificateParts {
  /** A Name, in DER. */
  readonly subject: Buffer;
  /** By OID, what each holds, in DER. */
  readonly extensions: ReadonlyMap<string, Buffer>;
}

/**
 * Takes a certificate apart, RFC 5280, section 4.1.
 *
 * @param certificate In DER.
 * @throws ERR_CLIENTCERT_FILE_CORRUPT Node takes some that are not what the standard has.
 */
export function partsOf(certificate: Buffer): CertificateParts {
  try {
    return takeApart(certificate);
  } catch (error) {
    throw explainAs('the certificate', error);
  }
}

function takeApart(certificate: Buffer): CertificateParts {
  const [signed] = open(readElement(certificate), SEQUENCE);
  const fields = childrenOf(signed!).filter(({ tag }) => tag !== 0xa0);
  const wrapped = fields.find(({ tag }) => tag === 0xa3);
  const extensions = (wrapped ? open(childrenOf(wrapped)[0], SEQUENCE) : []).map(childrenOf);
  return {
    subject: encodingOf(fields[4]!),
    extensions: new Map(extensions.map((parts) => [oidOf(parts[0]), octetsOf(parts.at(-1))])),
  };
}
