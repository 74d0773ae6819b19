const globals = globalThis as Record<symbol, unknown>;
const places = [1, 2].map((generation) => Symbol.for(`undici.globalDispatcher.${generation}`));

/**
 * Remembers the global dispatchers, of undici 7 and 8, and returns what puts them back. `setGlobalDispatcher` sets both to
 * one, so with it that of Node 26 would stay replaced, for every test after.
 */
export function keepGlobalDispatcher(): () => void {
  const before = places.map((place) => globals[place]);
  return () => {
    for (const [index, place] of places.entries()) globals[place] = before[index];
  };
}
