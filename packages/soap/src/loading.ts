import { type Credentials, type Loading, loadedOf } from '@clientcert/core';

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
