import { assemble } from './wasm-assembler.ts';
import { type CompressionFunction, compressionFunctions } from './wasm-sha.ts';

/**
 * Hash functions that feed on their own output, as WebAssembly that is put together here. PKCS#12 counts its
 * rounds outside of any primitive that Node offers asynchronously, and one `createHash` per round costs many
 * times what the hash does. SHA-1 runs in four lanes (SIMD), because a file derives key, IV and MAC key from the
 * same count, independently; SHA-2 runs in one.
 */
export interface WasmHash {
  readonly hash: string;
  /** The module, for whoever runs it elsewhere, and the part of its memory that holds the digests. */
  readonly code: Uint8Array;
  readonly state: Uint8Array;
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

const built = new Map<string, WasmHash | undefined>();

/** The code of a hash; undefined where there is none, or where this Node runs no WebAssembly (`--jitless`). */
export function wasmHashOf(hash: string): WasmHash | undefined {
  if (built.has(hash)) return built.get(hash);
  const compression = compressionFunctions[hash];
  const wasm =
    compression === undefined || WebAssembly === undefined
      ? undefined
      : build(hash, compression(), WebAssembly);
  built.set(hash, wasm);
  return wasm;
}

function build(
  hash: string,
  { word, size, locals, write }: CompressionFunction,
  api: WebAssemblyApi,
): WasmHash {
  const stride = word.bytes * word.lanes;
  const code = assemble(word, (code) => {
    const access = (opcode: readonly number[], index: number): void => {
      code.op(opcode);
      // The alignment that an access states is a hint; 0 is always right. Then the offset.
      code.byte(0);
      code.byte(index * stride);
    };
    code.op([1, locals, word.type]);
    for (let index = 0; index < size; index++) {
      code.op([0x41, 0]);
      access(word.load, index);
      code.set(1 + index);
    }
    code.op([0x03, 0x40]);
    write(code);
    // count = count - 1; repeat while it is not 0
    code.op([0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b]);
    for (let index = 0; index < size; index++) {
      code.op([0x41, 0]);
      code.get(1 + index);
      access(word.store, index);
    }
    code.byte(0x0b);
  });
  const { m, r } = new api.Instance(new api.Module(code)).exports;
  const memory = new DataView(m.buffer);
  const halves = word.bytes / 4;
  const at = (lane: number, half: number): number =>
    // Words are little-endian here, and so are the halves of a 64-bit word.
    halves === 1 ? half * stride + lane * 4 : (half >> 1) * 8 + (1 - (half & 1)) * 4;
  const state = new Uint8Array(m.buffer, 0, size * stride);
  return {
    hash,
    code,
    state,
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
      state.fill(0);
    },
  };
}
