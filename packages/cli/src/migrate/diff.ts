/** How a line of a text became another: `' '` as it was, `'-'` gone, `'+'` new. */
interface Line {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

const CONTEXT = 2;

/** The lines that differ, as `diff -u` writes them, without its head. */
export function unifiedDiff(before: string, after: string): string[] {
  const lines = compare(linesOf(before), linesOf(after));
  const shown = lines.map((_, index) =>
    lines.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ sign }) => sign !== ' '),
  );
  const result: string[] = [];
  let [old, now] = [1, 1];
  for (const [index, { sign, text }] of lines.entries()) {
    if (shown[index]) {
      if (!shown[index - 1]) {
        const hunk = lines.slice(index, end(shown, index));
        const count = (left: string) => hunk.filter((line) => line.sign !== left).length;
        const [gone, come] = [count('+'), count('-')];
        // Of no lines, the number is that of the line before.
        result.push(`@@ -${gone ? old : old - 1},${gone} +${come ? now : now - 1},${come} @@`);
      }
      result.push(`${sign}${text}`);
    }
    if (sign !== '+') old += 1;
    if (sign !== '-') now += 1;
  }
  return result;
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
}

function end(shown: readonly boolean[], from: number): number {
  const index = shown.indexOf(false, from);
  return index < 0 ? shown.length : index;
}

/** Beyond so many lines that differ, nobody reads which of them are the same. */
const MOST = 1_000;

/** All lines gone, and all new, but for those that both begin and end with. */
function wholly(before: readonly string[], after: readonly string[]): Line[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const as = (sign: Line['sign'], lines: readonly string[]) => lines.map((text) => ({ sign, text }));
  return [
    ...as(' ', before.slice(0, head)),
    ...as('-', before.slice(head, before.length - tail)),
    ...as('+', after.slice(head, after.length - tail)),
    ...as(' ', before.slice(before.length - tail)),
  ];
}

/**
 * Myers' greedy algorithm: its work grows with the number of lines that differ, and few do.
 *
 * @see Myers, An O(ND) Difference Algorithm and Its Variations, 1986
 */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  const search = shortest(before, after);
  return search ?? wholly(before, after);
}

function shortest(before: readonly string[], after: readonly string[]): Line[] | undefined {
  const trail: Map<number, number>[] = [];
  const furthest = new Map([[1, 0]]);
  const limit = before.length + after.length;
  search: for (let depth = 0; depth <= limit; depth += 1) {
    if (depth > MOST) return undefined;
    trail.push(new Map(furthest));
    for (let diagonal = -depth; diagonal <= depth; diagonal += 2) {
      let x = startOf(furthest, diagonal, depth);
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      furthest.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) break search;
    }
  }
  const lines: Line[] = [];
  let [x, y] = [before.length, after.length];
  for (const [depth, reached] of [...trail.entries()].reverse()) {
    const diagonal = x - y;
    const from = isDown(reached, diagonal, depth) ? diagonal + 1 : diagonal - 1;
    const [startX, startY] = [reached.get(from) ?? 0, (reached.get(from) ?? 0) - from];
    while (x > startX && y > startY && x > 0 && y > 0) {
      x -= 1;
      y -= 1;
      lines.push({ sign: ' ', text: before[x]! });
    }
    if (depth === 0) break;
    if (x === startX) lines.push({ sign: '+', text: after[startY]! });
    else lines.push({ sign: '-', text: before[startX]! });
    [x, y] = [startX, startY];
  }
  return lines.reverse();
}

function isDown(furthest: ReadonlyMap<number, number>, diagonal: number, depth: number): boolean {
  return (
    diagonal === -depth ||
    (diagonal !== depth && (furthest.get(diagonal - 1) ?? -1) < (furthest.get(diagonal + 1) ?? -1))
  );
}

function startOf(furthest: ReadonlyMap<number, number>, diagonal: number, depth: number): number {
  return isDown(furthest, diagonal, depth) ? furthest.get(diagonal + 1)! : furthest.get(diagonal - 1)! + 1;
}
