import { Problem } from './problem.ts';
import { takeTurn } from './turn.ts';

/**
 * What reading one file may still cost. How often a key derivation counts, how many values there are, how large a
 * key is: all that is the choice of whoever made the file, so it is paid for before it is done.
 */
export interface Budget {
  /** Takes `rounds` from what is left. Call it for every derivation that is known of before the first starts. */
  spend(rounds: number): void;
  /** Takes other work from what is left: a unit is about a microsecond of an ordinary processor. */
  work(units: number): void;
  /** Gives the event loop its turn where it is due. Throws where the reading has been given up. */
  turn(): Promise<void> | undefined;
}

/** What one of them costs to read, and a signature to verify or a key to compare with a certificate. */
export const certificateCost = 40;
export const keyCost = 200;
/** A key on a token, which is looked for there. */
export const tokenCost = 20_000;
/** What a passphrase opens in a PFX is begun all at once. */
export const sealedCost = 2000;

const defaultMaxIterations = 5_000_000;

/** Some seconds: a bundle of ten thousand certificates takes a quarter of it. */
const maxWork = 2_000_000;

/** Work that was done, in units. */
export interface Work {
  units: number;
}

/** @param work What was done before for the same source: a list of many files costs no more than one that holds all. */
export function createBudget(
  maxIterations: number = defaultMaxIterations,
  signal?: AbortSignal,
  work: Work = { units: 0 },
): Budget {
  let spent = 0;
  return {
    spend(rounds) {
      spent += rounds;
      if (!(spent <= maxIterations))
        throw new Problem(
          'KDF_TOO_EXPENSIVE',
          `asks for ${spent === Number.POSITIVE_INFINITY ? 'too many' : spent.toLocaleString('en')} rounds of key derivation; ${maxIterations.toLocaleString('en')} are allowed`,
          'If you trust the file, raise maxIterations; otherwise ask for one made with an ordinary count (2,048 to 600,000).',
        );
    },
    work(units) {
      work.units += units;
      if (!(work.units <= maxWork))
        throw new Problem(
          'FILE_TOO_LARGE',
          'holds more keys and certificates than can be sorted out in reasonable time',
          'Keep what belongs to one identity in the file, and nothing else; give only the roots that are needed as ca.',
        );
    },
    turn() {
      signal?.throwIfAborted();
      return takeTurn();
    },
  };
}
