import type { X509Certificate } from 'node:crypto';
import { certificateOf } from './certificate-of.ts';
import {
  BIT_STRING,
  beginsList,
  childrenOf,
  contentsOf,
  type Element,
  expect,
  INTEGER,
  numberOf,
  OID,
  octetsOf,
  oidOf,
  open,
  readElement,
  SEQUENCE,
} from './der.ts';
import { comparable } from './distinguished-name.ts';
import { corrupt } from './problem.ts';

/** What `X509Certificate` does not tell, or not on every supported Node. */
export interface CertificateFields {
  /** OID of the signature algorithm. */
  readonly signature: string;
  /** Seconds since 1970, in milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Extended key usages; undefined where the extension is absent, which allows everything. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  /** The bit string of the key usage extension, first octet; undefined where it is absent. */
  readonly keyUsage: number | undefined;
  /** OID of the public key's algorithm. */
  readonly keyAlgorithm: string;
  /** An EC key that spells its curve out instead of naming it. */
  readonly explicitCurve: boolean;
  /** Subject and issuer as names are compared: equal where they name the same. */
  readonly subject: string;
  readonly issuer: string;
  /** 1 to 3. A certificate of version 1 has no extensions, and so none that could call it an authority. */
  readonly version: number;
  /** Whether the authority key identifier says that the issuer issued itself. */
  readonly issuedByRoot: boolean;
}

const known = new WeakMap<X509Certificate, CertificateFields>();

/** Takes a certificate apart, RFC 5280 section 4.1. */
export function fieldsOf(certificate: X509Certificate): CertificateFields {
  let fields = known.get(certificate);
  if (fields === undefined) {
    fields = readFields(certificate.raw);
    known.set(certificate, fields);
  }
  return fields;
}

/** A certificate from its DER, where its fields are known already. */
export function certificateFrom(raw: Uint8Array, fields: CertificateFields): X509Certificate {
  const certificate = certificateOf(raw);
  known.set(certificate, fields);
  return certificate;
}

function readFields(raw: Buffer): CertificateFields {
  const [signed, algorithm] = open(readElement(raw), SEQUENCE);
  const fields = childrenOf(signed!);
  const version = fields[0]?.tag === 0xa0 ? numberOf(childrenOf(fields.shift()!)[0]) + 1 : 1;
  const [, , issuer, validity, subject, publicKey, ...rest] = fields;
  const [notBefore, notAfter] = open(validity, SEQUENCE);
  const extensions = readExtensions(rest.find(({ tag }) => tag === 0xa3));
  const usages = extensions.get(extendedKeyUsage);
  const usage = extensions.get(keyUsage);
  const authority = extensions.get(authorityKeyIdentifier);
  limitPoints(extensions.get(crlDistributionPoints), issuer!);
  const [keyIdentifier, key] = childrenOf(publicKey!);
  const parameters = childrenOf(keyIdentifier!);
  const keyAlgorithm = oidOf(parameters[0]);
  if (isRsa.test(keyAlgorithm)) limitExponent(key);
  const named = comparable(issuer!);
  return {
    signature: oidOf(childrenOf(algorithm!)[0]),
    notBefore: timeOf(notBefore!),
    notAfter: timeOf(notAfter!),
    extendedKeyUsage: usages && childrenOf(readElement(usages)).map(oidOf),
    keyUsage: usage && (contentsOf(readElement(usage))[1] ?? 0),
    keyAlgorithm,
    explicitCurve: keyAlgorithm === '1.2.840.10045.2.1' && parameters[1]?.tag === SEQUENCE,
    subject: comparable(subject!),
    issuer: named,
    version,
    issuedByRoot: authority !== undefined && issuerOfIssuer(authority) === named,
  };
}

/** The name under authorityCertIssuer of an AuthorityKeyIdentifier: who issued the issuer (RFC 5280, 4.2.1.1). */
function issuerOfIssuer(authority: Buffer): string | undefined {
  try {
    const names = open(readElement(authority), SEQUENCE).find(({ tag }) => tag === 0xa1);
    const directoryName = names && childrenOf(names).find(({ tag }) => tag === 0xa4);
    const name = directoryName && childrenOf(directoryName)[0];
    return name && comparable(name);
  } catch {
    // It is a hint to whoever builds a chain; a damaged one spoils nothing.
    return undefined;
  }
}

/**
 * OpenSSL puts a copy of the issuer's name before each place of a revocation list that is written as the end of it, as soon
 * as it is asked for any extension: thousands of one, and of parts of the other, take gigabytes.
 */
function limitPoints(points: Buffer | undefined, issuer: Element): void {
  if (points === undefined || points.length * (issuer.end - issuer.start) <= mostCopied) return;
  throw corrupt('holds more places of revocation lists, or a longer name of its issuer, than any');
}

/** Bytes of both multiplied: some hundred each are usual, and a place takes at least six. */
const mostCopied = 2 ** 23;

/** OpenSSL verifies with no exponent of RSA that is longer, and to hand one out takes Node as long as the square of its length. */
function limitExponent(publicKey: Element | undefined): void {
  const key = contentsOf(expect(publicKey, BIT_STRING)).subarray(1);
  if (key.length <= longestExponent || !beginsList(key)) return;
  const [, exponent] = childrenOf(readElement(key));
  if (exponent?.tag !== INTEGER || contentsOf(exponent).length <= longestExponent) return;
  throw corrupt('holds a certificate with an RSA exponent that is longer than any');
}

/** Bytes. */
const longestExponent = 512;

/** What OpenSSL reads as such: those of PKCS #1, and X.500's. Keys of others are bytes that may begin as a list does. */
const isRsa = /^(?:1\.2\.840\.113549\.1\.1|2\.5\.8\.1)\./;

/** Last arcs of the extensions that are looked at, under 2.5.29 (RFC 5280, section 4.2.1). */
const keyUsage = 15;
const crlDistributionPoints = 31;
const authorityKeyIdentifier = 35;
const extendedKeyUsage = 37;
const looked: ReadonlySet<number> = new Set([
  keyUsage,
  crlDistributionPoints,
  authorityKeyIdentifier,
  extendedKeyUsage,
]);

/** The others are not taken apart: a certificate may hold some thousand. */
function readExtensions(wrapped: Element | undefined): Map<number, Buffer> {
  const extensions = new Map<number, Buffer>();
  for (const extension of wrapped === undefined ? [] : open(childrenOf(wrapped)[0], SEQUENCE)) {
    const { source, from } = extension;
    // OpenSSL reads on where a tag or a length is written longer than it need be.
    if (source[from] !== OID || (source[from + 1] ?? 0) >= 0x80)
      throw corrupt('holds an extension whose identifier is not DER');
    // An object identifier of three bytes that begins with 2.5.29.
    if (extension.to - from < 5 || source.readUInt32BE(from) !== 0x0603551d) continue;
    const arc = source[from + 4]!;
    if (!looked.has(arc)) continue;
    extensions.set(arc, octetsOf(childrenOf(extension).at(-1)));
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
  const full = short ? (year < 50 ? 2000 : 1900) + year : year;
  const time = Date.UTC(full, part(0) - 1, part(1), part(2), part(3), part(4));
  // Nothing that is compared with it, or waits for it, would come to an end.
  if (Number.isNaN(time)) throw corrupt('holds a date that is none');
  return time;
}
