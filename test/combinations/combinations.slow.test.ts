import fc from 'fast-check';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { adapters as axios } from '../adapters/axios.ts';
import { adapters as fetches } from '../adapters/fetch.ts';
import { adapters as got } from '../adapters/got.ts';
import { adapters as https } from '../adapters/https.ts';
import { adapters as soap } from '../adapters/soap.ts';
import { adapters as undici } from '../adapters/undici.ts';
import { programs } from './programs.ts';
import { Run } from './run.ts';
import { type Ground, prepare } from './servers.ts';

/** How many programs, and which: to look for more, run it with others. */
const { COMBINATIONS: numRuns = 18, COMBINATIONS_SEED: seed = 1 } = process.env;
/** A smaller program takes hundreds of tries to find. */
const endOnFailure = process.env.COMBINATIONS_SHRINK === undefined;

describe.each([...https, ...axios, ...got, ...soap, ...undici, ...fetches])('$name', (adapter) => {
  let ground: Ground;
  beforeAll(async () => {
    ground = await prepare(adapter);
  });
  afterAll(() => ground.close());

  it(`whatever meets, each server sees whom a rule shows there (seed ${seed})`, async () => {
    const property = fc.asyncProperty(programs(24), (program) => new Run(adapter, program, ground).execute());
    await fc.assert(property, { numRuns: Number(numRuns), seed: Number(seed), endOnFailure });
  }, 600_000);
});
