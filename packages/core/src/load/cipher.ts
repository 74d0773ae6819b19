/// <reference path="./node-forge.d.ts" />
import { createDecipheriv, getCiphers } from 'node:crypto';
import { corrupt, Problem } from './problem.ts';
import { takeTurn } from './turn.ts';

/** A block or stream cipher as certificate files use it. Sizes in bytes. */
export interface Cipher {
  /** For people: `AES-256-CBC`. */
  readonly title: string;
  readonly keySize: number;
  readonly blockSize: number;
  /** OpenSSL 3 dropped it: no Node opens such a file by itself without a start flag. */
  readonly legacy: boolean;
  /** Takes keys of other sizes too; the parameters say which. */
  readonly variableKey?: boolean;
  /** Decrypts without looking at the padding. */
  decrypt(key: Buffer, iv: Buffer, data: Buffer): Buffer | Promise<Buffer>;
}

/** A CBC cipher that `node:crypto` has, under its OpenSSL name. */
function native(name: string, keySize: number, blockSize: number): Cipher {
  const title = name.replace('des-ede3', '3DES').replace('des-ede', '2-key 3DES').toUpperCase();
  return {
    title,
    keySize,
    blockSize,
    legacy: false,
    async decrypt(key, iv, data) {
      if (!getCiphers().includes(name))
        throw new Problem(
          'FORMAT_UNSUPPORTED',
          `is encrypted with ${title}, which the OpenSSL of this Node lacks`,
          'Decrypt it with a tool that has the cipher, for a key: openssl pkey -provider legacy -provider default -in FILE -aes256 -out key.pem',
        );
      return decryptNatively(name, key, iv, data);
    },
  };
}

/** The length of the key decides: old NSS said AES-128, asked for a key of 32 bytes, and encrypted with AES-256. */
function aes(keySize: number): Cipher {
  const sizes = new Map([16, 24, 32].map((size) => [size, native(`aes-${size * 8}-cbc`, size, 16)]));
  return {
    ...sizes.get(keySize)!,
    variableKey: true,
    decrypt(key, iv, data) {
      const sized = sizes.get(key.length);
      if (sized === undefined) throw corrupt('asks for a key of another length than its cipher takes');
      return sized.decrypt(key, iv, data);
    },
  };
}

async function decryptNatively(name: string, key: Buffer, iv: Buffer, data: Buffer): Promise<Buffer> {
  const decipher = createDecipheriv(name, key, iv).setAutoPadding(false);
  const plain = Buffer.alloc(data.length);
  let done = 0;
  for (let at = 0; at < data.length; at += stride) {
    if (at > 0) await takeTurn();
    const part = decipher.update(data.subarray(at, at + stride));
    part.copy(plain, done);
    done += part.length;
    part.fill(0);
  }
  decipher.final().copy(plain, done);
  return plain;
}

/** Bytes between two turns of the event loop: 3DES takes a millisecond for them. */
const stride = 32_768;

/** Single DES as triple DES with one key three times. */
const des: Cipher = {
  title: 'DES-CBC',
  keySize: 8,
  blockSize: 8,
  legacy: true,
  async decrypt(key, iv, data) {
    const tripled = Buffer.concat([key, key, key]);
    const plain = await decryptNatively('des-ede3-cbc', tripled, iv, data);
    tripled.fill(0);
    return plain;
  },
};

/** RC2 in CBC mode (RFC 2268), from node-forge, which is imported here and nowhere else. */
export function rc2(keySize: number, effectiveBits: number = keySize * 8): Cipher {
  return {
    title: `RC2-${effectiveBits}-CBC`,
    keySize,
    blockSize: 8,
    legacy: true,
    variableKey: true,
    async decrypt(key, iv, data) {
      const [{ default: forge }, { default: util }] = await Promise.all([
        import('node-forge/lib/rc2.js'),
        import('node-forge/lib/util.js'),
      ]);
      const plain = Buffer.alloc(data.length);
      for (let at = 0; at < data.length; at += rc2Stride) {
        const chunk = data.subarray(at, at + rc2Stride);
        const decipher = forge.createDecryptionCipher(key.toString('latin1'), effectiveBits);
        const previous = at === 0 ? iv : data.subarray(at - 8, at);
        decipher.start(previous.toString('latin1'));
        decipher.update(util.createBuffer(chunk.toString('latin1'), 'raw'));
        decipher.finish(() => true);
        plain.write(decipher.output.getBytes(), at, 'latin1');
        await takeTurn();
      }
      return plain;
    },
  };
}

/** Bytes of RC2 between two turns of the event loop. */
const rc2Stride = 16_384;

/** RC4 (ARCFOUR), RFC 6229: a stream cipher without IV and padding. */
export function rc4(keySize: number): Cipher {
  return {
    title: `RC4-${keySize * 8}`,
    keySize,
    blockSize: 1,
    legacy: true,
    async decrypt(key, _iv, data) {
      const state = Uint8Array.from({ length: 256 }, (_, index) => index);
      for (let i = 0, j = 0; i < 256; i++) {
        j = (j + state[i]! + key[i % key.length]!) & 255;
        swap(state, i, j);
      }
      const plain = Buffer.alloc(data.length);
      for (let at = 0, i = 0, j = 0; at < data.length; at++) {
        if (at > 0 && at % stride === 0) await takeTurn();
        i = (i + 1) & 255;
        j = (j + state[i]!) & 255;
        swap(state, i, j);
        plain[at] = data[at]! ^ state[(state[i]! + state[j]!) & 255]!;
      }
      state.fill(0);
      return plain;
    },
  };
}

function swap(state: Uint8Array, i: number, j: number): void {
  const kept = state[i]!;
  state[i] = state[j]!;
  state[j] = kept;
}

/** CBC ciphers by the names that OpenSSL writes into DEK-Info, in lower case. */
export const ciphers: Readonly<Record<string, Cipher>> = {
  'aes-128-cbc': aes(16),
  'aes-192-cbc': aes(24),
  'aes-256-cbc': aes(32),
  'des-ede3-cbc': native('des-ede3-cbc', 24, 8),
  'des-ede-cbc': native('des-ede-cbc', 16, 8),
  'des-cbc': des,
  'rc2-cbc': rc2(16),
  'rc2-64-cbc': rc2(8),
  'rc2-40-cbc': rc2(5),
  'camellia-128-cbc': native('camellia-128-cbc', 16, 16),
  'camellia-192-cbc': native('camellia-192-cbc', 24, 16),
  'camellia-256-cbc': native('camellia-256-cbc', 32, 16),
  'aria-128-cbc': native('aria-128-cbc', 16, 16),
  'aria-192-cbc': native('aria-192-cbc', 24, 16),
  'aria-256-cbc': native('aria-256-cbc', 32, 16),
  'sm4-cbc': native('sm4-cbc', 16, 16),
  'seed-cbc': native('seed-cbc', 16, 16),
  'idea-cbc': native('idea-cbc', 16, 8),
  'bf-cbc': native('bf-cbc', 16, 8),
  'cast5-cbc': native('cast5-cbc', 16, 8),
};

/** Decrypts and wipes the key. Data that does not fill its last block was cut. */
export async function decrypt(cipher: Cipher, key: Buffer, iv: Buffer, data: Buffer): Promise<Buffer> {
  if (data.length === 0 || data.length % cipher.blockSize !== 0)
    throw corrupt('holds encrypted data whose length no cipher produces');
  if (cipher.blockSize > 1 && iv.length !== cipher.blockSize)
    throw corrupt('holds an initialisation vector of the wrong length');
  try {
    return await cipher.decrypt(key, iv, data);
  } finally {
    key.fill(0);
  }
}
