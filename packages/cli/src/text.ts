/** Text for a terminal of 80 columns. What comes from a file is made safe to print first. */
const columns = 80;

/** Without control and formatting characters: a certificate's subject may hold an escape sequence. */
export function safe(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
}

/** A distinguished name on one line, most specific part first. */
export function nameOf(distinguishedName: string): string {
  return distinguishedName.trim().split('\n').reverse().map(safe).join(', ');
}

/** `label` in a column of its own, `text` wrapped beside it. */
export function field(label: string, text: string, indent: string = '  ', width: number = 14): string {
  const first = `${indent}${label.padEnd(width)}`;
  return wrap(text, first, ' '.repeat(first.length));
}

/** Breaks `text` between words, and a longer word anywhere. */
export function wrap(text: string, first: string = '', rest: string = first): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ').flatMap((word) => split(word, columns - rest.length))) {
    if (!empty && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line].join('\n');
}

function split(word: string, width: number): string[] {
  return word.length <= width ? [word] : (word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? []);
}

/** Rows under headings, each column as wide as its widest cell. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd())
    .join('\n');
}

/** `12 days left`, `expired 3 days ago`. */
export function daysLeft(days: number): string {
  const count = `${Math.abs(days)} ${Math.abs(days) === 1 ? 'day' : 'days'}`;
  return days < 0 ? `expired ${count} ago` : `${count} left`;
}

/** A failure as its reader should see it: code, what, and what to do. */
export function failure(error: { code?: string; message: string; hint?: string }): string {
  const lines = [wrap(safe(error.message), '  ')];
  if (error.hint) lines.push(wrap(safe(error.hint), '  → ', '    '));
  if (error.code) lines.push(`  (${error.code})`);
  return lines.join('\n');
}
