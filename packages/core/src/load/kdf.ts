import { createHash, getHashes, pbkdf2, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { iterateHash } from './hash-iterations.ts';

/** Digest and block size in bytes of every hash that RFC 7292 appendix B is used with. */
const hashSizes: Record<string, readonly [digest: number, block: number]> = {
  md5: [16, 64],
  sha1: [20, 64],
  sha224: [28, 64],
  sha256: [32, 64],
  sha384: [48, 128],
  sha512: [64, 128],
  'sha512-224': [28, 128],
  'sha512-256': [32, 128],
  'sha3-224': [28, 144],
  'sha3-256': [32, 136],
  'sha3-384': [48, 104],
  'sha3-512': [64, 72],
  ripemd160: [20, 64],
  sm3: [32, 64],
};

export type Purpose = 'key' | 'iv' | 'mac';
const purposes: Record<Purpose, number> = { key: 1, iv: 2, mac: 3 };

/** Bytes that a known hash gives. */
export function digestSize(hash: string): number {
  return hashSizes[hash]![0];
}

/** Whether this Node can compute this hash. */
export function knowsHash(hash: string): boolean {
  return hash in hashSizes && getHashes().includes(hash);
}

/**
 * The key derivation of PKCS#12, RFC 7292 appendix B.2. `password` is the BMPString with its terminator, or
 * empty where there is none. Yields to the event loop while it counts.
 */
export async function pkcs12Kdf(
  hash: string,
  password: Buffer,
  salt: Buffer,
  rounds: number,
  purpose: Purpose,
  length: number,
): Promise<Buffer> {
  const [size, block] = hashSizes[hash]!;
  const input = Buffer.concat([stretch(salt, block), stretch(password, block)]);
  const diversifier = Buffer.alloc(block, purposes[purpose]);
  const output = Buffer.alloc(Math.ceil(length / size) * size);
  for (let done = 0; ; ) {
    const digest = createHash(hash).update(diversifier).update(input).digest();
    await iterateHash(hash, digest, rounds - 1);
    digest.copy(output, done);
    done += size;
    if (done >= length) {
      digest.fill(0);
      break;
    }
    for (let at = 0; at < input.length; at += block) addPlusOne(input, at, digest, block);
  }
  input.fill(0);
  return output.subarray(0, length);
}

/** Repeats `bytes` up to the next multiple of `block`. */
function stretch(bytes: Buffer, block: number): Buffer {
  return bytes.length === 0
    ? Buffer.alloc(0)
    : Buffer.alloc(Math.ceil(bytes.length / block) * block).fill(bytes);
}

/** I_j = (I_j + B + 1) mod 2^v, with B the digest repeated to the block (RFC 7292 appendix B.2 step 6C). */
function addPlusOne(input: Buffer, at: number, digest: Buffer, block: number): void {
  let carry = 1;
  for (let index = block - 1; index >= 0; index--) {
    carry += input[at + index]! + digest[index % digest.length]!;
    input[at + index] = carry & 0xff;
    carry >>= 8;
  }
}

/** PBKDF1, RFC 8018 section 5.1: key and IV of the PBES1 schemes of PKCS#5. */
export async function pbkdf1(hash: string, password: Buffer, salt: Buffer, rounds: number): Promise<Buffer> {
  const digest = createHash(hash).update(password).update(salt).digest();
  await iterateHash(hash, digest, rounds - 1);
  return digest;
}

/** PBKDF2, RFC 8018 section 5.2, on the thread pool. */
export const pbkdf2Kdf: (
  password: Buffer,
  salt: Buffer,
  rounds: number,
  length: number,
  hash: string,
) => Promise<Buffer> = promisify(pbkdf2);

interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** Bytes: where N is small, most of it is what goes in and what is mixed, and not the N blocks. */
export function scryptMemory({ N, r, p }: ScryptCost): number {
  return 128 * r * (N + p + 2);
}

/** scrypt, RFC 7914, on the thread pool; those that take much memory one after the other. */
export function scryptKdf(password: Buffer, salt: Buffer, length: number, cost: ScryptCost): Promise<Buffer> {
  const memory = scryptMemory(cost);
  const derive = (): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      scrypt(password, salt, length, { ...cost, maxmem: memory + 65_536 }, (error, key) =>
        error === null ? resolve(key) : reject(error),
      );
    });
  if (memory <= much) return derive();
  const derived = lastOfMuch.then(derive);
  lastOfMuch = derived.catch(() => {});
  return derived;
}

const much = 32 * 2 ** 20;
let lastOfMuch: Promise<unknown> = Promise.resolve();

/** OpenSSL's EVP_BytesToKey with MD5 and one round: the key of a traditional encrypted PEM block. */
export function bytesToKey(password: Buffer, salt: Buffer, length: number): Buffer {
  const output = Buffer.alloc(Math.ceil(length / 16) * 16);
  let last: Buffer = Buffer.alloc(0);
  for (let done = 0; done < length; done += 16) {
    last = createHash('md5').update(last).update(password).update(salt).digest();
    last.copy(output, done);
  }
  return output.subarray(0, length);
}

/**
 * PBEWithMD5AndTripleDES of the SunJCE provider, which protects keys in JCEKS stores: each half of the salt is
 * hashed with the password again and again; 24 bytes of key, then 8 of IV.
 */
export async function javaTripleDesKdf(password: Buffer, salt: Buffer, rounds: number): Promise<Buffer> {
  const halves = Buffer.from(salt);
  // Equal halves: the provider's own attempt at inverting the first one, slip of the index included.
  if (halves.subarray(0, 4).equals(halves.subarray(4, 8)))
    for (let index = 0; index < 2; index++) {
      const byte = halves[index]!;
      halves[index] = halves[3 - index]!;
      halves[2] = byte;
    }
  const parts = [halves.subarray(0, 4), halves.subarray(4, 8)];
  const digests = await Promise.all(
    parts.map(async (part) => {
      const digest = createHash('md5').update(part).update(password).digest();
      await iterateHash('md5', digest, rounds - 1, password);
      return digest;
    }),
  );
  return Buffer.concat(digests);
}
