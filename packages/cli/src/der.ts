/** The DER (X.690) that the command reads of certificates that were parsed before. */
export interface Value {
  readonly tag: number;
  readonly contents: Buffer;
  /** Tag, length and contents. */
  readonly encoding: Buffer;
}

/** The values that stand one after another in `bytes`. Throws where one does not fit. */
function readValues(bytes: Buffer): Value[] {
  const values: Value[] = [];
  for (let at = 0; at < bytes.length; ) {
    const first = bytes[at + 1] ?? 0x80;
    const count = first > 0x80 ? first & 0x7f : 0;
    const from = at + 2 + count;
    if (first === 0x80 || count > 4 || from > bytes.length) throw new RangeError('not DER');
    const to = from + (count === 0 ? first : bytes.readUIntBE(at + 2, count));
    if (to > bytes.length) throw new RangeError('not DER');
    values.push({ tag: bytes[at]!, contents: bytes.subarray(from, to), encoding: bytes.subarray(at, to) });
    at = to;
  }
  return values;
}

/** What stands in the one value that `bytes` are. */
export function readInside(bytes: Buffer): Value[] {
  return readValues(readValues(bytes)[0]?.contents ?? Buffer.alloc(0));
}

/** An OBJECT IDENTIFIER in dotted form, from its contents. */
export function readOid(contents: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of contents.subarray(0, 64)) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length > 0) arcs.push(arc);
    else {
      const root = Math.min(2, Math.floor(arc / 40));
      arcs.push(root, arc - root * 40);
    }
    arc = 0;
  }
  return arcs.join('.');
}
