import { expect, it } from 'vitest';
import { expectNone } from './cases/secrets.ts';

const canary = { texts: ['canary'], bytes: [Buffer.from('canary')] };
const hidden = Symbol('hidden');

it.each([
  { passphrase: 'canary' },
  { options: { key: Buffer.from('..canary..') } },
  { [hidden]: { inner: ['canary'] } },
  Object.defineProperty({}, 'quiet', { value: Buffer.from('canary'), enumerable: false }),
  new Map([['a', new Set([{ deep: 'canary' }])]]),
  Object.assign(new Error('x', { cause: new Error('canary') })),
  new Error('canary'),
  { toJSON: () => ({ of: 'canary' }) },
])('the search for secrets finds one: %#', (value) => {
  expect(() => expectNone(value, canary)).toThrow(/printed|a secret at/);
});

it('the search for secrets finds none where there is none', () => {
  expectNone({ of: Buffer.from('bird'), cause: new Error('bird') }, canary);
});
