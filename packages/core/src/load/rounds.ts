import { createHash } from 'node:crypto';

/** How long the event loop may be held before the others get their turn, in milliseconds. */
const turn = 8;

/**
 * Replaces `digest` by its hash, `rounds` times, each time followed by `suffix`. Gives the event loop a turn
 * every few milliseconds.
 */
export async function iterateHash(
  hash: string,
  digest: Buffer,
  rounds: number,
  suffix?: Buffer,
): Promise<void> {
  const compress = suffix === undefined ? kernels[hash] : undefined;
  const step = compress === undefined ? 250 : 1000;
  let began = performance.now();
  for (let left = rounds; left > 0; ) {
    const count = Math.min(left, step);
    if (compress === undefined) byNode(hash, digest, count, suffix);
    else compress(digest, count);
    left -= count;
    if (left > 0 && performance.now() - began > turn) {
      await new Promise((resolve) => setImmediate(resolve));
      began = performance.now();
    }
  }
}

function byNode(hash: string, digest: Buffer, count: number, suffix: Buffer | undefined): void {
  for (let round = 0; round < count; round++) {
    const next = createHash(hash).update(digest);
    if (suffix !== undefined) next.update(suffix);
    next.digest().copy(digest);
  }
}

/**
 * One call of `crypto.createHash` costs more than the compression it does, many times over, so the hashes that
 * real files count with are computed here: SHA-1 and SHA-256 of a message that is one digest long (FIPS 180-4).
 */
const kernels: Record<string, (digest: Buffer, count: number) => void> = { sha1, sha256 };

const schedule = new Int32Array(80);

function sha1(digest: Buffer, count: number): void {
  const w = schedule;
  let m0 = digest.readInt32BE(0);
  let m1 = digest.readInt32BE(4);
  let m2 = digest.readInt32BE(8);
  let m3 = digest.readInt32BE(12);
  let m4 = digest.readInt32BE(16);
  for (let round = 0; round < count; round++) {
    w[0] = m0;
    w[1] = m1;
    w[2] = m2;
    w[3] = m3;
    w[4] = m4;
    w[5] = 0x80000000 | 0;
    w.fill(0, 6, 15);
    w[15] = 160;
    for (let t = 16; t < 80; t++) {
      const x = w[t - 3]! ^ w[t - 8]! ^ w[t - 14]! ^ w[t - 16]!;
      w[t] = (x << 1) | (x >>> 31);
    }
    let a = 0x67452301;
    let b = 0xefcdab89 | 0;
    let c = 0x98badcfe | 0;
    let d = 0x10325476;
    let e = 0xc3d2e1f0 | 0;
    let t = 0;
    for (; t < 20; t++) {
      const x = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + 0x5a827999 + w[t]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = x;
    }
    for (; t < 40; t++) {
      const x = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + w[t]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = x;
    }
    for (; t < 60; t++) {
      const x = (((a << 5) | (a >>> 27)) + ((b & c) | (d & (b | c))) + e + 0x8f1bbcdc + w[t]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = x;
    }
    for (; t < 80; t++) {
      const x = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + w[t]!) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = x;
    }
    m0 = (a + 0x67452301) | 0;
    m1 = (b + 0xefcdab89) | 0;
    m2 = (c + 0x98badcfe) | 0;
    m3 = (d + 0x10325476) | 0;
    m4 = (e + 0xc3d2e1f0) | 0;
  }
  w.fill(0);
  digest.writeInt32BE(m0, 0);
  digest.writeInt32BE(m1, 4);
  digest.writeInt32BE(m2, 8);
  digest.writeInt32BE(m3, 12);
  digest.writeInt32BE(m4, 16);
}

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (FIPS 180-4 section 4.2.2). */
const cubeRoots = /* @__PURE__ */ fractions(64, Math.cbrt);
/** … and of the square roots of the first eight (section 5.3.3). */
const squareRoots = /* @__PURE__ */ fractions(8, Math.sqrt);

function fractions(count: number, root: (prime: number) => number): Int32Array {
  const primes: number[] = [];
  for (let candidate = 2; primes.length < count; candidate++)
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  return Int32Array.from(primes, (prime) => ((root(prime) % 1) * 2 ** 32) | 0);
}

const message = new Int32Array(8);

function sha256(digest: Buffer, count: number): void {
  const w = schedule;
  const k = cubeRoots;
  const m = message;
  for (let index = 0; index < 8; index++) m[index] = digest.readInt32BE(index * 4);
  for (let round = 0; round < count; round++) {
    w.set(m);
    w[8] = 0x80000000 | 0;
    w.fill(0, 9, 15);
    w[15] = 256;
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15]!;
      const y = w[t - 2]!;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
    }
    let a = squareRoots[0]!;
    let b = squareRoots[1]!;
    let c = squareRoots[2]!;
    let d = squareRoots[3]!;
    let e = squareRoots[4]!;
    let f = squareRoots[5]!;
    let g = squareRoots[6]!;
    let h = squareRoots[7]!;
    for (let t = 0; t < 64; t++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const x = (h + s1 + (g ^ (e & (f ^ g))) + k[t]! + w[t]!) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const y = (s0 + ((a & b) | (c & (a | b)))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + x) | 0;
      d = c;
      c = b;
      b = a;
      a = (x + y) | 0;
    }
    m[0] = a + squareRoots[0]!;
    m[1] = b + squareRoots[1]!;
    m[2] = c + squareRoots[2]!;
    m[3] = d + squareRoots[3]!;
    m[4] = e + squareRoots[4]!;
    m[5] = f + squareRoots[5]!;
    m[6] = g + squareRoots[6]!;
    m[7] = h + squareRoots[7]!;
  }
  for (let index = 0; index < 8; index++) digest.writeInt32BE(m[index]!, index * 4);
  w.fill(0);
  m.fill(0);
}
