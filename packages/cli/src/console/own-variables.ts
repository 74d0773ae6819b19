import { isRecord } from './input.ts';

/**
 * A certificate's source that shares no environment variable with others, unless it is of the same file: what one
 * variable holds opens one of them.
 *
 * @returns With what each variable is called now, where it had to be another.
 */
export function withOwnVariables(
  source: unknown,
  others: readonly (readonly [name: string, source: unknown])[],
): { source: unknown; renamed: readonly (readonly [from: string, to: string])[] } {
  const elsewhere = others.filter(([, each]) => fileOf(each) !== fileOf(source));
  const taken = new Set(elsewhere.flatMap(([, each]) => variablesIn(each)));
  const renamed = new Map<string, string>();
  for (const name of variablesIn(source)) {
    let free = name;
    for (let count = 2; taken.has(free); count++) free = `${name}_${count}`;
    taken.add(free);
    if (free !== name) renamed.set(name, free);
  }
  if (renamed.size === 0 || !isRecord(source)) return { source, renamed: [] };
  const options = Object.entries(source).map(([option, value]) => [option, rename(value, renamed)]);
  return { source: Object.fromEntries(options), renamed: [...renamed] };
}

function fileOf(source: unknown): string {
  const { pfx, cert, key } = isRecord(source) ? source : {};
  return JSON.stringify([pfx, cert, key]);
}

function variablesIn(source: unknown): string[] {
  if (!isRecord(source)) return [];
  const names = Object.values(source).flatMap((value) =>
    isRecord(value) && typeof value.env === 'string' ? [value.env] : [],
  );
  return [...new Set(names)];
}

function rename(value: unknown, renamed: ReadonlyMap<string, string>): unknown {
  const free = isRecord(value) && typeof value.env === 'string' ? renamed.get(value.env) : undefined;
  return free === undefined ? value : { ...(value as object), env: free };
}
