import type { Change } from './mutate/step.ts';

/** One parser, as it is fuzzed. */
export interface Target {
  /** Also the folder of its regressions. */
  readonly name: string;
  /** How its inputs are changed. */
  readonly changes: readonly Change[];
  open(): Promise<Opened>;
}

export interface Opened {
  /** Inputs that it reads, for the most part. */
  readonly seeds: readonly Buffer[];
  /**
   * Reads one. Throws what a user would see; what is returned is compared with what comes the second time. What must
   * hold of it is checked here, and {@link Broken} where it does not.
   */
  run(input: Buffer): unknown;
  /** What no error may show, wherever it stands in the input. */
  secretsIn?(input: Buffer): readonly string[];
  /** Errors that are no `ClientCertificateError`, and are told to the user all the same. */
  readonly refusals?: readonly (abstract new (...args: never[]) => Error)[] | undefined;
  close?(): unknown;
}

/** What was read contradicts itself, or what Node reads. */
export class Broken extends Error {}

export function hold(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}
