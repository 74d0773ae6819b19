import type { X509Certificate } from 'node:crypto';
import {
  childrenOf,
  contentsOf,
  type Element,
  encodingOf,
  OID,
  octetsOf,
  oidOf,
  open,
  readElement,
  SEQUENCE,
} from './der.ts';

/** What `X509Certificate` does not tell, or not on every supported Node. */
export interface Anatomy {
  /** OID of the signature algorithm. */
  readonly signature: string;
  /** Seconds since 1970, in milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Extended key usages; undefined where the extension is absent, which allows everything. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** The bit string of the key usage extension, first octet; undefined where it is absent. */
  readonly keyUsage: number | undefined;
  /** OID of the kind of key. */
  readonly keyAlgorithm: string;
  /** An EC key that spells its curve out instead of naming it. */
  readonly explicitCurve: boolean;
  readonly subject: Buffer;
  readonly issuer: Buffer;
}

const known = new WeakMap<X509Certificate, Anatomy>();

/** Takes a certificate apart, RFC 5280 section 4.1. */
export function anatomyOf(certificate: X509Certificate): Anatomy {
  let anatomy = known.get(certificate);
  if (anatomy === undefined) {
    anatomy = dissect(certificate.raw);
    known.set(certificate, anatomy);
  }
  return anatomy;
}

function dissect(raw: Buffer): Anatomy {
  const [signed, algorithm] = open(readElement(raw), SEQUENCE);
  const fields = childrenOf(signed!);
  if (fields[0]?.tag === 0xa0) fields.shift();
  const [, , issuer, validity, subject, publicKey, ...rest] = fields;
  const [notBefore, notAfter] = open(validity, SEQUENCE);
  const extensions = readExtensions(rest.find(({ tag }) => tag === 0xa3));
  const usages = extensions.get('2.5.29.37');
  const usage = extensions.get('2.5.29.15');
  const parameters = childrenOf(childrenOf(publicKey!)[0]!);
  return {
    signature: oidOf(childrenOf(algorithm!)[0]),
    notBefore: timeOf(notBefore!),
    notAfter: timeOf(notAfter!),
    extendedKeyUsage: usages && childrenOf(readElement(usages)).map(oidOf),
    keyUsage: usage && (contentsOf(readElement(usage))[1] ?? 0),
    keyAlgorithm: oidOf(parameters[0]),
    explicitCurve:
      parameters[0]?.tag === OID &&
      oidOf(parameters[0]) === '1.2.840.10045.2.1' &&
      parameters[1]?.tag === SEQUENCE,
    subject: encodingOf(subject!),
    issuer: encodingOf(issuer!),
  };
}

function readExtensions(wrapped: Element | undefined): Map<string, Buffer> {
  const extensions = new Map<string, Buffer>();
  for (const extension of wrapped === undefined ? [] : open(childrenOf(wrapped)[0], SEQUENCE)) {
    const parts = childrenOf(extension);
    extensions.set(oidOf(parts[0]), octetsOf(parts.at(-1)));
  }
  return extensions;
}

/** UTCTime or GeneralizedTime, RFC 5280 section 4.1.2.5. */
function timeOf(element: Element): number {
  const digits = contentsOf(element).toString('latin1');
  const short = element.tag === 0x17;
  const year = Number(digits.slice(0, short ? 2 : 4));
  const rest = digits.slice(short ? 2 : 4);
  const part = (index: number): number => Number(/^\d\d/.exec(rest.slice(index * 2))?.[0] ?? 0);
  return Date.UTC(
    short ? (year < 50 ? 2000 : 1900) + year : year,
    part(0) - 1,
    part(1),
    part(2),
    part(3),
    part(4),
  );
}
