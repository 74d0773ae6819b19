import { setImmediate } from 'node:timers';

/** How long readings may hold the event loop, all of them together, before others get their turn; in milliseconds. */
const slice = 5;

/** When this process' readings last gave the event loop a turn. */
let began = 0;
let next: Promise<void> | undefined;

/**
 * Gives the event loop a turn where readings have held it for a while: call it between two pieces of work, each
 * well under a slice. All readings share one clock, so that eight of them hold the loop no longer than one.
 */
export function takeTurn(): Promise<void> | undefined {
  if (performance.now() - began < slice) return undefined;
  next ??= new Promise((resolve) => {
    setImmediate(() => {
      next = undefined;
      began = performance.now();
      resolve();
    });
  });
  return next.then(takeTurn);
}

/** Does a piece of work for each item, and gives the event loop its turns between them. */
export async function inTurns<Item>(
  items: Iterable<Item>,
  work: (item: Item, index: number) => void | Promise<void>,
): Promise<void> {
  let index = 0;
  for (const item of items) {
    // Nothing is waited for where there is no need: a promise for each of many small pieces takes longer than they do.
    const turn = takeTurn();
    if (turn) await turn;
    const working = work(item, index++);
    if (working) await working;
  }
}

/** The same for everything that an object holds by name: of many thousand the names alone are listed at once. */
export function entriesInTurns<Value>(
  record: Readonly<Record<string, Value>>,
  work: (name: string, value: Value) => void | Promise<void>,
): Promise<void> {
  return inTurns(Object.keys(record), (name) => work(name, record[name] as Value));
}
