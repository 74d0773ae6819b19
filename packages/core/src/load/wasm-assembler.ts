/** Code that is being written. It goes straight into the module: a first reading should not wait for it. */
export interface Code {
  byte(value: number): void;
  op(opcode: readonly number[]): void;
  /** Pushes locals. */
  get(...locals: number[]): void;
  /** Pops into a local. */
  set(local: number): void;
  constant(value: bigint): void;
  /** Pushes a local, rotated to the left. */
  rotate(local: number, count: number): void;
  /** Pushes a local, shifted to the right. */
  shift(local: number, count: number): void;
}

/** A module with one function `r` of one i32, and one page of memory `m`: section 5.5. */
const frame: readonly number[] = [
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 1, 0x7f, 0],
  ...[3, 2, 1, 0],
  ...[5, 3, 1, 0, 1],
  ...[7, 9, 2, 1, 0x6d, 2, 0, 1, 0x72, 0, 0],
];

/** A module whose one function has the body that `write` writes. */
export function assemble(word: Word, write: (code: Code) => void): Uint8Array<ArrayBuffer> {
  // The code section states its own size and that of its one function, in three bytes of LEB128 each.
  const start = frame.length + 8;
  const bytes = new Uint8Array(20_000);
  let at = start;
  const code = createCode(word, (value) => {
    bytes[at++] = value;
  });
  write(code);
  const size = at - start;
  bytes.set(frame);
  bytes.set([10, ...padded(size + 4), 1, ...padded(size)], frame.length);
  return bytes.slice(0, at);
}

function padded(value: number): number[] {
  return [(value & 0x7f) | 0x80, ((value >> 7) & 0x7f) | 0x80, value >> 14];
}

/** Opcodes on the words of a hash: WebAssembly core specification, section 5.4. */
export interface Word {
  readonly type: number;
  readonly bytes: number;
  readonly lanes: number;
  readonly load: readonly number[];
  readonly store: readonly number[];
  readonly add: readonly number[];
  readonly xor: readonly number[];
  readonly and: readonly number[];
  readonly shiftRight: readonly number[];
  /** Scalars rotate in one instruction, lanes in three. */
  readonly rotateLeft: readonly number[] | undefined;
}

export const lanes32: Word = {
  type: 0x7b,
  bytes: 4,
  lanes: 4,
  load: [0xfd, 0x00],
  store: [0xfd, 0x0b],
  add: [0xfd, 0xae, 0x01],
  xor: [0xfd, 0x51],
  and: [0xfd, 0x4e],
  shiftRight: [0xfd, 0xad, 0x01],
  rotateLeft: undefined,
};
const laneShiftLeft = [0xfd, 0xab, 0x01];
const laneOr = [0xfd, 0x50];
/** Takes bits of the first where the third has ones, of the second elsewhere. */
export const laneSelect: readonly number[] = [0xfd, 0x52];

export const scalar32: Word = {
  type: 0x7f,
  bytes: 4,
  lanes: 1,
  load: [0x28],
  store: [0x36],
  add: [0x6a],
  xor: [0x73],
  and: [0x71],
  shiftRight: [0x76],
  rotateLeft: [0x77],
};

export const scalar64: Word = {
  type: 0x7e,
  bytes: 8,
  lanes: 1,
  load: [0x29],
  store: [0x37],
  add: [0x7c],
  xor: [0x85],
  and: [0x83],
  shiftRight: [0x88],
  rotateLeft: [0x89],
};

function createCode(word: Word, byte: (value: number) => void): Code {
  const { lanes, bytes: size, rotateLeft, shiftRight } = word;
  const op = (opcode: readonly number[]): void => {
    for (let index = 0; index < opcode.length; index++) byte(opcode[index]!);
  };
  // There are fewer than 64 locals, and shifts by fewer than 64 bits: one byte of LEB128 holds either.
  const get = (local: number): void => {
    byte(0x20);
    byte(local);
  };
  const shiftBy = (local: number, count: number, opcode: readonly number[], type: number): void => {
    get(local);
    byte(type);
    byte(count);
    op(opcode);
  };
  const countType = size === 8 ? 0x42 : 0x41;
  return {
    byte,
    op,
    get(...locals) {
      for (let index = 0; index < locals.length; index++) get(locals[index]!);
    },
    set(local) {
      byte(0x21);
      byte(local);
    },
    constant(value) {
      if (lanes === 1) {
        byte(countType);
        if (size === 4) writeSigned32(Number(value) | 0, byte);
        else writeSigned64(BigInt.asIntN(64, value), byte);
        return;
      }
      op([0xfd, 0x0c]);
      const bits = Number(value);
      for (let index = 0; index < 16; index++) byte((bits >>> (8 * (index % 4))) & 255);
    },
    rotate(local, count) {
      if (rotateLeft !== undefined) {
        shiftBy(local, count, rotateLeft, countType);
        return;
      }
      shiftBy(local, count, laneShiftLeft, 0x41);
      shiftBy(local, 32 - count, shiftRight, 0x41);
      op(laneOr);
    },
    shift: (local, count) => shiftBy(local, count, shiftRight, countType),
  };
}

/** Signed LEB128, section 5.2.2. */
function writeSigned32(value: number, byte: (value: number) => void): void {
  for (let left = value; ; left >>= 7) {
    const low = left & 0x7f;
    if ((left >> 7 === 0 && low < 0x40) || (left >> 7 === -1 && low >= 0x40)) {
      byte(low);
      return;
    }
    byte(low | 0x80);
  }
}

function writeSigned64(value: bigint, byte: (value: number) => void): void {
  for (let left = value; ; left >>= 7n) {
    const low = Number(left & 0x7fn);
    if ((left >> 7n === 0n && low < 0x40) || (left >> 7n === -1n && low >= 0x40)) {
      byte(low);
      return;
    }
    byte(low | 0x80);
  }
}
