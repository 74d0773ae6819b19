/** The two files of node-forge that are used, so that the import stays small. */
declare module 'node-forge/lib/util.js' {
  export interface ByteBuffer {
    getBytes(): string;
  }
  const util: { createBuffer(bytes: string, encoding?: 'raw'): ByteBuffer };
  export default util;
}

declare module 'node-forge/lib/rc2.js' {
  import type { ByteBuffer } from 'node-forge/lib/util.js';

  interface BlockCipher {
    readonly output: ByteBuffer;
    start(iv: string): void;
    update(input: ByteBuffer): void;
    finish(unpad?: (blockSize: number, output: ByteBuffer, decrypt: boolean) => boolean): boolean;
  }
  const rc2: { createDecryptionCipher(key: string, effectiveBits: number): BlockCipher };
  export default rc2;
}
