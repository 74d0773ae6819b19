import { UsageError } from '../command.ts';

/** `process.env.NAME`, or `__ENV.NAME` of k6. */
export class Variable {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** What is in a file: `open('bank.key')` of k6, `readFileSync('bank.key')` of Node. */
export class Content {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
}

/** What only running the program would tell. */
export class Code {
  readonly text: string;
  constructor(text: string) {
    this.text = text.trim();
  }
}

/**
 * The values that a program in JavaScript or TypeScript writes down for a property or constant of a name, wherever
 * it does. Nothing of it is run: what is no literal, and no reading of a variable or file, is a {@link Code}.
 */
export function readProperty(source: string, name: string): unknown[] {
  const found: unknown[] = [];
  const program = new Program(source);
  const declared = `(?:const|let|var)\\s+${name}${TYPED}=`;
  const place = new RegExp(
    `(?<![\\w$])(?:${declared}|${name}\\s*=|(?<!\\.)(['"]?)${name}\\1\\s*:(?!:))(?![=>])`,
    'g',
  );
  for (let match = place.exec(source); match !== null; match = place.exec(source))
    found.push(new Reader(program, place.lastIndex).value(0));
  return found;
}

const DEEPEST = 40;
/** What may stand between the name of a constant and what it is: its type. No one writes a longer one. */
const TYPED = '\\s*(?::[^=;]{0,300})?';

/** What is read of one text, however often it says the same and whatever its constants are made of. */
class Program {
  readonly source: string;
  #left: number;
  #constants: Map<string, number> | undefined;

  constructor(source: string) {
    this.source = source;
    this.#left = 10 * source.length + 100_000;
  }

  /** @throws UsageError where more was read than a program of this length is worth */
  spend(characters: number): void {
    this.#left -= characters + 1;
    if (this.#left < 0)
      throw new UsageError(
        'the file is put together in more steps than are followed',
        'Write the list out, in a file of its own.',
      );
  }

  /** Where the value of a constant begins. */
  placeOf(constant: string): number | undefined {
    this.#constants ??= this.#findConstants();
    return this.#constants.get(constant);
  }

  #findConstants(): Map<string, number> {
    const found = new Map<string, number>();
    const declared = new RegExp(`(?:const|let|var)\\s+([A-Za-z_$][\\w$]*)${TYPED}=\\s*`, 'g');
    for (const match of this.source.matchAll(declared))
      if (!found.has(match[1]!)) found.set(match[1]!, match.index + match[0].length);
    return found;
  }
}

class Reader {
  readonly program: Program;
  readonly source: string;
  offset: number;

  constructor(program: Program, offset: number) {
    this.program = program;
    this.source = program.source;
    this.offset = offset;
  }

  value(depth: number): unknown {
    this.program.spend(8);
    this.blank();
    const start = this.offset;
    const value = depth > DEEPEST ? new Code('') : this.primary(depth);
    const end = this.offset;
    this.blank();
    const next = this.source[this.offset];
    if (next === undefined || ',]});'.includes(next)) return value;
    // Without a semicolon a statement ends with its line, unless the next one goes on.
    if (/[\r\n]/.test(this.source.slice(end, this.offset)) && !'.+-*/?&|`(['.includes(next)) return value;
    const tail = this.source.slice(this.offset, this.offset + 10);
    this.skip();
    // A type, and what a variable is where it is not set, say nothing else of it.
    if (/^(?:as|satisfies)\b/.test(tail)) return value;
    if (value instanceof Variable && /^(?:!(?!=)|\?\?|\|\|)/.test(tail)) return value;
    return new Code(this.source.slice(start, this.offset));
  }

  private primary(depth: number): unknown {
    const { source } = this;
    const first = source[this.offset];
    if (first === '[') return this.list(depth);
    if (first === '{') return this.object(depth);
    if (first === "'" || first === '"' || first === '`') return this.string();
    const start = this.offset;
    const variable = this.take(
      /(?:process\s*\.\s*env|__ENV)\s*(?:\.\s*([A-Za-z_$][\w$]*)|\[\s*(['"])(\w+)\2\s*\])/y,
    );
    if (variable) return new Variable((variable[1] ?? variable[3])!);
    if (this.take(/(?:await\s+)?(?:open|(?:\w+\.)?readFile(?:Sync)?)\s*\(/y)) {
      const [path] = this.rest(')', depth);
      return typeof path === 'string' ? new Content(path) : new Code(source.slice(start, this.offset));
    }
    if (this.take(/(?:path\.|posix\.)?(?:join|resolve)\s*\(/y)) {
      const [base, ...parts] = this.rest(')', depth);
      const all =
        base instanceof Code &&
        /^(?:__dirname|import\.meta\.dirname|process\.cwd\(\))$/.test(base.text.trim())
          ? parts
          : [base, ...parts];
      if (all.length > 0 && all.every((part) => typeof part === 'string'))
        return all.join('/').replace(/\/\.\//g, '/');
      return new Code(source.slice(start, this.offset));
    }
    const literal = this.take(
      /(?:true|false|null|undefined|-?(?:0|[1-9][\d_]*)(?:\.[\d_]*)?)(?![\w$.])/y,
    )?.[0];
    if (literal !== undefined) {
      if (literal === 'undefined') return undefined;
      return JSON.parse(literal.replaceAll('_', '').replace(/\.$/, ''));
    }
    const name = this.take(/[A-Za-z_$][\w$]*(?=\s*(?:[,\]});]|$))/my)?.[0];
    if (name !== undefined) return this.constant(name, depth);
    this.skip();
    return new Code(source.slice(start, this.offset));
  }

  private constant(name: string, depth: number): unknown {
    const declared = this.program.placeOf(name);
    if (declared === undefined || depth > DEEPEST / 2) return new Code(name);
    return new Reader(this.program, declared).value(depth + 2);
  }

  private list(depth: number): unknown[] {
    this.offset++;
    return this.rest(']', depth);
  }

  /** Values up to a bracket, which is passed. */
  private rest(end: string, depth: number): unknown[] {
    const values: unknown[] = [];
    for (;;) {
      this.blank();
      const next = this.source[this.offset];
      if (next === undefined) return values;
      this.offset += next === end || next === ',' ? 1 : 0;
      if (next === end) return values;
      if (next === ',') continue;
      const before = this.offset;
      values.push(this.value(depth + 1));
      if (this.offset === before) this.offset++;
    }
  }

  private object(depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    this.offset++;
    for (;;) {
      this.blank();
      const next = this.source[this.offset];
      if (next === undefined) break;
      if (next === '}' || next === ',') {
        this.offset++;
        if (next === '}') break;
        continue;
      }
      const before = this.offset;
      const isQuoted = next === "'" || next === '"';
      const key = isQuoted ? this.string() : this.take(/[A-Za-z_$][\w$-]*/y)?.[0];
      this.blank();
      if (typeof key === 'string' && this.source[this.offset] === ':') {
        this.offset++;
        entries.push([key, this.value(depth + 1)]);
      } else if (typeof key === 'string' && !isQuoted && [',', '}'].includes(this.source[this.offset]!)) {
        entries.push([key, this.constant(key, depth)]);
      } else {
        this.skip();
        entries.push([typeof key === 'string' ? key : '…', new Code(this.source.slice(before, this.offset))]);
      }
      if (this.offset === before) this.offset++;
    }
    return Object.fromEntries(entries);
  }

  private string(): string | Code {
    const start = this.offset;
    const text = this.quoted();
    this.program.spend(this.offset - start);
    return text;
  }

  private quoted(): string | Code {
    const start = this.offset;
    const quote = this.source[this.offset++]!;
    let text = '';
    for (; this.offset < this.source.length; this.offset++) {
      const character = this.source[this.offset]!;
      if (character === quote) {
        this.offset++;
        return text;
      }
      if (quote === '`' && this.source.startsWith('${', this.offset)) {
        this.offset = start;
        this.skip();
        return new Code(this.source.slice(start, this.offset));
      }
      if (character !== '\\') text += character;
      else {
        const escaped = this.source[++this.offset] ?? '';
        text += ESCAPES[escaped] ?? escaped;
      }
    }
    return text;
  }

  /** To the end of an expression: a comma, semicolon or bracket that belongs to what it stands in. */
  private skip(): void {
    const start = this.offset;
    this.skipExpression();
    this.program.spend(this.offset - start);
  }

  private skipExpression(): void {
    let depth = 0;
    for (; this.offset < this.source.length; this.offset++) {
      this.take(/[^()[\]{},;'"`/]+/y);
      const character = this.source[this.offset];
      if (character === undefined) return;
      if ('([{'.includes(character)) depth++;
      else if (')]}'.includes(character) && depth-- === 0) return;
      else if ((character === ',' || character === ';') && depth === 0) return;
      else if ('\'"`'.includes(character)) this.skipString(character);
      else if (this.source.startsWith('//', this.offset)) this.offset = this.lineEnd() - 1;
    }
  }

  private skipString(quote: string): void {
    for (this.offset++; this.offset < this.source.length; this.offset++) {
      this.take(/[^\\'"`]+/y);
      if (this.source[this.offset] === '\\') this.offset++;
      else if (this.source[this.offset] === quote) return;
    }
  }

  private blank(): void {
    // A comment that is never closed goes to the end.
    while (this.take(/\s+|\/\/[^\r\n]*|\/\*[\s\S]*?(?:\*\/|$)/y));
  }

  private lineEnd(): number {
    const end = this.source.indexOf('\n', this.offset);
    return end === -1 ? this.source.length : end;
  }

  private take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.offset;
    const match = pattern.exec(this.source);
    if (match !== null) {
      this.offset += match[0].length;
      this.program.spend(match[0].length);
    }
    return match;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
  '\r': '',
};
