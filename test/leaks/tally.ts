/** What was tried in one respect, by its value. */
export type Counts = Record<string, number>;

/** The respects in which calls differ, as the table has them. */
export const dimensions = [
  'identities',
  'pools',
  'redirects',
  'proxies',
  'versions',
  'services',
  'renewal',
] as const;
export type Dimension = (typeof dimensions)[number];

/** What came of one client's calls. */
export interface Tally {
  /** Calls made. */
  cells: number;
  /** Requests that servers saw. */
  requests: number;
  /** Each a sentence: who came where somebody else, or nobody, had to. */
  readonly leaks: string[];
  /** Each a sentence: what did not arrive, or arrived as nobody where somebody had to. */
  readonly wrong: string[];
  readonly tried: Record<Dimension, Counts>;
}

export function createTally(): Tally {
  const tried = Object.fromEntries(dimensions.map((each) => [each, {}])) as Record<Dimension, Counts>;
  return { cells: 0, requests: 0, leaks: [], wrong: [], tried };
}

export function count(counts: Counts, value: string): void {
  counts[value] = (counts[value] ?? 0) + 1;
}
