import { corrupt } from './problem.ts';

/**
 * One BER or DER element (X.690). Offsets point into `source`; an element of indefinite length, or one whose
 * children were asked for, knows its children.
 */
export interface Element {
  readonly source: Buffer;
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number;
  readonly start: number;
  readonly from: number;
  /** End of the contents. */
  readonly to: number;
  /** Where the next element starts: `to`, or after the end-of-contents octets. */
  readonly end: number;
  readonly depth: number;
  /** Shared by all values of one encoding. */
  readonly tally: Tally;
  children: Element[] | undefined;
}

interface Tally {
  left: number;
}

export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OID = 0x06;
export const UTF8_STRING = 0x0c;
export const SEQUENCE = 0x30;

/** Deeper than any certificate file nests; what goes further is an attack on a recursive parser. */
const maxDepth = 48;

/** More than the certificates of the largest file with their attributes come to; one list of them takes some 20 ms. */
const maxElements = 100_000;

/** The element at `start`, with definite or indefinite length. Throws where it does not fit before `limit`. */
export function readElement(
  source: Buffer,
  start = 0,
  limit: number = source.length,
  depth = 0,
  tally: Tally = { left: maxElements },
): Element {
  if (--tally.left < 0) throw corrupt(`holds more than ${maxElements} values`);
  if (depth > maxDepth) throw corrupt(`is nested more than ${maxDepth} levels deep`);
  if (start + 2 > limit) throw corrupt('ends in the middle of a value');
  const tag = source[start]!;
  let at = start + 1;
  if ((tag & 0x1f) === 0x1f) {
    // High tag numbers do not occur in these formats; skipping them keeps unknown extensions readable. OpenSSL takes a low
    // one that is written as they are for what it is.
    if (source[at] === 0x80 || source[at]! < 0x1f)
      throw corrupt('has a tag that is written longer than it is');
    do if (at >= limit) throw corrupt('ends in the middle of a value');
    while ((source[at++]! & 0x80) !== 0);
    if (at >= limit) throw corrupt('ends in the middle of a value');
  }
  const first = source[at++]!;
  if (first === 0x80) return readIndefinite(source, start, at, limit, tag, depth, tally);
  let length = first;
  if (first > 0x80) {
    const count = first & 0x7f;
    if (count > 6 || at + count > limit) throw corrupt('has a length that does not fit into the file');
    length = source.readUIntBE(at, count);
    at += count;
  }
  const to = at + length;
  if (to > limit) throw corrupt('is truncated: a value reaches past the end');
  return { source, tag, start, from: at, to, end: to, depth, tally, children: undefined };
}

function readIndefinite(
  source: Buffer,
  start: number,
  from: number,
  limit: number,
  tag: number,
  depth: number,
  tally: Tally,
): Element {
  if ((tag & 0x20) === 0) throw corrupt('gives a primitive value an indefinite length');
  const children: Element[] = [];
  let at = from;
  for (;;) {
    if (at + 2 > limit) throw corrupt('is truncated: a value of indefinite length has no end');
    if (source[at] === 0 && source[at + 1] === 0) break;
    const child = readElement(source, at, limit, depth + 1, tally);
    children.push(child);
    at = child.end;
  }
  return { source, tag, start, from, to: at, end: at + 2, depth, tally, children };
}

/** Whether a list begins there, to OpenSSL also with a tag that is written longer than it is: to read that one throws. */
export function beginsList(encoded: Buffer): boolean {
  return encoded[0] === SEQUENCE || encoded[0] === (SEQUENCE | 0x1f);
}

/** The elements inside a constructed element. */
export function childrenOf(element: Element): Element[] {
  if (element.children !== undefined) return element.children;
  if ((element.tag & 0x20) === 0) throw corrupt('holds a single value where a group belongs');
  const children: Element[] = [];
  for (let at = element.from; at < element.to; ) {
    const child = readElement(element.source, at, element.to, element.depth + 1, element.tally);
    children.push(child);
    at = child.end;
  }
  element.children = children;
  return children;
}

/** The children of an element that must have this tag. */
export function open(element: Element | undefined, tag: number): Element[] {
  return childrenOf(expect(element, tag));
}

export function expect(element: Element | undefined, tag: number): Element {
  if (element === undefined) throw corrupt('lacks a required value');
  if (element.tag !== tag) throw corrupt('holds a value of another type than its format asks for');
  return element;
}

/** The bytes of the whole element, tag and length included. A view, not a copy. */
export function encodingOf(element: Element): Buffer {
  return element.source.subarray(element.start, element.end);
}

export function contentsOf(element: Element): Buffer {
  return element.source.subarray(element.from, element.to);
}

/**
 * The octets of an OCTET STRING, or of an implicitly tagged one, whose chunks (BER, X.690 section 8.7.3) are
 * put together.
 */
export function octetsOf(element: Element | undefined): Buffer {
  if (element === undefined) throw corrupt('lacks a required value');
  const number = element.tag & ~0x20;
  if (number !== OCTET_STRING && (number & 0xc0) !== 0x80)
    throw corrupt('holds another value where octets belong');
  const chunks = chunksOf(element);
  return chunks.length === 1 ? chunks[0]! : together(chunks);
}

/** In order, however deeply they are nested: put together once, not once for each level. */
function chunksOf(element: Element, chunks: Buffer[] = []): Buffer[] {
  if ((element.tag & 0x20) === 0) chunks.push(contentsOf(element));
  else
    for (const chunk of childrenOf(element)) {
      if ((chunk.tag & ~0x20) !== OCTET_STRING) throw corrupt('holds another value where octets belong');
      chunksOf(chunk, chunks);
    }
  return chunks;
}

/** A non-negative INTEGER as a number; `Infinity` for one that no number holds exactly. */
export function numberOf(element: Element | undefined): number {
  const bytes = contentsOf(expect(element, INTEGER));
  if (bytes.length === 0 || bytes[0]! >= 0x80) throw corrupt('holds a negative number where a count belongs');
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  return bytes.length - start > 6 ? Number.POSITIVE_INFINITY : bytes.readUIntBE(start, bytes.length - start);
}

/** An OBJECT IDENTIFIER in dotted form. */
export function oidOf(element: Element | undefined): string {
  const bytes = contentsOf(expect(element, OID));
  if (bytes.length === 0 || bytes.length > 64) throw corrupt('holds an object identifier that is not one');
  let arc = 0;
  const arcs: number[] = [];
  for (const byte of bytes) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length === 0) {
      const root = Math.min(2, Math.floor(arc / 40));
      arcs.push(root, arc - root * 40);
    } else arcs.push(arc);
    arc = 0;
  }
  if (bytes.at(-1)! >= 0x80) throw corrupt('holds an object identifier that is not one');
  return arcs.join('.');
}

/** The DER encoding of one value with these contents. */
export function encode(tag: number, ...contents: Uint8Array[]): Buffer {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  const head = [tag];
  if (length < 0x80) head.push(length);
  else {
    const bytes: number[] = [];
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
    head.push(0x80 | bytes.length, ...bytes);
  }
  return together([Buffer.from(head), ...contents]);
}

/** In memory of its own: they may be those of a key, and small Buffers that Node puts together share one. */
function together(parts: readonly Uint8Array[]): Buffer {
  const all = Buffer.allocUnsafeSlow(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The DER encoding of an OBJECT IDENTIFIER. */
export function encodeOid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift(0x80 | (left % 128));
    return groups;
  });
  return encode(OID, Buffer.from(bytes));
}
