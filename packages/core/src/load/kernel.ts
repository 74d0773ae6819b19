/**
 * Hash functions that feed on their own output, as WebAssembly that is put together here. PKCS#12 counts its
 * rounds outside of any primitive that Node offers asynchronously, and one `createHash` per round costs many
 * times what the hash does. SHA-1 runs in four lanes (SIMD), because a file derives key, IV and MAC key from the
 * same count, independently; SHA-2 runs in one.
 */
export interface Kernel {
  readonly lanes: number;
  /** Puts a digest into a lane. */
  load(lane: number, digest: Buffer): void;
  /** Replaces the digest in every lane by its hash, `count` times. */
  run(count: number): void;
  /** Takes a digest out of a lane. */
  store(lane: number, digest: Buffer): void;
  /** Wipes all lanes. */
  clear(): void;
}

/** The part of the WebAssembly JavaScript API that is used; TypeScript declares it in its DOM library only. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => { readonly exports: { readonly m: { buffer: ArrayBuffer }; readonly r: (count: number) => void } };
}

const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyApi };

const built = new Map<string, Kernel | undefined>();

/** The kernel of a hash; undefined where there is none, or where this Node runs no WebAssembly (`--jitless`). */
export function kernelOf(hash: string): Kernel | undefined {
  if (built.has(hash)) return built.get(hash);
  const recipe = recipes[hash];
  const kernel = recipe === undefined || WebAssembly === undefined ? undefined : build(recipe(), WebAssembly);
  built.set(hash, kernel);
  return kernel;
}

/** What the code of one kernel is made from. */
interface Recipe {
  readonly word: Word;
  /** Words in the digest. */
  readonly size: number;
  /** Words in the hash's state. */
  readonly state: number;
  /** Locals beside the state and the digest. */
  readonly locals: number;
  /** Code of the compression of one digest, padded to a block; leaves the new digest in the digest's locals. */
  readonly compress: number[];
}

/** Opcodes on the words of a hash: WebAssembly core specification, section 5.4. */
interface Word {
  readonly type: number;
  readonly bytes: number;
  readonly lanes: number;
  readonly load: readonly number[];
  readonly store: readonly number[];
  readonly add: readonly number[];
  readonly xor: readonly number[];
  readonly and: readonly number[];
  constant(value: bigint): number[];
  /** Rotates the word on the stack's top, which is in local `at`, to the left. */
  rotate(at: number, count: number): number[];
}

/** There are fewer than 64 locals, and rotations by fewer than 64 bits: one byte of LEB128 holds either. */
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];

const lanes32: Word = {
  type: 0x7b,
  bytes: 4,
  lanes: 4,
  load: [0xfd, 0x00],
  store: [0xfd, 0x0b],
  add: [0xfd, 0xae, 0x01],
  xor: [0xfd, 0x51],
  and: [0xfd, 0x4e],
  constant(value) {
    const bytes = [0n, 8n, 16n, 24n].map((shift) => Number((value >> shift) & 255n));
    return [0xfd, 0x0c, ...bytes, ...bytes, ...bytes, ...bytes];
  },
  rotate: (at, count) => [
    ...get(at),
    ...[0x41, count, 0xfd, 0xab, 0x01],
    ...get(at),
    ...[0x41, 32 - count, 0xfd, 0xad, 0x01],
    ...[0xfd, 0x50],
  ],
};

const scalar32: Word = {
  type: 0x7f,
  bytes: 4,
  lanes: 1,
  load: [0x28],
  store: [0x36],
  add: [0x6a],
  xor: [0x73],
  and: [0x71],
  constant: (value) => [0x41, ...signed(BigInt.asIntN(32, value))],
  rotate: (at, count) => [...get(at), 0x41, count, 0x77],
};

const scalar64: Word = {
  type: 0x7e,
  bytes: 8,
  lanes: 1,
  load: [0x29],
  store: [0x37],
  add: [0x7c],
  xor: [0x85],
  and: [0x83],
  constant: (value) => [0x42, ...signed(BigInt.asIntN(64, value))],
  rotate: (at, count) => [...get(at), 0x42, count, 0x89],
};

const recipes: Readonly<Record<string, () => Recipe>> = {
  sha1: () => sha1(),
  sha256: () => sha2(scalar32, 8, squareRoots(32n, 0)),
  sha384: () => sha2(scalar64, 6, squareRoots(64n, 8)),
  sha512: () => sha2(scalar64, 8, squareRoots(64n, 0)),
};

/** FIPS 180-4 section 6.1.2, unrolled. Locals: digest 1…5, state 6…10, schedule 11…26. */
function sha1(): Recipe {
  const word = lanes32;
  const { add, xor, constant, rotate } = word;
  const initial = [0x67452301n, 0xefcdab89n, 0x98badcfen, 0x10325476n, 0xc3d2e1f0n];
  const keys = [0x5a827999n, 0x6ed9eba1n, 0x8f1bbcdcn, 0xca62c1d6n];
  const schedule = (t: number): number => 11 + (t % 16);
  const code: number[] = [];
  const padding = [...Array(10).fill(0n), 160n];
  padding[0] = 0x80000000n;
  for (let t = 0; t < 5; t++) code.push(...get(1 + t), ...set(schedule(t)));
  for (let t = 5; t < 16; t++) code.push(...constant(padding[t - 5]!), ...set(schedule(t)));
  for (let i = 0; i < 5; i++) code.push(...constant(initial[i]!), ...set(6 + i));
  let [a, b, c, d, e] = [6, 7, 8, 9, 10] as [number, number, number, number, number];
  for (let t = 0; t < 80; t++) {
    const w = schedule(t);
    if (t >= 16) {
      code.push(...get(schedule(t - 3)), ...get(schedule(t - 8)), ...xor);
      code.push(...get(schedule(t - 14)), ...xor, ...get(w), ...xor, ...set(w), ...rotate(w, 1), ...set(w));
    }
    const choose = [...get(c), ...get(d), ...get(b), 0xfd, 0x52];
    const parity = [...get(b), ...get(c), ...xor, ...get(d), ...xor];
    const majority = [...get(d), ...get(b), ...get(b), ...get(c), ...xor, 0xfd, 0x52];
    code.push(...[choose, parity, majority, parity][Math.floor(t / 20)]!);
    code.push(...get(e), ...add, ...constant(keys[Math.floor(t / 20)]!), ...get(w), ...add, ...add);
    code.push(...rotate(a, 5), ...add, ...set(e), ...rotate(b, 30), ...set(b));
    [a, b, c, d, e] = [e, a, b, c, d];
  }
  const order = [a, b, c, d, e];
  for (let i = 0; i < 5; i++) code.push(...get(order[i]!), ...constant(initial[i]!), ...add, ...set(1 + i));
  return { word, size: 5, state: 5, locals: 16, compress: code };
}

/** FIPS 180-4 sections 6.2.2 and 6.4.2, unrolled. Locals: digest 1…8, state 9…16, schedule 17…32, scratch 33. */
function sha2(word: Word, size: number, initial: readonly bigint[]): Recipe {
  const { add, xor, and, constant, rotate } = word;
  const bits = word.bytes * 8;
  const wide = bits === 64;
  const rotations = wide
    ? { s0: [1, 8], s1: [19, 61], S0: [28, 34, 39], S1: [14, 18, 41] }
    : { s0: [7, 18], s1: [17, 19], S0: [2, 13, 22], S1: [6, 11, 25] };
  const shifts = wide ? { s0: 7, s1: 6 } : { s0: 3, s1: 10 };
  const right = (at: number, count: number): number[] => rotate(at, bits - count);
  const shift = (at: number, count: number): number[] => [
    ...get(at),
    ...constant(BigInt(count)),
    wide ? 0x88 : 0x76,
  ];
  const small = (at: number, name: 's0' | 's1'): number[] => [
    ...right(at, rotations[name][0]!),
    ...right(at, rotations[name][1]!),
    ...xor,
    ...shift(at, shifts[name]),
    ...xor,
  ];
  const big = (at: number, name: 'S0' | 'S1'): number[] => [
    ...right(at, rotations[name][0]!),
    ...right(at, rotations[name][1]!),
    ...xor,
    ...right(at, rotations[name][2]!),
    ...xor,
  ];
  const schedule = (t: number): number => 17 + (t % 16);
  const keys = cubeRoots(BigInt(bits), wide ? 80 : 64);
  const code: number[] = [];
  for (let t = 0; t < size; t++) code.push(...get(1 + t), ...set(schedule(t)));
  for (let t = size; t < 16; t++) {
    const padding = t === size ? 1n << BigInt(bits - 1) : t === 15 ? BigInt(size * bits) : 0n;
    code.push(...constant(padding), ...set(schedule(t)));
  }
  for (let i = 0; i < 8; i++) code.push(...constant(initial[i]!), ...set(9 + i));
  let order = [9, 10, 11, 12, 13, 14, 15, 16];
  for (const [t, key] of keys.entries()) {
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
      code.push(...get(w), ...small(schedule(t - 15), 's0'), ...add, ...get(schedule(t - 7)), ...add);
      code.push(...small(schedule(t - 2), 's1'), ...add, ...set(w));
    }
    code.push(...get(h), ...constant(key), ...add, ...get(w), ...add, ...big(e, 'S1'), ...add);
    code.push(...get(f), ...get(g), ...xor, ...get(e), ...and, ...get(g), ...xor, ...add, ...set(33));
    code.push(...get(d), ...get(33), ...add, ...set(d));
    code.push(...get(a), ...get(b), ...xor, ...get(c), ...get(b), ...xor, ...and, ...get(b), ...xor);
    code.push(...big(a, 'S0'), ...add, ...get(33), ...add, ...set(h));
    order = [h, a, b, c, d, e, f, g];
  }
  for (let i = 0; i < size; i++)
    code.push(...get(order[i]!), ...constant(initial[i]!), ...add, ...set(1 + i));
  // Words that a shorter digest leaves out keep their locals, so that numbering is the same for all.
  return { word, size, state: 16 - size, locals: 17, compress: code };
}

/** The first `bits` bits of the fractional parts of the cube roots of primes (FIPS 180-4 section 4.2). */
function cubeRoots(bits: bigint, count: number): bigint[] {
  return primes(count).map((prime) => fraction(BigInt(prime) << (3n * bits), 3n, bits));
}

/** … and of the square roots of eight primes (section 5.3). */
function squareRoots(bits: bigint, skip: number): bigint[] {
  return primes(skip + 8)
    .slice(skip)
    .map((prime) => fraction(BigInt(prime) << (2n * bits), 2n, bits));
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++)
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  return found;
}

/** The low `bits` bits of the integer root, by Newton's method from above. */
function fraction(value: bigint, degree: bigint, bits: bigint): bigint {
  let root = 1n << (bits + 5n);
  for (;;) {
    const next = ((degree - 1n) * root + value / root ** (degree - 1n)) / degree;
    if (next >= root) return BigInt.asUintN(Number(bits), root);
    root = next;
  }
}

function build({ word, size, state, locals, compress }: Recipe, api: WebAssemblyApi): Kernel {
  const stride = word.bytes * word.lanes;
  // The alignment that an access states is a hint; 0 is always right.
  const access = (code: readonly number[], index: number): number[] => [
    ...code,
    0,
    ...unsigned(index * stride),
  ];
  const words = Array.from({ length: size }, (_, index) => index);
  const body = [
    ...[1, ...unsigned(size + state + locals), word.type],
    ...words.flatMap((index) => [0x41, 0, ...access(word.load, index), ...set(1 + index)]),
    ...[0x03, 0x40],
    ...compress,
    // count = count - 1; repeat while it is not 0
    ...[...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0],
    0x0b,
    ...words.flatMap((index) => [0x41, 0, ...get(1 + index), ...access(word.store, index)]),
    0x0b,
  ];
  const module = new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, 1, 0x6d, 2, 0, 1, 0x72, 0, 0]),
    ...section(10, [1, ...sized(body)]),
  ]);
  const { m, r } = new api.Instance(new api.Module(module)).exports;
  const memory = new DataView(m.buffer);
  const halves = word.bytes / 4;
  const at = (lane: number, half: number): number =>
    // Words are little-endian here, and so are the halves of a 64-bit word.
    halves === 1 ? half * stride + lane * 4 : (half >> 1) * 8 + (1 - (half & 1)) * 4;
  return {
    lanes: word.lanes,
    load(lane, digest) {
      for (let half = 0; half < size * halves; half++)
        memory.setUint32(at(lane, half), digest.readUInt32BE(half * 4), true);
    },
    run: r,
    store(lane, digest) {
      for (let half = 0; half < size * halves; half++)
        digest.writeUInt32BE(memory.getUint32(at(lane, half), true), half * 4);
    },
    clear() {
      new Uint8Array(memory.buffer, 0, size * stride).fill(0);
    },
  };
}

function section(id: number, contents: number[]): number[] {
  return [id, ...sized(contents)];
}

function sized(contents: number[]): number[] {
  return [...unsigned(contents.length), ...contents];
}

/** LEB128, section 5.2.2. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>>= 7) {
    if (left < 0x80) return [...bytes, left];
    bytes.push((left & 0x7f) | 0x80);
  }
}

function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left >>= 7n) {
    const low = Number(left & 0x7fn);
    if ((left >> 7n === 0n && low < 0x40) || (left >> 7n === -1n && low >= 0x40)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}
