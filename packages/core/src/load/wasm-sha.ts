import { type Code, laneSelect, lanes32, scalar32, scalar64, type Word } from './wasm-assembler.ts';

/** How to write the compression function of one hash. */
export interface CompressionFunction {
  readonly word: Word;
  /** Words in the digest. */
  readonly size: number;
  /** Locals: the count, the digest, the state, the schedule and scratch. */
  readonly locals: number;
  /** Writes the compression of one digest, padded to a block, which leaves the new digest in its locals. */
  write(code: Code): void;
}

/** The hashes that real files count with. */
export const compressionFunctions: Readonly<Record<string, () => CompressionFunction>> = {
  sha1: () => sha1,
  sha256: () => sha2(scalar32, 8, squareRoots(32n, 0)),
  sha384: () => sha2(scalar64, 6, squareRoots(64n, 8)),
  sha512: () => sha2(scalar64, 8, squareRoots(64n, 0)),
};

/** FIPS 180-4 section 6.1.2, unrolled. Locals: digest 1…5, state 6…10, schedule 11…26. */
const sha1: CompressionFunction = {
  word: lanes32,
  size: 5,
  locals: 26,
  write(code) {
    const { add, xor } = lanes32;
    const initial = [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n, 0xc3d2e1f0n];
    const keys = [0x5a827999n, 0x6ed9eba1n, 0x8f1bbcdcn, 0xca62c1d6n];
    const schedule = (t: number): number => 11 + (t % 16);
    for (let t = 0; t < 16; t++) {
      if (t < 5) code.get(1 + t);
      else code.constant(t === 5 ? 0x80000000n : t === 15 ? 160n : 0n);
      code.set(schedule(t));
    }
    for (let i = 0; i < 5; i++) {
      code.constant(initial[i]!);
      code.set(6 + i);
    }
    let [a, b, c, d, e] = [6, 7, 8, 9, 10] as [number, number, number, number, number];
    for (let t = 0; t < 80; t++) {
      const w = schedule(t);
      if (t >= 16) {
        code.get(schedule(t - 3), schedule(t - 8));
        code.op(xor);
        code.get(schedule(t - 14));
        code.op(xor);
        code.get(w);
        code.op(xor);
        code.set(w);
        code.rotate(w, 1);
        code.set(w);
      }
      // Ch as a select by b; Maj as a select by where b and c differ; Parity.
      if (t < 20) {
        code.get(c, d, b);
        code.op(laneSelect);
      } else if (t >= 40 && t < 60) {
        code.get(d, b, b, c);
        code.op(xor);
        code.op(laneSelect);
      } else {
        code.get(b, c);
        code.op(xor);
        code.get(d);
        code.op(xor);
      }
      code.get(e);
      code.op(add);
      code.constant(keys[Math.floor(t / 20)]!);
      code.get(w);
      code.op(add);
      code.op(add);
      code.rotate(a, 5);
      code.op(add);
      code.set(e);
      code.rotate(b, 30);
      code.set(b);
      [a, b, c, d, e] = [e, a, b, c, d];
    }
    for (const [i, local] of [a, b, c, d, e].entries()) {
      code.get(local);
      code.constant(initial[i]!);
      code.op(add);
      code.set(1 + i);
    }
  },
};

/** FIPS 180-4 sections 6.2.2 and 6.4.2, unrolled. Locals: digest 1…8, state 9…16, schedule 17…32, scratch 33. */
function sha2(word: Word, size: number, initial: readonly bigint[]): CompressionFunction {
  return { word, size, locals: 33, write: (code) => writeSha2(code, word, size, initial) };
}

function writeSha2(code: Code, word: Word, size: number, initial: readonly bigint[]): void {
  const { add, xor, and } = word;
  const bits = word.bytes * 8;
  const wide = bits === 64;
  const rotations = wide
    ? { s0: [1, 8], s1: [19, 61], S0: [28, 34, 39], S1: [14, 18, 41] }
    : { s0: [7, 18], s1: [17, 19], S0: [2, 13, 22], S1: [6, 11, 25] };
  const shifts = wide ? { s0: 7, s1: 6 } : { s0: 3, s1: 10 };
  const twoRotations = (at: number, [first, second]: number[]): void => {
    code.rotate(at, bits - first!);
    code.rotate(at, bits - second!);
    code.op(xor);
  };
  const small = (at: number, name: 's0' | 's1'): void => {
    twoRotations(at, rotations[name]);
    code.shift(at, shifts[name]);
    code.op(xor);
  };
  const big = (at: number, name: 'S0' | 'S1'): void => {
    twoRotations(at, rotations[name]);
    code.rotate(at, bits - rotations[name][2]!);
    code.op(xor);
  };
  const schedule = (t: number): number => 17 + (t % 16);
  const keys = cubeRoots(BigInt(bits), wide ? 80 : 64);
  for (let t = 0; t < 16; t++) {
    if (t < size) code.get(1 + t);
    else code.constant(t === size ? 1n << BigInt(bits - 1) : t === 15 ? BigInt(size * bits) : 0n);
    code.set(schedule(t));
  }
  for (let i = 0; i < 8; i++) {
    code.constant(initial[i]!);
    code.set(9 + i);
  }
  let order = [9, 10, 11, 12, 13, 14, 15, 16];
  for (let t = 0; t < keys.length; t++) {
    const [a, b, c, d, e, f, g, h] = order as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const w = schedule(t);
    if (t >= 16) {
      code.get(w);
      small(schedule(t - 15), 's0');
      code.op(add);
      code.get(schedule(t - 7));
      code.op(add);
      small(schedule(t - 2), 's1');
      code.op(add);
      code.set(w);
    }
    // T1 = h + K + W + Σ1(e) + Ch(e, f, g), with Ch = g ^ (e & (f ^ g))
    code.get(h);
    code.constant(keys[t]!);
    code.op(add);
    code.get(w);
    code.op(add);
    big(e, 'S1');
    code.op(add);
    code.get(f, g);
    code.op(xor);
    code.get(e);
    code.op(and);
    code.get(g);
    code.op(xor);
    code.op(add);
    code.set(33);
    code.get(d, 33);
    code.op(add);
    code.set(d);
    // T2 = Σ0(a) + Maj(a, b, c), with Maj = b ^ ((a ^ b) & (b ^ c))
    code.get(a, b);
    code.op(xor);
    code.get(c, b);
    code.op(xor);
    code.op(and);
    code.get(b);
    code.op(xor);
    big(a, 'S0');
    code.op(add);
    code.get(33);
    code.op(add);
    code.set(h);
    order = [h, a, b, c, d, e, f, g];
  }
  for (let i = 0; i < size; i++) {
    code.get(order[i]!);
    code.constant(initial[i]!);
    code.op(add);
    code.set(1 + i);
  }
}

/** The first `bits` bits of the fractional parts of the cube roots of primes (FIPS 180-4 section 4.2). */
function cubeRoots(bits: bigint, count: number): bigint[] {
  return primes(count).map((prime) => fraction(prime, 3n, Math.cbrt(prime), bits));
}

/** … and of the square roots of eight primes (section 5.3). */
function squareRoots(bits: bigint, skip: number): bigint[] {
  return primes(skip + 8)
    .slice(skip)
    .map((prime) => fraction(prime, 2n, Math.sqrt(prime), bits));
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++)
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  return found;
}

/** 32 bits are in a double; for more, its estimate is brought to the integer root by Newton's method from above. */
function fraction(prime: number, degree: bigint, estimate: number, bits: bigint): bigint {
  if (bits === 32n) return BigInt(Math.floor((estimate % 1) * 2 ** 32));
  const value = BigInt(prime) << (degree * bits);
  let root = (BigInt(Math.ceil(estimate * 2 ** 48)) + 1n) << (bits - 48n);
  for (;;) {
    const next = ((degree - 1n) * root + value / root ** (degree - 1n)) / degree;
    if (next >= root) return BigInt.asUintN(Number(bits), root);
    root = next;
  }
}
