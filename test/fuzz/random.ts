import type { Step } from './mutate/step.ts';

/** Numbers that are the same for the same seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to 1. */
  part(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  below(end: number): number {
    return Math.floor(this.part() * end);
  }

  steps(): Step[] {
    const step = () => ({
      kind: this.below(2 ** 16),
      at: this.part(),
      to: this.part(),
      value: this.below(2 ** 32),
    });
    return Array.from({ length: 1 + this.below(4) }, step);
  }
}
