import type { Dispatcher } from 'undici';

/** The global dispatcher of undici 7 and older (1) or of undici 8 (2), whichever copy has set it; Node's own is one, too. */
export function globalDispatcher(generation: 1 | 2): Dispatcher | undefined {
  return (globalThis as Record<symbol, unknown>)[Symbol.for(`undici.globalDispatcher.${generation}`)] as
    | Dispatcher
    | undefined;
}

/** What was beneath those wrappers that were the global dispatcher once: a test sets one aside, and back. */
export const wrapped: WeakMap<Dispatcher, Dispatcher> = new WeakMap();

const [current, beneath] = [globalDispatcher(1), globalDispatcher(2)];
if (current && beneath) wrapped.set(current, beneath);
