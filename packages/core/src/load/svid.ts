import type { X509Certificate } from 'node:crypto';
import {
  BIT_STRING,
  childrenOf,
  contentsOf,
  type Element,
  expect,
  octetsOf,
  oidOf,
  open,
  readElement,
  SEQUENCE,
} from './der.ts';
import { corrupt } from './problem.ts';
import { parseSpiffeId, type SpiffeId } from './spiffe-id.ts';

/** Whose certificate it is, or why it is that of nobody who can be told by a SPIFFE ID. */
export type Svid = (SpiffeId & { readonly id: string }) | { readonly fault: string; readonly uri?: string };

/**
 * Reads an X509-SVID as whoever authenticates a peer by it has to: a leaf, and one URI in its subjectAltName that is a
 * SPIFFE ID. All of it from the DER: in the text that Node makes of the names one can pose as several.
 *
 * @see https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md sections 2, 3.1 and 5.2;
 *   RFC 5280, sections 4.2.1.3, 4.2.1.6 and 4.2.1.9; CVE-2021-44532
 */
export function readSvid(raw: Buffer): Svid {
  let found: Extensions;
  try {
    found = readExtensions(raw);
  } catch {
    return { fault: 'a certificate whose extensions cannot be read' };
  }
  const [uri, ...others] = found.uris;
  if (found.isAuthority) return { fault: "an authority's certificate, which is nobody's own" };
  if (found.signs) return { fault: 'a certificate that may sign others, or lists of revoked ones' };
  if (uri === undefined) return { fault: 'a certificate without a SPIFFE ID' };
  if (others.length > 0)
    return { fault: `a certificate with ${found.uris.length} URIs, where one is allowed` };
  const id = parseSpiffeId(uri);
  if (id === undefined) return { fault: 'a certificate whose URI is not a SPIFFE ID', uri };
  return id.path === '' ? { fault: 'a certificate for a whole trust domain', uri } : { ...id, id: uri };
}

/** The trust domain of a certificate of one's own; `undefined` where it is in none. */
export function trustDomainOf(certificate: X509Certificate): string | undefined {
  const svid = readSvid(certificate.raw);
  return 'fault' in svid ? undefined : svid.trustDomain;
}

/**
 * Whom a certificate names, as a SPIFFE ID: `spiffe://example.org/payments`. Of a peer that holds only once TLS has verified
 * its certificate (`socket.authorized`).
 *
 * @returns `undefined` where there is none, or it is no X.509-SVID: without an ID, with several URIs, or that of an authority.
 * @see https://github.com/spiffe/spiffe/blob/main/standards/X509-SVID.md
 */
export function spiffeIdOf(certificate: X509Certificate | undefined): string | undefined {
  const svid = certificate && readSvid(certificate.raw);
  return svid === undefined || 'fault' in svid ? undefined : svid.id;
}

interface Extensions {
  uris: string[];
  isAuthority: boolean;
  /** Other certificates, or lists of revoked ones. */
  signs: boolean;
}

/** Of an extension that stands there twice, each counts. */
function readExtensions(raw: Buffer): Extensions {
  const found: Extensions = { uris: [], isAuthority: false, signs: false };
  const [signed] = open(readElement(raw), SEQUENCE);
  const wrapped = childrenOf(signed!).find(({ tag }) => tag === EXTENSIONS);
  for (const extension of wrapped === undefined ? [] : open(childrenOf(wrapped)[0], SEQUENCE)) {
    const parts = open(extension, SEQUENCE);
    const read = readers.get(oidOf(parts[0]));
    if (read) read(whole(octetsOf(parts.at(-1))), found);
  }
  return found;
}

const readers: ReadonlyMap<string, (value: Element, found: Extensions) => void> = new Map([
  ['2.5.29.15', readKeyUsage],
  ['2.5.29.17', readNames],
  ['2.5.29.19', readConstraints],
]);

/** digitalSignature is the first bit, keyCertSign the sixth, cRLSign the seventh. */
function readKeyUsage(usage: Element, found: Extensions): void {
  if (((contentsOf(expect(usage, BIT_STRING))[1] ?? 0) & 0x06) !== 0) found.signs = true;
}

function readNames(names: Element, found: Extensions): void {
  for (const name of open(names, SEQUENCE)) {
    if ((name.tag & ~CONSTRUCTED) !== URI) continue;
    if (name.tag !== URI) throw corrupt('holds a URI in pieces');
    found.uris.push(contentsOf(name).toString('latin1'));
  }
}

function readConstraints(constraints: Element, found: Extensions): void {
  const says = open(constraints, SEQUENCE).filter(({ tag }) => tag === BOOLEAN);
  if (says.some((flag) => !contentsOf(flag).equals(FALSE))) found.isAuthority = true;
}

/** Nothing stands behind it. */
function whole(value: Buffer): Element {
  const element = readElement(value);
  if (element.end !== value.length) throw corrupt('holds more than one value where one belongs');
  return element;
}

const BOOLEAN = 0x01;
const CONSTRUCTED = 0x20;
/** [3] EXPLICIT, of TBSCertificate. */
const EXTENSIONS = 0xa3;
/** [6] IMPLICIT, of GeneralName. */
const URI = 0x86;
const FALSE = Buffer.from([0]);
