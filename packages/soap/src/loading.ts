import type { Credentials } from '@clientcert/core';

/** What `loadCredentials` returned, or the promise of it. */
export type Loading = Credentials | Promise<Credentials>;

/** Takes note of when a promise is kept. Where it is broken, the calls report it, and nothing else does. */
export function watch(credentials: Loading): void {
  if (!isPromise(credentials) || watched.has(credentials)) return;
  watched.add(credentials);
  credentials.then(
    (ready) => loaded.set(credentials, ready),
    () => {},
  );
}

/** The credentials, where they are loaded by now. */
export function loadedOf(credentials: Loading): Credentials | undefined {
  return isPromise(credentials) ? loaded.get(credentials) : credentials;
}

/** Whether two are the same credentials, one perhaps as the promise of the other. */
export function areSame(one: Loading, other: Loading): boolean {
  return one === other || (loadedOf(one) !== undefined && loadedOf(one) === loadedOf(other));
}

/** Goes on at once with what is loaded, so that only a call that has to wait becomes asynchronous. */
export function whenLoaded<Result>(
  credentials: Loading,
  go: (ready: Credentials) => Result,
): Result | Promise<Result> {
  const ready = loadedOf(credentials);
  return ready ? go(ready) : Promise.resolve(credentials).then(go);
}

const watched = new WeakSet<Promise<Credentials>>();
const loaded = new WeakMap<Promise<Credentials>, Credentials>();

function isPromise(credentials: Loading): credentials is Promise<Credentials> {
  return 'then' in credentials;
}
