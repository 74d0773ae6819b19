import { createDecipheriv, createHash, createHmac } from 'node:crypto';
import { Malformed, u8, u16, vector } from './bytes.ts';

/** The AEAD of a TLS 1.3 cipher suite, and its hash. */
const SUITES: Readonly<Record<number, { hash: string; cipher: string; keyLength: number }>> = {
  4865: { hash: 'sha256', cipher: 'aes-128-gcm', keyLength: 16 },
  4866: { hash: 'sha384', cipher: 'aes-256-gcm', keyLength: 32 },
  4867: { hash: 'sha256', cipher: 'chacha20-poly1305', keyLength: 32 },
};

export function hashOf(suite: number): string {
  const known = SUITES[suite];
  if (known === undefined) throw new Malformed('the server chose a cipher suite that was not offered');
  return known.hash;
}

/** Opens the records that a server sends before the handshake is done (RFC 8446, sections 5.2 and 7.1). */
export class HandshakeRecords {
  readonly #suite: { hash: string; cipher: string; keyLength: number };
  readonly #key: Buffer;
  readonly #iv: Buffer;
  #sequence = 0n;

  /** @param transcript Everything from the ClientHello to the ServerHello. */
  constructor(suite: number, shared: Buffer, transcript: Buffer) {
    const hash = hashOf(suite);
    this.#suite = SUITES[suite]!;
    const zeros = Buffer.alloc(createHash(hash).digest().length);
    const empty = createHash(hash).digest();
    const early = extract(hash, zeros, zeros);
    const derived = expandLabel(hash, early, 'derived', empty, zeros.length);
    const handshake = extract(hash, derived, shared);
    const spoken = createHash(hash).update(transcript).digest();
    const secret = expandLabel(hash, handshake, 's hs traffic', spoken, zeros.length);
    this.#key = expandLabel(hash, secret, 'key', Buffer.alloc(0), this.#suite.keyLength);
    this.#iv = expandLabel(hash, secret, 'iv', Buffer.alloc(0), 12);
  }

  /** What a record of type `application_data` holds: its inner type and contents. */
  open(header: Buffer, record: Buffer): { type: number; contents: Buffer } {
    if (record.length < 17) throw new Malformed('an encrypted record is too short');
    const nonce = Buffer.from(this.#iv);
    nonce.writeBigUInt64BE(nonce.readBigUInt64BE(4) ^ this.#sequence++, 4);
    const { cipher } = this.#suite;
    const decipher = createDecipheriv(cipher as 'aes-128-gcm', this.#key, nonce, { authTagLength: 16 });
    decipher.setAAD(header).setAuthTag(record.subarray(-16));
    let plain: Buffer;
    try {
      plain = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
    } catch {
      throw new Malformed('an encrypted record does not open');
    }
    let end = plain.length - 1;
    while (end >= 0 && plain[end] === 0) end--;
    if (end < 0) throw new Malformed('an encrypted record has no type');
    return { type: plain[end]!, contents: plain.subarray(0, end) };
  }
}

function extract(hash: string, salt: Buffer, input: Buffer): Buffer {
  return createHmac(hash, salt).update(input).digest();
}

/** HKDF-Expand-Label, RFC 8446, section 7.1; no output here is longer than the hash. */
function expandLabel(hash: string, secret: Buffer, label: string, context: Buffer, length: number): Buffer {
  const info = Buffer.concat([
    u16(length),
    vector(1, Buffer.from(`tls13 ${label}`)),
    vector(1, context),
    u8(1),
  ]);
  return createHmac(hash, secret).update(info).digest().subarray(0, length);
}
