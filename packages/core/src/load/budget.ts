import { Problem } from './problem.ts';

/** What one file may still cost: how often a key derivation counts is the choice of whoever made the file. */
export interface Budget {
  /** Takes `rounds` from what is left. Call it for every derivation that is known of before the first starts. */
  spend(rounds: number): void;
}

const defaultMaxIterations = 5_000_000;

export function createBudget(maxIterations: number = defaultMaxIterations): Budget {
  let spent = 0;
  return {
    spend(rounds) {
      spent += rounds;
      if (spent > maxIterations)
        throw new Problem(
          'KDF_TOO_EXPENSIVE',
          `asks for ${spent === Number.POSITIVE_INFINITY ? 'too many' : spent.toLocaleString('en')} rounds of key derivation; ${maxIterations.toLocaleString('en')} are allowed`,
          'If you trust the file, raise maxIterations; otherwise ask for one made with an ordinary count (2,048 to 600,000).',
        );
    },
  };
}
