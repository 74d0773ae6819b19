import { dirname, relative } from 'node:path';
import type { CallExpression, NewExpression, Node, ObjectExpression } from '@babel/types';
import { type Code, importedAs, mayAwait, moduleNameOf, topStatement } from './code.ts';
import { Edits } from './edits.ts';
import {
  elementRanges,
  endOf,
  endOfLine,
  indentAt,
  quoteOf,
  rangeOf,
  semicolonOf,
  startOf,
} from './layout.ts';
import { keyOf } from './syntax.ts';
import { removeUnused } from './unused.ts';

/** What becomes of one file: the places that change, and what they need at its top. */
export class Rewrite {
  readonly code: Code;
  readonly edits: Edits = new Edits();
  /** Whether a file that the code names lies relative to it: then so does the config. */
  besideCode = false;
  readonly #names: Set<string>;
  readonly #imports = new Map<string, Map<string, string>>();
  readonly #top = new Map<string, { name: string; line: string }>();
  readonly #anchors: Node[] = [];
  readonly #once = new Set<unknown>();
  readonly #made = new Map<string, string>();
  readonly packages: Set<string> = new Set();
  #credentials: string | undefined;

  constructor(code: Code) {
    this.code = code;
    this.#names = new Set(code.names);
  }

  /** A name that nothing in the file has. */
  free(...wanted: readonly [string, ...string[]]): string {
    const candidates = [...wanted, ...Array.from({ length: 99 }, (_, index) => `${wanted[0]}${index + 2}`)];
    const name = candidates.find((each) => !this.#names.has(each))!;
    this.#names.add(name);
    return name;
  }

  /** What a name of one of our packages is called in the file. */
  import(from: string, name: string, ...others: readonly string[]): string {
    const known = [...this.#imports.values()].find((names) => name === 'loadCredentials' && names.has(name));
    const names = known ?? this.#imports.get(from) ?? new Map<string, string>();
    if (!known) this.#imports.set(from, names);
    this.packages.add(from);
    const local = names.get(name) ?? this.#imported(from, name) ?? this.free(name, ...others);
    names.set(name, local);
    return local;
  }

  /** What the file imports already, and calls so. */
  #imported(from: string, name: string): string | undefined {
    const { bindings, program } = this.code;
    return bindings.find(
      (each) => each.scope === program && importedAs(this.code, each) === `${from}.${name}`,
    )?.name;
  }

  /** The credentials, loaded or the promise of them, as they are called where a node stands. */
  credentials(from: string, at: Node): string {
    this.import(from, 'loadCredentials');
    this.#anchors.push(at);
    this.#credentials ??= this.free('credentials', 'clientCredentials');
    return this.#credentials;
  }

  /** The loaded credentials; `undefined` where none can be waited for. */
  loaded(from: string, at: Node): string | undefined {
    if (!canLoad(this.code, at)) return undefined;
    const name = this.credentials(from, at);
    return this.code.awaitsOnTop ? name : `(await ${name})`;
  }

  /** A line at the top of the file, once; @returns the name that it declares. */
  atTop(
    key: string,
    wanted: readonly [string, ...string[]] | undefined,
    line: (name: string) => string,
  ): string {
    const known = this.#top.get(key);
    if (known) return known.name;
    const name = wanted ? this.free(...wanted) : '';
    this.#top.set(key, { name, line: line(name) });
    return name;
  }

  /** What was made for this key before, else what is made now. */
  once(key: string, make: () => string): string {
    const made = this.#made.get(key) ?? make();
    this.#made.set(key, made);
    return made;
  }

  /** Whether it is the first to say so. */
  first(what: unknown): boolean {
    const isFirst = !this.#once.has(what);
    this.#once.add(what);
    return isFirst;
  }

  /** Statements after another, as deep as that. */
  after(statement: Node, ...lines: readonly string[]): void {
    const indent = indentAt(this.code, statement.start!);
    const semicolon = semicolonOf(this.code);
    const text = lines.map((line) => `${endOfLine(this.code)}${indent}${line}${semicolon}`).join('');
    this.edits.insert(endOf(this.code, statement.end!), text);
  }

  /**
   * Takes properties from an object; the first becomes `instead`, if that is given.
   *
   * @returns whether any are left
   */
  removeProperties(object: ObjectExpression, names: readonly string[], instead?: string): boolean {
    const gone = object.properties.filter((each) => names.includes(keyOf(each) ?? ''));
    const [replaced] = gone;
    if (instead !== undefined && replaced) this.edits.replace(rangeOf(replaced), instead);
    const removed = new Set<Node>(instead === undefined ? gone : gone.slice(1));
    for (const range of elementRanges(this.code, object.properties, removed, rangeOf(object)))
      this.edits.replace(range, '');
    return removed.size < object.properties.length;
  }

  removeArgument(call: CallExpression | NewExpression, argument: Node): void {
    const list = { start: call.callee.end!, end: call.end! };
    for (const range of elementRanges(this.code, call.arguments, new Set([argument]), list))
      this.edits.replace(range, '');
  }

  quoted(text: string): string {
    const quote = quoteOf(this.code);
    const escaped = JSON.stringify(text).slice(1, -1);
    return quote === '"' ? `"${escaped}"` : `'${escaped.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
  }

  /** The text with all changes. @param config The absolute path of the config, and as it is named. */
  finish(config: { path: string; shown: string }): string {
    const { code, edits } = this;
    const top = [...this.#top.values()].map(({ line }) => line);
    removeUnused(code, edits, top);
    if (this.#credentials !== undefined) {
      const [load] = [...this.#imports.values()].flatMap((names) => names.get('loadCredentials') ?? []);
      const wait = code.awaitsOnTop ? 'await ' : '';
      const lines = [`const ${this.#credentials} = ${wait}${load}(${this.#pathOf(config)})`, ...top];
      this.#insertAtTop(lines);
    }
    return edits.apply(code.text);
  }

  #pathOf({ path, shown }: { path: string; shown: string }): string {
    if (!this.besideCode) return this.quoted(shown);
    const from = relative(dirname(this.code.path), path).replaceAll('\\', '/');
    const dotted = from.startsWith('.') ? from : `./${from}`;
    return this.code.imports && (this.code.awaitsOnTop || !this.code.names.has('__dirname'))
      ? `new URL(${this.quoted(dotted)}, import.meta.url)`
      : `\`\${__dirname}/${from}\``;
  }

  #insertAtTop(lines: readonly string[]): void {
    const { code, edits } = this;
    const [eol, semicolon] = [endOfLine(code), semicolonOf(code)];
    const anchor = this.#firstUse();
    const imports = [...this.#imports].flatMap(([from, names]) => {
      const line = this.#importLine(from, names);
      return line === undefined ? [] : [{ from, line }];
    });
    const inPlace: string[] = [];
    const above: { at: number; text: string }[] = [];
    for (const { from, line } of imports) {
      const before = importOf(code, from.replace('@clientcert/', ''), anchor);
      if (before)
        above.push({ at: edits.afterRemoval(startOf(code, before)), text: `${line}${semicolon}${eol}` });
      else inPlace.push(line);
    }
    const text = [...inPlace, ...lines].map((line) => `${line}${semicolon}${eol}`).join('');
    const isShort = /^(VariableDeclaration|ExpressionStatement)$/.test(anchor.type);
    above.push({ at: edits.afterRemoval(startOf(code, anchor)), text: isShort ? text : `${text}${eol}` });
    for (const { at, text } of above.reverse()) edits.insertFirst(at, text);
  }

  #importLine(from: string, names: ReadonlyMap<string, string>): string | undefined {
    const { imports } = this.code;
    const missing = [...names].filter(([name, local]) => local !== this.#imported(from, name));
    if (missing.length === 0) return undefined;
    const list = missing
      .sort(([one], [other]) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1))
      .map(([name, local]) => (name === local ? name : `${name}${imports ? ' as ' : ': '}${local}`))
      .join(', ');
    const source = this.quoted(from);
    return imports ? `import { ${list} } from ${source}` : `const { ${list} } = require(${source})`;
  }

  /** The first statement that needs the credentials, or that calls a function which does. */
  #firstUse(): Node {
    const { code } = this;
    const statements = code.program.body.filter((statement) => !/^Import/.test(statement.type));
    let first = Math.min(
      ...this.#anchors.map((each) => statements.indexOf(topStatement(code, each) as never)),
    );
    for (const at of new Set(this.#anchors.map((each) => topStatement(code, each)))) {
      const declared = code.declaredBy('declaration' in at && at.declaration ? (at.declaration as Node) : at);
      for (const reference of at.type.includes('Function') || at.type.startsWith('Export')
        ? declared.flatMap(({ references }) => references)
        : []) {
        const index = statements.indexOf(topStatement(code, reference) as never);
        if (index >= 0) first = Math.min(first, index);
      }
    }
    return statements[first]!;
  }
}

/** Whether loaded credentials can be had where a node stands. */
export function canLoad(code: Code, at: Node): boolean {
  return code.awaitsOnTop || mayAwait(code, at);
}

/** The import or require of a client, if it stands before; else the first, or the last, of all. */
function importOf(code: Code, client: string, anchor: Node): Node | undefined {
  const { body } = code.program;
  const before = body.slice(0, body.indexOf(anchor as never));
  const all = before.filter((statement) =>
    code.imports ? statement.type === 'ImportDeclaration' : isRequire(code, statement),
  );
  const modules = client === 'core' ? ['https', 'node:https'] : [client];
  const text = (statement: Node) => code.text.slice(statement.start!, statement.end!);
  return all.find((each) => modules.some((name) => new RegExp(`["']${name}["']`).test(text(each)))) ?? all[0];
}

function isRequire(code: Code, statement: Node): boolean {
  return (
    statement.type === 'VariableDeclaration' &&
    statement.declarations.every(({ init }) => init && moduleNameOf(code, init) !== undefined)
  );
}
