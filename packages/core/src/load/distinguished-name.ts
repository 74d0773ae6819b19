import { contentsOf, type Element, encodingOf, open, SEQUENCE } from './der.ts';

const SET = 0x31;

/**
 * A name in the form in which two names are compared, RFC 5280 section 7.1: neither the type of a string, nor its
 * case, nor the amount of blank space makes a difference; the order of the parts does, except within one RDN. What is
 * longer than any name is compared byte by byte.
 */
export function comparable(name: Element): string {
  if (name.end - name.start > longestName) return `#${encodingOf(name).toString('latin1')}`;
  return open(name, SEQUENCE)
    .map((rdn) => open(rdn, SET).map(comparableAttribute).sort().join('+'))
    .join(',');
}

function comparableAttribute(attribute: Element): string {
  const [type, value] = open(attribute, SEQUENCE);
  const text = value === undefined ? undefined : textOf(value);
  const folded =
    text === undefined
      ? `#${value === undefined ? '' : encodingOf(value).toString('hex')}`
      : JSON.stringify(text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' '));
  return [type === undefined ? '' : contentsOf(type).toString('hex'), folded].join('=');
}

/** The text of a DirectoryString, or of the other string types that stand in names; undefined for anything else. */
function textOf(value: Element): string | undefined {
  const encoding = encodings[value.tag];
  const bytes = contentsOf(value);
  if (encoding === undefined || bytes.length > longestText) return undefined;
  if (encoding === 'ucs2')
    return bytes.length % 2 === 0 ? Buffer.from(bytes).swap16().toString('utf16le') : undefined;
  if (encoding === 'ucs4') return bytes.length % 4 === 0 ? wideText(bytes) : undefined;
  return bytes.toString(encoding);
}

/** Bytes. To put accents in order, as NFKC does, takes as long as the square of how many stand on one letter. */
const longestText = 1024;
const longestName = 16_384;

/** By tag. TeletexString is Latin-1 in practice, whatever its standard says. */
const encodings: Readonly<Record<number, 'utf8' | 'latin1' | 'ucs2' | 'ucs4'>> = {
  12: 'utf8', // UTF8String
  18: 'latin1', // NumericString
  19: 'latin1', // PrintableString
  20: 'latin1', // TeletexString
  22: 'latin1', // IA5String
  26: 'latin1', // VisibleString
  28: 'ucs4', // UniversalString
  30: 'ucs2', // BMPString
};

function wideText(bytes: Buffer): string | undefined {
  let text = '';
  for (let at = 0; at < bytes.length; at += 4) {
    const point = bytes.readUInt32BE(at);
    if (point > 0x10ffff) return undefined;
    text += String.fromCodePoint(point);
  }
  return text;
}
