import { spell } from './passphrase.ts';
import type { Scheme } from './scheme.ts';

/**
 * What came of decrypting: `open` with the plaintext; `damaged` where the passphrase evidently fits and the
 * content does not; `wrong` where nothing speaks for the passphrase.
 */
export type Decryption =
  | { status: 'open'; plain: Buffer; password: Buffer }
  | { status: 'damaged' | 'wrong' };

/** Tries the passphrase in every spelling, or in `spellings`, the likeliest first. */
export async function tryPassphrase(
  scheme: Scheme,
  data: Buffer,
  passphrase: string,
  spellings: Buffer[] = spell(passphrase, scheme.form),
): Promise<Decryption> {
  let status: 'damaged' | 'wrong' = 'wrong';
  for (const password of spellings) {
    const raw = await scheme.decrypt(password, data);
    const length = payloadLength(raw, scheme.cipher.blockSize);
    if (typeof length === 'number') return { status: 'open', plain: raw.subarray(0, length), password };
    if (length === 'damaged') status = length;
    raw.fill(0);
  }
  return { status };
}

/**
 * The length of the DER value that fills the decrypted bytes up to their padding, or why there is none.
 * Everything that is encrypted in certificate files is one DER SEQUENCE, so its header tells a wrong key from
 * damage more surely than the padding, which one wrong key in 256 satisfies.
 */
function payloadLength(raw: Buffer, blockSize: number): number | 'damaged' | 'wrong' {
  const [header, length] = sequenceLength(raw);
  const padding = raw.length - length;
  const fits = blockSize === 1 ? padding === 0 : padding >= 1 && padding <= blockSize;
  if (fits && raw.subarray(length).every((byte) => byte === padding)) return length;
  if (fits && startsLikePayload(raw, header)) return 'damaged';
  return telltales.some((oid) => raw.includes(oid)) ? 'damaged' : 'wrong';
}

/** Header size and total length of the SEQUENCE at the start; both 0 where there is none. */
function sequenceLength(raw: Buffer): readonly [header: number, total: number] {
  const first = raw[1] ?? 0;
  if (raw[0] !== 0x30 || raw.length < 4) return [0, 0];
  if (first < 0x80) return [2, 2 + first];
  const count = first & 0x7f;
  // Indefinite length: the end is where the padding says.
  if (count === 0) return [2, raw.length - raw.at(-1)!];
  if (count > 4 || raw.length < 2 + count) return [0, 0];
  return [2 + count, 2 + count + raw.readUIntBE(2, count)];
}

/** A PrivateKeyInfo begins with its version, SafeContents with the first bag. */
function startsLikePayload(raw: Buffer, at: number): boolean {
  return raw[at] === 0x30 || (raw[at] === 0x02 && raw[at + 1] === 1 && raw[at + 2]! <= 1);
}

/** Object identifiers that a private key or SafeContents cannot do without. */
const telltales = [
  '2a864886f70d0101', // pkcs-1: RSA keys
  '2a864886f70d010c', // pkcs-12: bags
  '2a8648ce3d0201', // EC public key
  '2a8648ce380401', // DSA
].map((hex) => Buffer.from(hex, 'hex'));
