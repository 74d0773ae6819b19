import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { Judge } from './judge.ts';

let judge: Judge | undefined;
afterEach(() => judge?.close());

const opening = (run: (input: Buffer) => unknown) => ({ seeds: [], run });

it('says of an input that fills the memory that it does, and of another that it does not', async () => {
  const greedy = async (input: Buffer) => {
    const held: Buffer[] = [];
    for (let left = input.length; left > 0; left--) held.push(Buffer.allocUnsafeSlow(2 ** 20));
    await setTimeout(100); // it looks on while the event loop turns
    return held.length;
  };
  judge = new Judge(opening(greedy), 'greedy');
  expect(await judge.judge(Buffer.alloc(500))).toMatchObject({ kind: 'large' });
  expect(await judge.judge(Buffer.alloc(50))).toBeUndefined();
});

it('says what else must not be', async () => {
  const kindOf = async (run: (input: Buffer) => unknown) => {
    await judge?.close();
    judge = new Judge(opening(run), 'one');
    return (await judge.judge(Buffer.from('x')))?.kind;
  };
  let count = 0;
  expect(await kindOf(() => count++)).toBe('unsteady');
  expect(await kindOf(() => Promise.reject(new Error('somebody else’s')))).toBe('foreign error');
  expect(await kindOf(() => void Promise.reject(new Error('nobody waits for it')))).toBe('leftover');
  expect(await kindOf(() => 'read')).toBeUndefined();
});
