import { isPlausible, quote } from '../quote.ts';
import { MOST_VALUES } from './shape.ts';

/** A mistake in a JSON text, with the place of its first character, both counted from 1. */
export interface JsonMistake {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/**
 * Finds the first mistake in a JSON text: what keeps it from being JSON (RFC 8259), or a key that is written twice in
 * one object, of which `JSON.parse` would silently take the last.
 *
 * `JSON.parse` says neither line nor column on every Node, and quotes the text around the mistake, which may be a
 * passphrase. No message from here holds anything of the text but a key that can be one.
 */
export function findJsonMistake(text: string): JsonMistake | undefined {
  const scanner: Scanner = { text, offset: 0, depth: 0, values: 0 };
  try {
    scanValue(scanner);
    skipBlank(scanner);
    if (scanner.offset < text.length) throw mistake(scanner, 'something follows after the end of the value');
  } catch (error) {
    if (error instanceof Mistake) return locate(text, error);
    throw error;
  }
  return undefined;
}

interface Scanner {
  readonly text: string;
  offset: number;
  depth: number;
  values: number;
}

class Mistake extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const LITERAL = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
const DEEPEST = 100;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

function scanValue(scanner: Scanner): void {
  skipBlank(scanner);
  // All but the config itself.
  if (scanner.values++ > MOST_VALUES) throw mistake(scanner, 'there are more values than a config may hold');
  const first = scanner.text[scanner.offset];
  if (first === '{') scanList(scanner, '}', scanMember(new Set()));
  else if (first === '[') scanList(scanner, ']', scanValue);
  else if (first === '"') scanString(scanner, 'the string');
  else if (take(scanner, LITERAL) === undefined) throw mistake(scanner, describeStray(scanner, 'a value'));
}

/** The members of an object or the elements of an array, the brackets included. */
function scanList(scanner: Scanner, end: string, scanItem: (scanner: Scanner) => void): void {
  if (++scanner.depth > DEEPEST) throw mistake(scanner, 'this is nested too deeply');
  scanner.offset++;
  skipBlank(scanner);
  if (scanner.text[scanner.offset] !== end) {
    scanItem(scanner);
    skipBlank(scanner);
    while (scanner.text[scanner.offset] === ',') {
      const comma = scanner.offset++;
      skipBlank(scanner);
      if (scanner.text[scanner.offset] === end)
        throw new Mistake('there is a comma before the end of the list', comma);
      scanItem(scanner);
      skipBlank(scanner);
    }
    if (scanner.text[scanner.offset] !== end) {
      throw mistake(scanner, describeStray(scanner, `a comma or ${JSON.stringify(end)}`));
    }
  }
  scanner.offset++;
  scanner.depth--;
}

function scanMember(seen: Set<string>): (scanner: Scanner) => void {
  return (scanner) => {
    const start = scanner.offset;
    if (scanner.text[start] !== '"') throw mistake(scanner, describeStray(scanner, 'a key in double quotes'));
    const key: string = JSON.parse(scanString(scanner, 'the key'));
    if (seen.has(key)) {
      const shown = quote(key, isPlausible(key, 'host') ? 'host' : 'chosen');
      throw new Mistake(`the key ${shown} is written twice`, start);
    }
    seen.add(key);
    skipBlank(scanner);
    if (scanner.text[scanner.offset] !== ':')
      throw mistake(scanner, describeStray(scanner, 'a colon after the key'));
    scanner.offset++;
    scanValue(scanner);
  };
}

function scanString(scanner: Scanner, what: string): string {
  const { text, offset } = scanner;
  // Letter by letter: a pattern that repeats runs out of memory on a string of some megabytes.
  for (let at = offset + 1; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20) break;
    if (unit === QUOTE) {
      scanner.offset = at + 1;
      return text.slice(offset, at + 1);
    }
    if (unit !== BACKSLASH) continue;
    ESCAPE.lastIndex = at;
    const escaped = ESCAPE.exec(text)?.[0];
    if (escaped === undefined) break;
    at += escaped.length - 1;
  }
  throw mistake(
    scanner,
    `${what} does not end on its line, or has a backslash in it that is not doubled (a Windows path is written "C:\\\\certs")`,
  );
}

/** What stands where something else was expected, told by its kind alone. */
function describeStray({ text, offset }: Scanner, expected: string): string {
  const stray = STRAYS.find(([start]) => text.startsWith(start, offset));
  if (stray) return stray[1];
  return offset >= text.length
    ? `the text ends where ${expected} should follow`
    : `${expected} should stand here`;
}

const STRAYS: readonly (readonly [string, string])[] = [
  ['//', 'JSON has no comments'],
  ['/*', 'JSON has no comments'],
  ["'", 'JSON has double quotes only'],
];

/** Letter by letter: it is called several times for each of what may be millions of values, where a pattern takes longer. */
function skipBlank(scanner: Scanner): void {
  const { text } = scanner;
  let at = scanner.offset;
  while (isBlank(text.charCodeAt(at))) at++;
  scanner.offset = at;
}

function isBlank(unit: number): boolean {
  return unit === SPACE || unit === LINE_FEED || unit === CARRIAGE_RETURN || unit === TAB;
}

function take(scanner: Scanner, pattern: RegExp): string | undefined {
  pattern.lastIndex = scanner.offset;
  const found = pattern.exec(scanner.text)?.[0];
  if (found !== undefined) scanner.offset += found.length;
  return found;
}

function mistake(scanner: Scanner, message: string): Mistake {
  return new Mistake(message, scanner.offset);
}

function locate(text: string, { message, offset }: Mistake): JsonMistake {
  let line = 1;
  let start = 0;
  // One by one: a list of millions of lines takes a second, and most of a gigabyte.
  for (let at = 0; at < offset; at++) {
    const unit = text.charCodeAt(at);
    if (unit !== LINE_FEED && (unit !== CARRIAGE_RETURN || text.charCodeAt(at + 1) === LINE_FEED)) continue;
    line++;
    start = at + 1;
  }
  return { line, column: offset - start + 1, message };
}
