import { subscribe } from 'node:diagnostics_channel';
import type { Dispatcher } from 'undici';
import { originsOf } from './origins.ts';

/**
 * Requests whose answer `interceptors.deduplicate` gives to others too, by origin and method, with what follows in
 * undici's key for each: the path, then headers. Those of every copy of undici tell of them.
 */
const awaited = new Map<string, string[]>();

let isWatching = false;

/** @see https://undici.nodejs.org/#/docs/api/DiagnosticsChannel `undici:request:pending-requests` */
export function watchAwaited(): void {
  if (isWatching) return;
  isWatching = true;
  subscribe('undici:request:pending-requests', (message) => {
    const { key, type } = message as { key: string; type: 'added' | 'removed' };
    const [place, rest] = partsOf(key);
    const known = awaited.get(place) ?? [];
    if (type === 'added') awaited.set(place, [...known, rest]);
    else if (known.length > 1) awaited.set(place, known.toSpliced(known.indexOf(rest), 1));
    else awaited.delete(place);
  });
}

/** The key is a list in JSON; that of older undici is a text. */
function partsOf(key: string): [place: string, rest: string] {
  if (key.startsWith('[')) {
    const [origin, method, path] = JSON.parse(key) as string[];
    return [`${origin} ${method}`, path!];
  }
  const [, origin, method, rest = ''] = /^(.*?):([A-Z]+):(.*)$/s.exec(key) ?? [];
  return [`${origin} ${method}`, rest];
}

/**
 * Whether others wait for the answer to this very request: their interceptor need not be the next before this.
 *
 * @param name The host's, as for {@link originsOf}.
 */
export function othersAwait(
  origin: string | URL,
  { method, path }: Dispatcher.DispatchOptions,
  name: string | null | undefined,
): boolean {
  if (awaited.size === 0) return false;
  return [`${origin}`, ...originsOf(origin, name)].some((place) =>
    // A query may not be part of the path yet.
    awaited
      .get(`${place} ${method}`)
      ?.some((rest) => rest.startsWith(path) && /^([?&:]|$)/.test(rest.slice(path.length))),
  );
}
