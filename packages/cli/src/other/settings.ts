import { UsageError } from '../command.ts';
import type { Findings, Place, Secret } from './entry.ts';
import { Code, Content, readProperty, Variable } from './literal.ts';

/** JSON, and nothing of it in an error: what a parser says of a text quotes it, and it holds passphrases. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** All documents of a YAML text, or the one of a JSON text. */
export async function parseYaml(text: string): Promise<unknown[]> {
  const json = parseJson(text);
  if (json !== undefined) return [json];
  // The parser calls itself for each bracket, and takes the process with it.
  let depth = 0;
  for (const character of text) {
    depth += '[{'.includes(character) ? 1 : ']}'.includes(character) ? -1 : 0;
    if (depth > 500) throw new UsageError('the YAML is nested too deeply');
  }
  // Loaded here alone: no other command needs it.
  const { Composer, isScalar, LineCounter, Parser, visit } = await import('yaml');
  const lineCounter = new LineCounter();
  const wrong = (offset: number) =>
    new UsageError(
      `the file is neither JSON nor YAML: line ${lineCounter.linePos(offset).line} is not as it should be`,
    );
  // Its own check compares each key with every other, and would write warnings to the terminal.
  const options = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const;
  const documents = (() => {
    try {
      const tokens = [];
      for (const token of new Parser(lineCounter.addNewLine).parse(text)) {
        // After one error every further character may be the next, and each takes its time.
        if (token.type === 'error') throw wrong(token.offset);
        tokens.push(token);
      }
      return [...new Composer(options).compose(tokens)];
    } catch (error) {
      throw error instanceof UsageError ? error : new UsageError('the YAML is nested too deeply');
    }
  })();
  return documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw wrong(error.pos[0]);
    visit(document, {
      Map(_, { items }) {
        const names = items.flatMap(({ key }) => (isScalar(key) ? [key.value] : []));
        if (new Set(names).size < names.length)
          throw new UsageError('the file is not YAML as it should be: a key stands twice in one place');
      },
    });
    try {
      // An alias stands for the same again; a few lines can stand for any number.
      return document.toJS({ maxAliasCount: 100 }) as unknown;
    } catch {
      throw new UsageError('the YAML has aliases that stand for nothing, or for too much');
    }
  });
}

/**
 * The lists that stand under a name, at any depth of a JSON text, or as literals in a program. `undefined` where the
 * name is not there.
 */
export function findLists(text: string, name: string): unknown[] | undefined {
  const json = parseJson(text);
  const found =
    json === undefined ? readProperty(text, name) : Array.isArray(json) ? [json] : heldBy(json, name, 0);
  const lists = found.filter((each) => Array.isArray(each));
  return lists.length === 0 ? undefined : lists.flat(1);
}

function heldBy(value: unknown, name: string, depth: number): unknown[] {
  if (typeof value !== 'object' || value === null || depth > 20) return [];
  const own = !Array.isArray(value) && Object.hasOwn(value, name) ? [Reflect.get(value, name)] : [];
  return [...own, ...Object.values(value).flatMap((each) => heldBy(each, name, depth + 1))];
}

/** What only running the program would tell. */
export function isComputed(value: unknown): boolean {
  return value instanceof Code || value instanceof Variable || value instanceof Content;
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Where a file is, as a setting says it; what it says in another way is left out, and that is said. */
export function placeOf(value: unknown, where: string, found: Findings): Place | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string') {
    if (/-----BEGIN /.test(value)) return { text: value };
    const variable = templateOf(value);
    if (variable === undefined) return { path: value };
    if (variable !== null) return { env: variable };
  }
  if (value instanceof Content) return { path: value.path };
  if (value instanceof Variable) {
    found.leave(where, `its path is in the variable ${value.name}: write the path`);
    return undefined;
  }
  found.leave(where, 'its path is put together when the tool runs: write the path');
  return undefined;
}

/** How a passphrase is come by. */
export function secretOf(value: unknown): Secret | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (value instanceof Variable) return { env: value.name };
  const variable = typeof value === 'string' ? templateOf(value) : undefined;
  return typeof variable === 'string' ? { env: variable } : 'written';
}

/** `{{process.env.NAME}}` of Bruno: the name; `null` for another template. */
function templateOf(text: string): string | null | undefined {
  const open = text.indexOf('{{');
  if (open < 0 || !text.includes('}}', open)) return undefined;
  return /^\{\{\s*process\.env\.([A-Za-z_]\w*)\s*\}\}$/.exec(text)?.[1] ?? null;
}

/** A setting that is a program, such as `ignoreHTTPSErrors: true`, told where it matters. */
export function leaveIfSet(text: string, name: string, why: string, found: Findings): void {
  const json = parseJson(text);
  const values = json === undefined ? readProperty(text, name) : heldBy(json, name, 0);
  if (values.some((value) => value !== undefined && value !== false && value !== null && !isPlainCode(value)))
    found.leave(`"${name}"`, why);
}

/** A mention in a comment or a type, not a setting. */
function isPlainCode(value: unknown): boolean {
  return value instanceof Code && !/[({]/.test(value.text);
}

export function notThat(what: string, hint?: string): UsageError {
  return new UsageError(`the file is not what it should be: ${what}`, hint);
}

export function isJson(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
