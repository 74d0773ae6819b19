/** The DER (X.690) that the command reads of certificates that were parsed before, and writes. */
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

export function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length: number[] = [];
  for (let rest = body.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
  const head = body.length < 0x80 ? [body.length] : [0x80 | length.length, ...length];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift(0x80 | (left % 128));
    return groups;
  });
  return der(0x06, Buffer.from(bytes));
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);

/** PEM armour (RFC 7468), with a newline at its end. */
export function pem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** The parts of a certificate that are taken over into another file, RFC 5280, section 4.1. */
export function partsOf(certificate: Buffer): { subject: Buffer; extensions: ReadonlyMap<string, Buffer> } {
  const fields = readInside(readInside(certificate)[0]!.encoding);
  if (fields[0]?.tag === 0xa0) fields.shift();
  const subject = fields[4]!.encoding;
  const wrapped = fields.find(({ tag }) => tag === 0xa3);
  const extensions = new Map<string, Buffer>();
  for (const extension of wrapped ? readInside(readValues(wrapped.contents)[0]!.encoding) : []) {
    const parts = readValues(extension.contents);
    extensions.set(readOid(parts[0]!.contents), parts.at(-1)!.contents);
  }
  return { subject, extensions };
}
