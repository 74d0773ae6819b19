import type { Dispatcher } from 'undici';
import { expect, it } from 'vitest';
import { Forward } from '../src/forward.ts';

it('a handler is told everything through one in front of it, as it is told without', () => {
  const heard: unknown[] = [];
  const handler = new Proxy({} as Dispatcher.DispatchHandler, {
    get:
      (_, name) =>
      (...args: unknown[]) =>
        heard.push([name, ...args]),
  });
  const before = new Forward(handler) as unknown as Record<string, (...args: unknown[]) => void>;
  for (const name of called) before[name]!(1, 2, 3, 4);
  expect(heard.map((each) => (each as unknown[])[0])).toEqual(called);
  expect(heard).toContainEqual(['onResponseStart', 1, 2, 3, 4]);
});

it('a handler that takes little is not told the rest', () => {
  const before = new Forward({}) as unknown as Record<string, (...args: unknown[]) => void>;
  for (const name of called) expect(before[name]!()).toBeUndefined();
});

/** What undici calls on a handler, in all supported versions. */
const called = [
  'onRequestStart',
  'onBodySent',
  'onRequestSent',
  'onResponseStarted',
  'onResponseStart',
  'onResponseData',
  'onResponseEnd',
  'onResponseError',
  'onRequestUpgrade',
];
