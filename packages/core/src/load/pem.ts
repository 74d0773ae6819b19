import { corrupt, Problem } from './problem.ts';

/** One block between `-----BEGIN …-----` and `-----END …-----`. */
export interface PemBlock {
  readonly label: string;
  /** Undefined where the body is not base64, or empty; `damage` then says which. */
  readonly bytes: Buffer | undefined;
  readonly damage: Problem | undefined;
  /** Of its BEGIN, from 1. */
  readonly line: number;
  /** RFC 1421 section 4.6.1.3: cipher and IV of a traditionally encrypted key. */
  readonly encryption: { readonly cipher: string; readonly iv: Buffer } | undefined;
  /** Whether `Proc-Type: 4,ENCRYPTED` was there. */
  readonly encrypted: boolean;
  /** From the bag attributes that OpenSSL prints before a block. */
  readonly friendlyName: string | undefined;
}

const begin = '-----BEGIN ';
const end = '-----END ';

export function hasPem(text: string): boolean {
  return text.includes(begin) || text.includes('-----BEGIN%20');
}

/**
 * Every PEM block in a text, however it was pasted: indented, on one line, with literal `\n`, blocks glued
 * together, CR line ends, comments and bag attributes between. RFC 7468, laxly; RFC 1421 headers.
 * Undefined stands for one that is commented out: there may be hundreds of thousands, and the caller takes turns.
 */
export function* readPem(pasted: string): Generator<PemBlock | undefined, void> {
  const text = straighten(pasted);
  let line = 1;
  for (let at = 0, previous = 0; ; previous = at) {
    const start = text.indexOf(begin, at);
    if (start < 0) return;
    line += countLines(text, previous, start);
    if (isCommentedOut(text, at, start)) {
      at = start + begin.length;
      yield undefined;
      continue;
    }
    const labelEnd = text.indexOf('-----', start + begin.length);
    const label = text.slice(start + begin.length, labelEnd);
    if (labelEnd < 0 || label.length > 64) throw corrupt('has a PEM header that does not end');
    const bodyStart = labelEnd + 5;
    const stop = text.indexOf(end, bodyStart);
    const next = text.indexOf(begin, bodyStart);
    if (stop < 0 || (next >= 0 && next < stop))
      throw corrupt(`has a ${printable(label)} block, from line ${line} on, without its END line`, truncated);
    yield readBlock(label.trim(), text.slice(bodyStart, stop), text.slice(previous, start), line);
    const close = text.indexOf('-----', stop + end.length);
    // Glued blocks share no dash: `-----END X----------BEGIN Y-----`.
    at = close < 0 || close - stop > 80 ? stop + end.length : close + 5;
    line += countLines(text, start, at);
  }
}

/** Whether its line is a comment up to there: to OpenSSL a block begins with its line. */
function isCommentedOut(text: string, from: number, start: number): boolean {
  return /(?:^|\n)[ \t]*#[# \t]*$/.test(text.slice(Math.max(from, start - longestIndent), start));
}

/** Characters. Blocks by the thousand may stand on one line. */
const longestIndent = 40;

function countLines(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) if (text.charCodeAt(at) === 0x0a) count++;
  return count;
}

const truncated = 'The text was cut off: copy it again, from the first BEGIN line to the last END line.';

/** Undoes what environment variables, JSON and headers do to line ends. */
function straighten(text: string): string {
  let straight = text;
  if (text.length > maxEscaped && /\\|-----BEGIN%20/.test(text))
    throw new Problem(
      'FILE_TOO_LARGE',
      'is a long text whose line ends are written as \\n or %0A',
      'Write it with line ends of its own: printf "%b".',
    );
  if (straight.includes('-----BEGIN%20')) straight = straight.replace(/%[0-9A-Fa-f]{2}/g, unescapePercent);
  if (straight.includes('\\'))
    straight = straight.replace(/(?<!\\)\\+[rnt]/g, '\n').replace(/(?<!\\)\\+\//g, '/');
  return straight.includes('\r') ? withoutReturns(straight) : straight;
}

/** Code by code: a pattern takes a third of a second for some megabytes of nothing but returns. */
function withoutReturns(text: string): string {
  const units = Buffer.from(text, 'utf16le');
  let length = 0;
  let previous = 0;
  for (let at = 0; at < units.length; at += 2) {
    const unit = units[at]! | (units[at + 1]! << 8);
    if (unit !== 0x0a || previous !== 0x0d) {
      units[length++] = unit === 0x0d ? 0x0a : units[at]!;
      units[length++] = units[at + 1]!;
    }
    previous = unit;
  }
  const straight = units.toString('utf16le', 0, length);
  units.fill(0);
  return straight;
}

/** No variable, header or JSON value of one identity is longer. */
export const maxEscaped: number = 2 ** 20;

function unescapePercent(triplet: string): string {
  return String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
}

function readBlock(label: string, body: string, before: string, line: number): PemBlock {
  const head = body.slice(0, headLength(body));
  const dek = /DEK-Info:\s*([A-Za-z0-9-]{1,40})\s*(?:,\s*([0-9A-Fa-f]{2,64}))?/i.exec(head);
  const encrypted = /Proc-Type:\s*4\s*,\s*ENCRYPTED/i.test(head);
  if (encrypted && dek === null && !label.startsWith('PGP'))
    throw corrupt(`has an encrypted ${printable(label)} block without its DEK-Info header`);
  const named = before.lastIndexOf('friendlyName:');
  const friendlyName =
    named < 0 ? undefined : /:[ \t]*([^\n]{1,200})/.exec(before.slice(named, named + 300))?.[1]?.trim();
  return {
    label,
    line,
    ...decodeBody(label, body),
    encryption:
      dek === null ? undefined : { cipher: dek[1]!.toLowerCase(), iv: Buffer.from(dek[2] ?? '', 'hex') },
    encrypted,
    friendlyName,
  };
}

/** How much of a body is looked at for headers: whole lines, where it has some. */
function headLength(body: string): number {
  if (body.length <= longestHead) return body.length;
  return body.lastIndexOf('\n', longestHead) + 1 || longestHead;
}

const longestHead = 16_384;

function decodeBody(label: string, body: string): Pick<PemBlock, 'bytes' | 'damage'> {
  const headers = headLength(body);
  let base64 = body;
  if (base64.includes(':'))
    base64 = base64
      .slice(0, headers)
      .replace(/Proc-Type:\s*4\s*,\s*[A-Z-]{1,20}/gi, '')
      .replace(/DEK-Info:\s*[A-Za-z0-9-]{1,40}\s*(?:,\s*[0-9A-Fa-f]{2,64})?/gi, '')
      .split('\n')
      .filter((line) => !line.includes(':'))
      .join('\n')
      .concat(body.slice(headers));
  const bytes = decodeBase64(base64);
  if (bytes === undefined)
    return {
      bytes,
      damage: corrupt(
        `has characters in its ${printable(label)} block that are not base64`,
        'The text was changed on its way: copy it again, or ask for the file itself.',
      ),
    };
  return bytes.length === 0
    ? { bytes: undefined, damage: corrupt(`has an empty ${printable(label)} block`) }
    : { bytes, damage: undefined };
}

/** The bytes of standard or URL-safe base64 with any blank space in it; undefined for anything else. */
export function decodeBase64(text: string): Buffer | undefined {
  if (/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) return ofWholeBytes(text, text.replace(/=+$/, '').length);
  // Letter by letter: to take out what is blank by a pattern takes a quarter of a second for some megabytes of them.
  // It may be a key, and other Buffers are to have no part of it.
  const compact = Buffer.allocUnsafeSlow(text.length);
  let length = 0;
  let padding = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const kind = code < 0x80 ? kinds[code] : wideBlanks.has(code) ? blank : 0;
    if (kind === digit && padding === 0) compact[length++] = code;
    else if (code === 0x3d && padding < 2) padding++;
    else if (kind !== blank) return undefined;
  }
  return ofWholeBytes(compact.toString('latin1', 0, length), length);
}

/** @param length Without what fills up the last four digits: one digit alone is no byte. */
function ofWholeBytes(base64: string, length: number): Buffer | undefined {
  return length % 4 === 1 ? undefined : Buffer.from(base64, 'base64');
}

const digit = 1;
const blank = 2;

/** What each character of ASCII is. */
const kinds: Uint8Array = Uint8Array.from({ length: 0x80 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[A-Za-z0-9+/_-]/.test(character) ? digit : /\s/.test(character) ? blank : 0;
});

/** All else that a pattern calls blank, and two that have no width. */
const wideBlanks: ReadonlySet<number> = new Set([
  ...[0xa0, 0x1680, 0x2028, 0x2029, 0x202f, 0x205f, 0x2060, 0x3000, 0xfeff],
  ...Array.from({ length: 12 }, (_, index) => 0x2000 + index),
]);

/** A label as messages print it. */
export function printable(label: string): string {
  return label.replace(/[^A-Z0-9 #.-]/gi, '?').slice(0, 40);
}
