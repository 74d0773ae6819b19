import { createCipheriv, createHmac, pbkdf2Sync, scryptSync } from 'node:crypto';
import { encode, encodeOid } from '../../src/load/der.ts';

/** Writes files that no tool at hand writes. Everything is DER unless it says otherwise. */

export const sequence = (...parts: Uint8Array[]): Buffer => encode(0x30, ...parts);
export const oid = encodeOid;
export const octets = (bytes: Uint8Array): Buffer => encode(0x04, bytes);
const nil: Buffer = encode(0x05);

export function integer(value: number | bigint): Buffer {
  let hex = value.toString(16);
  if (hex.length % 2 === 1) hex = `0${hex}`;
  if (Number.parseInt(hex.slice(0, 2), 16) >= 0x80) hex = `00${hex}`;
  return encode(0x02, Buffer.from(hex, 'hex'));
}

const data = '1.2.840.113549.1.7.1';
const pkcs12Bags = '1.2.840.113549.1.12.10.1';
const salt: Buffer = Buffer.from('0123456789abcdef', 'hex');

export function certificateBag(der: Uint8Array, friendlyName?: string): Buffer {
  const value = sequence(oid('1.2.840.113549.1.9.22.1'), encode(0xa0, octets(der)));
  return bag(3, value, friendlyName);
}

export function keyBag(pkcs8: Uint8Array, friendlyName?: string): Buffer {
  return bag(1, pkcs8, friendlyName);
}

export function shroudedBag(encrypted: Uint8Array, friendlyName?: string): Buffer {
  return bag(2, encrypted, friendlyName);
}

export function bag(kind: number, value: Uint8Array, friendlyName?: string): Buffer {
  const attributes =
    friendlyName === undefined
      ? []
      : [
          encode(
            0x31,
            sequence(
              oid('1.2.840.113549.1.9.20'),
              encode(0x31, encode(0x1e, Buffer.from(friendlyName, 'utf16le').swap16())),
            ),
          ),
        ];
  return sequence(oid(`${pkcs12Bags}.${kind}`), encode(0xa0, value), ...attributes);
}

/** ContentInfo of type data around safe contents. */
export function safe(...bags: Uint8Array[]): Buffer {
  return sequence(oid(data), encode(0xa0, octets(sequence(...bags))));
}

/** ContentInfo of type encryptedData. */
export function encryptedSafe(algorithm: Uint8Array, ciphertext: Uint8Array): Buffer {
  const info = sequence(oid(data), algorithm, encode(0x80, ciphertext));
  return sequence(oid('1.2.840.113549.1.7.6'), encode(0xa0, sequence(integer(0), info)));
}

export function pfx(safes: Uint8Array[], mac?: (content: Buffer) => Uint8Array): Buffer {
  const content = sequence(...safes);
  return sequence(
    integer(3),
    sequence(oid(data), encode(0xa0, octets(content))),
    ...(mac === undefined ? [] : [mac(content)]),
  );
}

/** MacData with any parameters; its digest is right for PBMAC1 only. */
export function macData(rounds: number | bigint): (content: Buffer) => Buffer {
  const digest = sequence(sequence(oid('2.16.840.1.101.3.4.2.1'), nil), octets(Buffer.alloc(32)));
  return () => sequence(digest, octets(salt), integer(rounds));
}

/** PBMAC1, RFC 9579 section 5. */
export function pbmac1(passphrase: string, rounds = 1000): (content: Buffer) => Buffer {
  return (content) => {
    const key = pbkdf2Sync(passphrase, salt, rounds, 32, 'sha256');
    const digest = createHmac('sha256', key).update(content).digest();
    const hmac = sequence(oid('1.2.840.113549.2.9'), nil);
    const kdf = sequence(
      oid('1.2.840.113549.1.5.12'),
      sequence(octets(salt), integer(rounds), integer(32), hmac),
    );
    const algorithm = sequence(oid('1.2.840.113549.1.5.14'), sequence(kdf, hmac));
    return sequence(sequence(algorithm, octets(digest)), octets(Buffer.from('unused')), integer(1));
  };
}

const iv: Buffer = Buffer.alloc(16, 7);

/** AlgorithmIdentifier of PBES2 with PBKDF2 (RFC 8018 appendix A.4) and AES-256-CBC. */
export function pbes2(rounds: number | bigint, prf = '1.2.840.113549.2.9'): Buffer {
  const kdf = sequence(
    oid('1.2.840.113549.1.5.12'),
    sequence(octets(salt), integer(rounds), sequence(oid(prf), nil)),
  );
  return pbes2With(kdf);
}

/** … and with scrypt (RFC 7914 section 7). */
export function pbes2Scrypt(n: number | bigint, r: number, p: number): Buffer {
  return pbes2With(
    sequence(oid('1.3.6.1.4.1.11591.4.11'), sequence(octets(salt), integer(n), integer(r), integer(p))),
  );
}

function pbes2With(kdf: Uint8Array): Buffer {
  const cipher = sequence(oid('2.16.840.1.101.3.4.1.42'), octets(iv));
  return sequence(oid('1.2.840.113549.1.5.13'), sequence(kdf, cipher));
}

export function encryptAes(
  plain: Uint8Array,
  passphrase: string | Buffer,
  rounds: number,
  hash = 'sha256',
): Buffer {
  return encryptWith(pbkdf2Sync(passphrase, salt, rounds, 32, hash), plain);
}

export function encryptScrypt(
  plain: Uint8Array,
  passphrase: string,
  n: number,
  r: number,
  p: number,
): Buffer {
  return encryptWith(scryptSync(passphrase, salt, 32, { N: n, r, p, maxmem: 2 ** 28 }), plain);
}

function encryptWith(key: Buffer, plain: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  return Buffer.concat([cipher.update(plain), cipher.final()]);
}

/** The same value in BER: indefinite lengths for everything constructed, octet strings in chunks. */
export function toBer(der: Buffer, chunk = 7): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < der.length; ) {
    const tag = der[at]!;
    let length = der[at + 1]!;
    let from = at + 2;
    if (length > 0x80) {
      from += length & 0x7f;
      length = der.readUIntBE(at + 2, length & 0x7f);
    }
    const contents = der.subarray(from, from + length);
    if ((tag & 0x20) !== 0) parts.push(Buffer.from([tag, 0x80]), toBer(contents, chunk), Buffer.alloc(2));
    else if (tag === 0x04) {
      parts.push(Buffer.from([0x24, 0x80]));
      for (let start = 0; start < contents.length; start += chunk)
        parts.push(octets(contents.subarray(start, start + chunk)));
      parts.push(Buffer.alloc(2));
    } else parts.push(der.subarray(at, from + length));
    at = from + length;
  }
  return Buffer.concat(parts);
}

/** The outer levels in BER of indefinite length, the certificates inside in DER, as they must be. */
export function indefinite(der: Buffer, levels = 4): Buffer {
  if (levels === 0 || (der[0]! & 0x20) === 0) return der;
  const parts: Buffer[] = [Buffer.from([der[0]!, 0x80])];
  let at = 2 + (der[1]! > 0x80 ? der[1]! & 0x7f : 0);
  while (at < der.length) {
    let length = der[at + 1]!;
    let from = at + 2;
    if (length > 0x80) {
      from += length & 0x7f;
      length = der.readUIntBE(at + 2, length & 0x7f);
    }
    parts.push(indefinite(der.subarray(at, from + length), levels - 1));
    at = from + length;
  }
  return Buffer.concat([...parts, Buffer.alloc(2)]);
}
