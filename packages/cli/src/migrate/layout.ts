import type { Comment, Node } from '@babel/types';
import type { Code } from './code.ts';
import type { Range } from './edits.ts';

// Which characters go when a part of the code goes, so that what stays looks as if it had always stood so.

export function rangeOf({ start, end }: Node | Comment): Range {
  return { start: start!, end: end! };
}

export function sourceOf({ text }: Code, node: Node): string {
  return text.slice(node.start!, node.end!);
}

/** The blanks that a line begins with. */
export function indentAt({ text }: Code, at: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, at)))![0];
}

export function endOfLine({ text }: Code): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

export function quoteOf({ text }: Code): string {
  const [single, double] = ["'", '"'].map((quote) => text.split(quote).length);
  return double! > single! ? '"' : "'";
}

/** `;`, or nothing where the file does without. */
export function semicolonOf({ program, text }: Code): string {
  const ends = program.body
    .filter(({ type }) => /^(VariableDeclaration|ExpressionStatement|ImportDeclaration)$/.test(type))
    .map(({ end }) => text[end! - 1]);
  return ends.length > 0 && !ends.includes(';') ? '' : ';';
}

function lineStart(text: string, at: number): number {
  return text.lastIndexOf('\n', at - 1) + 1;
}

/** Where a statement begins, with the comments directly above it. */
export function startOf({ text }: Code, node: Node): number {
  let start = node.start!;
  for (const comment of [...(node.leadingComments ?? [])].reverse()) {
    const isAbove = /^[ \t]*(?:\r?\n[ \t]*)?$/.test(text.slice(comment.end!, start));
    const isOwnLine = text.slice(lineStart(text, comment.start!), comment.start!).trim() === '';
    if (!isAbove || !isOwnLine) break;
    start = comment.start!;
  }
  // What a file begins with is about the file.
  return text.slice(0, start).replace(/^#!.*/, '').trim() === '' ? node.start! : start;
}

/** Where it ends, with the comment behind it on its line. */
export function endOf(code: Code, end: number): number {
  const rest = /^[ \t]*(?:\/\/[^\n\r]*|\/\*[^\n\r]*\*\/(?=[ \t]*\r?(?:\n|$)))/.exec(code.text.slice(end));
  return end + (rest?.[0].length ?? 0);
}

/** A statement with its comments and, where it has them to itself, its lines. */
export function linesOf(code: Code, node: Node): Range {
  const { text } = code;
  const first = startOf(code, node);
  const end = endOf(code, node.end!);
  const newline = /^[ \t]*\r?\n/.exec(text.slice(end));
  const start = lineStart(text, first);
  if (!newline || text.slice(start, first).trim() !== '') return { start: first, end };
  return { start, end: end + newline[0].length };
}

/** And one of the blank lines around it, where there are two. */
export function withBlankLine({ text }: Code, { start, end }: Range): Range {
  const blank = /^[ \t]*\r?\n/.exec(text.slice(end));
  const before = text.slice(0, start);
  const isAfterBlank = before === '' || /(^|\n)[ \t]*\r?\n$/.test(before);
  return { start, end: end + (isAfterBlank && blank ? blank[0].length : 0) };
}

/** Elements of a list, such as properties or arguments, that go, each with its comma and its comments. */
export function elementRanges(
  code: Code,
  all: readonly Node[],
  gone: ReadonlySet<Node>,
  list: Range,
): Range[] {
  const { text } = code;
  const ranges: Range[] = [];
  for (let from = 0; from < all.length; from += 1) {
    if (!gone.has(all[from]!)) continue;
    let to = from;
    while (to + 1 < all.length && gone.has(all[to + 1]!)) to += 1;
    const [before, last, next] = [all[from - 1], all[to]!, all[to + 1]];
    const start = elementStart(code, all[from]!, before?.end ?? list.start + 1);
    from = to;
    if (next) {
      ranges.push({ start, end: elementStart(code, next, last.end!) });
      continue;
    }
    // What stood before them becomes the last.
    const comma = /^\s*,/.exec(text.slice(last.end!));
    const end = endOf(code, last.end! + (comma?.[0].length ?? 0));
    if (!before || text.slice(lineStart(text, start), start).trim() !== '') {
      ranges.push({ start: before?.end ?? start, end });
      continue;
    }
    if (!comma) ranges.push({ start: before.end!, end: text.indexOf(',', before.end!) + 1 });
    ranges.push({ start: text.slice(0, start).trimEnd().length, end });
  }
  return ranges;
}

function elementStart(code: Code, element: Node, after: number): number {
  const { text } = code;
  let start = element.start!;
  for (const comment of [...(element.leadingComments ?? [])].reverse()) {
    if (comment.start! < after || !/^\s*$/.test(text.slice(comment.end!, start))) break;
    // One behind what stands before, on its line, is about that.
    if (!text.slice(after, comment.start!).includes('\n') && after > 0 && text[after - 1] !== '{') break;
    start = comment.start!;
  }
  return start;
}
