import { inspect } from 'node:util';

/** What may be found nowhere: as texts, in each way in which bytes are printed, and as the bytes themselves. */
export interface Canary {
  readonly texts: readonly string[];
  readonly bytes: readonly Buffer[];
}

/** Where secrets are printed, or can be reached, in sentences that repeat none of them. */
export function search(value: unknown, canary: Canary): string[] {
  const { texts, bytes } = canary;
  const printed = [
    inspect(value, {
      depth: 12,
      showHidden: true,
      getters: true,
      maxStringLength: null,
      maxArrayLength: null,
    }),
    inspect(value, { depth: 12 }),
    stringify(value),
    value instanceof Error ? `${value.stack}${value.message}` : String(value),
  ].join('\n');
  const found = searchText(printed, canary).map((text) => `printed: ${text}`);
  for (const { path, found: each } of reach(value)) {
    const hit =
      typeof each === 'string'
        ? texts.some((text) => each.includes(text))
        : bytes.some((part) => Buffer.from(each.buffer, each.byteOffset, each.byteLength).includes(part));
    if (hit) found.push(`a secret at ${path}`);
  }
  return found;
}

/** The beginnings of those that a text has. */
export function searchText(text: string, { texts }: Pick<Canary, 'texts'>): string[] {
  return texts.filter((each) => text.includes(each)).map((each) => `${each.slice(0, 12)}…`);
}

/** As loggers do: circular parts are left out. */
function stringify(value: unknown): string {
  const above: unknown[] = [];
  return String(
    JSON.stringify(value, function (this: unknown, _key, each: unknown) {
      if (typeof each === 'bigint') return String(each);
      if (typeof each !== 'object' || each === null) return each;
      while (above.length > 0 && above.at(-1) !== this) above.pop();
      if (above.includes(each) || above.length > 12) return undefined;
      above.push(each);
      return each;
    }),
  );
}

/**
 * Every text and every run of bytes that can be reached by property, symbol, Map or Set, however deep. Printing as deep
 * would print what hangs together again and again.
 */
function* reach(root: unknown): Generator<{ path: string; found: string | ArrayBufferView }> {
  const seen = new Set<unknown>([globalThis, process, process.env]);
  const left: { path: string; value: unknown }[] = [{ path: '', value: root }];
  for (let each = left.pop(); each && seen.size < 100_000; each = left.pop()) {
    const { path, value } = each;
    if (typeof value === 'string' || ArrayBuffer.isView(value)) {
      yield { path, found: value };
      continue;
    }
    if (value === null || (typeof value !== 'object' && typeof value !== 'function') || seen.has(value))
      continue;
    seen.add(value);
    if (value instanceof Map)
      for (const [key, inner] of value) left.push({ path: `${path}.(${String(key)})`, value: inner });
    if (value instanceof Set) for (const inner of value) left.push({ path: `${path}.()`, value: inner });
    for (const key of Reflect.ownKeys(value)) {
      const property = Reflect.getOwnPropertyDescriptor(value, key);
      if (property && 'value' in property)
        left.push({ path: `${path}.${String(key)}`, value: property.value });
      if (typeof key === 'string' && key.length > 20) yield { path: `${path} (key)`, found: key };
    }
  }
}
