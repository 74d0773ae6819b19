/** One change to an input, as data: fast-check shrinks a list of them, and the same list gives the same input. */
export interface Step {
  /** Which change; taken modulo the number of those that there are. */
  readonly kind: number;
  /** Where, and where else or how far: parts of the whole, from 0 up to 1. */
  readonly at: number;
  readonly to: number;
  /** Any 32 bits. */
  readonly value: number;
}

/** An input that another is mixed with. */
export type Change = (input: Buffer, step: Step, other: Buffer) => Buffer;

/** What an input may grow to: most of what is quadratic shows below it, and nothing takes long that is not. */
export const LARGEST = 65_536;

/** The input after all steps. */
export function change(
  changes: readonly Change[],
  input: Buffer,
  steps: readonly Step[],
  other: Buffer,
): Buffer {
  return steps.reduce((so, step) => {
    const changed = changes[step.kind % changes.length]!(so, step, other);
    return changed.length > LARGEST ? changed.subarray(0, LARGEST) : changed;
  }, input);
}

export function pick<Item>(items: readonly Item[], value: number): Item {
  return items[value % items.length]!;
}

export function indexOf(length: number, part: number): number {
  return Math.min(length, Math.floor(part * (length + 1)));
}

/** The input with what stands between two places replaced. */
export function replace(input: Buffer, from: number, to: number, by: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, from), by, input.subarray(Math.max(from, to))]);
}
