/** What a server sent cannot be taken apart, or is more than a handshake ever holds. */
export class Malformed extends Error {}

/** Reads the fields of a TLS message (RFC 8446, section 3) in order. Throws where one reaches past the end. */
export class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length > this.left) throw new Malformed('a field reaches past the end of its message');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** An unsigned number of 1 to 3 bytes. */
  number(size: 1 | 2 | 3): number {
    return this.take(size).readUIntBE(0, size);
  }

  /** A vector that stands after its length in `size` bytes. */
  vector(size: 1 | 2 | 3): Fields {
    return new Fields(this.take(this.number(size)));
  }

  rest(): Buffer {
    return this.take(this.left);
  }

  /** Every element, each read by `read`; `most` at most. */
  all<Element>(read: (fields: Fields) => Element, most: number): Element[] {
    const elements: Element[] = [];
    while (this.left > 0) {
      if (elements.length === most) throw new Malformed(`a list has more than ${most} entries`);
      elements.push(read(this));
    }
    return elements;
  }
}

export function u8(value: number): Buffer {
  return Buffer.from([value]);
}

export function u16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

/** The parts after their common length in `size` bytes. */
export function vector(size: 1 | 2 | 3, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(size);
  length.writeUIntBE(body.length, 0, size);
  return Buffer.concat([length, body]);
}
