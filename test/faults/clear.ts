import { inspect, types } from 'node:util';
import { type ClientCertificateError, diagnose } from '@clientcert/core';
import { expect } from 'vitest';
import type { Answer } from '../adapters/adapter.ts';
import type { People } from '../adapters/ground.ts';

export type Outcome = { readonly answer: Answer } | { readonly error: Error };

/** However long a machine is busy: what takes longer hangs. */
const HANGS = 30_000;

/** What comes of a call. One that does not end fails the test. */
export async function outcomeOf(call: Promise<Answer>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const hanging = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the call hangs: no end within ${HANGS} ms`)), HANGS);
  });
  try {
    return await Promise.race([
      call.then(
        (answer) => ({ answer }),
        (error: Error) => ({ error }),
      ),
      hanging,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** An error that a program can tell by its code and a person by its words, with no secret in it. */
export function expectClear(error: unknown, { alice, bob }: Pick<People, 'alice' | 'bob'>): void {
  expect(types.isNativeError(error) || error instanceof Error, inspect(error)).toBe(true);
  expect(codesIn(error).join()).toMatch(CLEAR);
  expect(diagnose(error).title).toMatch(/\w/);
  const shown = inspect(error, { depth: 6, maxStringLength: 10_000, maxArrayLength: 200 });
  for (const { key } of [alice, bob])
    expect(shown.includes(key.slice(60, 90)), 'a key is in the error').toBe(false);
}

/** Codes and names of an error and its causes, outermost first. */
export function codesIn(error: unknown): string[] {
  const found: string[] = [];
  for (
    let each = error as ClientCertificateError | undefined;
    each && found.length < 10;
    each = each.cause as never
  )
    // fetch has no code for this, and says it in words.
    found.push(
      typeof each.code === 'string'
        ? each.code
        : each.message === 'redirect count exceeded'
          ? each.message
          : each.name,
    );
  return found;
}

const CLEAR = /\b(?:E[A-Z]{4,}|[A-Z]+_[A-Z_]+|(?:Timeout|Abort)Error|redirect count exceeded)\b/;
