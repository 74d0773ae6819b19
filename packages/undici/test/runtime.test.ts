import type { TestServer } from '@clientcert/testing';
import { fetch as undiciFetch } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientCertificates, createDispatcher, createFetch } from '../src/index.ts';
import { createPeople, load, type People, startBank, subjects } from './ground.ts';

// What Bun and Deno are told from Node by; what they do with a dispatcher is tested where they are installed.
describe('attack: other runtimes', () => {
  let people: People;
  let bank: TestServer;
  const versions = Object.getOwnPropertyDescriptor(process, 'versions')!;
  const pretend = (runtime: object) =>
    Object.defineProperty(process, 'versions', { ...versions, value: { ...process.versions, ...runtime } });

  beforeEach(async () => {
    people = await createPeople();
    bank = await startBank(people);
  });
  afterEach(async () => {
    Object.defineProperty(process, 'versions', versions);
    await bank.close();
  });

  const refused = expect.objectContaining({
    code: 'ERR_CLIENTCERT_RUNTIME_UNSUPPORTED',
    hint: expect.stringMatching(/\w/),
  });

  it('nothing goes out past the rules on Bun, whose fetch and undici take no dispatcher', async () => {
    await using credentials = await load(people, bank);
    pretend({ bun: '1.3.0' });
    expect(() => createFetch(credentials)).toThrow(refused);
    expect(() => createDispatcher(credentials)).toThrow(refused);
    expect(() => clientCertificates(credentials)).toThrow(refused);
    expect(() => createFetch(Promise.resolve(credentials), { fetch: undiciFetch as never })).toThrow(refused);
    expect(bank.requests).toEqual([]);
  });

  it('on Deno, createFetch takes undici’s fetch, and refuses Deno’s own', async () => {
    await using credentials = await load(people, bank);
    pretend({ deno: '2.5.0' });
    expect(() => createFetch(credentials)).toThrow(refused);
    expect(() => createFetch(credentials, { fetch })).toThrow(refused);
    const call = createFetch(credentials, { fetch: undiciFetch as unknown as typeof fetch });
    await (await call(bank.url)).text();
    expect(subjects(bank)).toEqual(['alice']);
  });
});
