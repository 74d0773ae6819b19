import type { Call } from './calls.ts';

/** One call, and what each server on its way saw of it. */
export interface Row extends Call {
  seen: { port: number; subject: string | null; protocol: string | null; resumed: boolean }[];
  asExpected: boolean;
}

/** Prints the rows as a table of at most 100 columns. */
export function printTable(rows: readonly Row[]): void {
  const lines = rows.flatMap((row, index) => {
    const first = row.file !== rows[index - 1]?.file;
    const seen = row.error ? [row.error] : row.seen.map(describe);
    return seen.map((text, hop) => [
      hop === 0 && first ? row.file : '',
      hop === 0 ? row.client : '',
      hop === 0 ? row.call : '',
      `${seen.length > 1 ? `${hop + 1}. ` : ''}${text}`,
      hop === 0 ? `${row.milliseconds.toFixed(0)} ms` : '',
      hop === 0 && !row.asExpected ? 'NOT AS EXPECTED' : '',
    ]);
  });
  const head = ['file', 'client', 'call', 'what the server saw', 'took', ''];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]!.length)),
  );
  const print = (cells: readonly string[]) =>
    console.log(
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    );
  print(head);
  print(widths.map((width) => '-'.repeat(width)));
  for (const [index, line] of lines.entries()) {
    if (index > 0 && line[0]) console.log();
    print(line);
  }
  console.log(
    '\nThe redirect in the last row of each file leads from the pinned host to one that no rule names: it sees no certificate.',
  );
}

function describe({ subject, protocol, resumed }: Row['seen'][number]): string {
  return `${subject ? `CN=${subject}` : 'no certificate'} · ${protocol} · ${resumed ? 'resumed' : 'new session'}`;
}
