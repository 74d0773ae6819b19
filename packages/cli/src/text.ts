import { stripVTControlCharacters } from 'node:util';
import { bad, bold, dim, warning } from './paint.ts';

// What comes from a file or a server is made safe to print first.

/** As wide as the terminal is, within what is good to read; 80 columns where there is none. */
function columns(): number {
  return process.stdout.isTTY ? Math.min(Math.max(process.stdout.columns || 80, 40), 110) : 80;
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}

/** Without control and formatting characters: a certificate's subject may hold an escape sequence. */
export function safe(text: string): string {
  return text.replace(unprintable, '?');
}

const unprintable = /[\p{Cc}\p{Cf}\p{Co}\u2028\u2029]|\p{Cs}/gu;

export function printJson(value: unknown): void {
  console.log(jsonOf(value, 2));
}

/** JSON for machines, and for the terminal that it may go to: JSON itself escapes only what is below the blank. */
export function jsonOf(value: unknown, indent?: number): string {
  const escaped = (found: string) =>
    [...Array(found.length).keys()]
      .map((index) => `\\u${found.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join('');
  return JSON.stringify(value, null, indent).replace(/[\p{Cf}\p{Co}\u007f-\u009f\u2028\u2029]/gu, escaped);
}

/** A distinguished name on one line, most specific part first. */
export function nameOf(distinguishedName: string): string {
  return distinguishedName.trim().split('\n').reverse().map(safe).join(', ') || '(no name)';
}

/** `label` in a column of its own, `text` wrapped beside it. */
export function field(label: string, text: string, indent: string = '  ', width: number = 14): string {
  const first = `${indent}${dim(label.padEnd(width))}`;
  return wrap(text, first, ' '.repeat(widthOf(first)));
}

/** Breaks `text` between words, and a longer word anywhere. */
export function wrap(text: string, first: string = '', rest: string = first): string {
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of text.split(' ').flatMap((word) => split(word, columns() - rest.length))) {
    if (!empty && widthOf(line) + 1 + widthOf(word) > columns()) {
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
  return widthOf(word) <= width ? [word] : (word.match(new RegExp(`.{1,${width}}`, 'gu')) ?? []);
}

/** Rows under headings, each column as wide as its widest cell. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings.map(dim), ...rows];
  const widths = headings.map((_, column) => Math.max(...all.map((row) => widthOf(row[column]!))));
  return all
    .map((row) =>
      `  ${row.map((cell, column) => cell + ' '.repeat(widths[column]! - widthOf(cell))).join('  ')}`.trimEnd(),
    )
    .join('\n');
}

/** `12 days left`, `less than a day left`, `expired 3 days ago`; `days` are whole ones, rounded down, and so negative from the first moment on. */
export function daysLeft(days: number): string {
  if (Number.isNaN(days)) return 'nobody can say how long it lasts';
  if (days === 0) return 'less than a day left';
  if (days > 0) return `${count(days, 'day')} left`;
  return days === -1 ? 'expired less than a day ago' : `expired ${count(-days - 1, 'day')} ago`;
}

/** A failure as its reader should see it: code, what, and what to do. */
export function failure(error: {
  code?: string | undefined;
  message: string;
  hint?: string | undefined;
}): string {
  const lines = [wrap(safe(error.message), `${bad('✗')} `, '  ')];
  if (error.hint) lines.push(wrap(safe(error.hint), '  → ', '    '));
  if (error.code) lines.push(dim(`  (${safe(error.code)})`));
  return lines.join('\n');
}

/** A heading over what follows. */
export function heading(text: string): string {
  return bold(text);
}

/** Something that is not wrong yet. */
export function caution(text: string, indent: string = '  '): string {
  return wrap(text, `${indent}${warning('!')} `, `${indent}  `);
}

/** Something that is wrong. */
export function fault(text: string, indent: string = '  '): string {
  return wrap(text, `${indent}${bad('✗')} `, `${indent}  `);
}

/** `1 error`, `2 errors`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}

export function dayOf(date: Date): string {
  return Number.isNaN(date.getTime()) ? 'an unreadable date' : date.toISOString().slice(0, 10);
}
