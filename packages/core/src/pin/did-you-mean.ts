/**
 * The names that someone may have meant, nearest first: those that differ in case or punctuation alone, then those
 * that are a few keystrokes away.
 */
export function findNearest(name: string, candidates: Iterable<string>, limit = 3): string[] {
  const found: { candidate: string; distance: number }[] = [];
  if (name.length > LONGEST) return [];
  const folded = fold(name);
  let looked = 0;
  const reach = Math.min(4, Math.max(1, Math.floor(folded.length / 3)));
  for (const candidate of candidates) {
    if (++looked > MOST) break;
    if (candidate.length > LONGEST) continue;
    const distance = editDistance(folded, fold(candidate), reach);
    if (distance <= reach) found.push({ candidate, distance });
  }
  return found
    .sort((a, b) => a.distance - b.distance || (a.candidate < b.candidate ? -1 : 1))
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** Nobody has this many names, or one this long, and misses by a slip: it would only cost time, at every call. */
const MOST = 3000;
const LONGEST = 100;

/** `did you mean "a" or "b"?`, or nothing where no name is near. */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const names = findNearest(name, candidates).map((candidate) => JSON.stringify(candidate));
  return names.length === 0 ? '' : `did you mean ${names.join(' or ')}?`;
}

/**
 * How many letters have to be put in, left out, replaced or swapped with their neighbour to get from one text to
 * the other (optimal string alignment); anything above `limit` counts as `limit + 1`. Only what lies within that
 * reach of the diagonal is computed.
 */
export function editDistance(from: string, to: string, limit: number): number {
  if (Math.abs(from.length - to.length) > limit) return limit + 1;
  const width = to.length + 1;
  let beforeLast: number[] = [];
  let last: number[] = [];
  for (let column = 0; column <= Math.min(limit, to.length); column++) last[column] = column;
  for (let row = 1; row <= from.length; row++) {
    const current: number[] = [];
    let least = row <= limit ? row : limit + 1;
    current[Math.max(0, row - limit - 1)] = least;
    for (let column = Math.max(1, row - limit); column < Math.min(width, row + limit + 1); column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        (last[column] ?? limit) + 1,
        (current[column - 1] ?? limit) + 1,
        (last[column - 1] ?? limit) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[column - 2] ?? limit) + 1);
      current[column] = cost;
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    beforeLast = last;
    last = current;
  }
  return Math.min(last[to.length] ?? limit + 1, limit + 1);
}

function fold(text: string): string {
  return text.toLowerCase().replace(/[\s_-]/g, '');
}
