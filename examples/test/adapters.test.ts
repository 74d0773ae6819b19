import { Agent } from 'node:https';
import { loadCredentials } from '@clientcert/core';
import { type Authority, createAuthority, startServer, type TestServer } from '@clientcert/testing';
import { Request } from 'node-fetch';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFetch } from '../adapters/node-fetch.mjs';

let authority: Authority;
let bank: TestServer;
let other: TestServer;

beforeAll(async () => {
  authority = await createAuthority();
  const hosts = ['localhost', '127.0.0.1'];
  [bank, other] = await Promise.all([
    startServer({ authority, hosts, clientCertificate: 'optional' }),
    startServer({ authority, hosts, clientCertificate: 'optional' }),
  ]);
}, 120_000);
afterAll(() => Promise.all([bank.close(), other.close()]));

async function load() {
  const [alice, tax] = await Promise.all([
    authority.issue({ name: 'alice' }),
    authority.issue({ name: 'tax' }),
  ]);
  return loadCredentials({
    certificates: {
      alice: { cert: alice.cert, key: alice.key, ca: authority.certificate },
      tax: { cert: tax.cert, key: tax.key, ca: authority.certificate },
    },
    hosts: {
      [new URL(bank.url).host]: 'alice',
      [new URL(other.url).host]: { certificate: false, ca: authority.certificate },
    },
    services: { Tax: { certificate: 'tax', hosts: [new URL(bank.url).host] } },
  });
}

/** What a server saw since. */
function seenBy(server: TestServer, since: number): string[] {
  return server.requests
    .slice(since)
    .map(({ path, clientCertificate }) => `${path} ${clientCertificate?.commonName ?? 'none'}`);
}

it('examples/adapters/node-fetch.mjs presents what is pinned to each hop', async () => {
  await using credentials = await load();
  const [atBank, atOther] = [bank.requests.length, other.requests.length];
  const fetch = createFetch(Promise.resolve(credentials));
  expect((await fetch(`${bank.url}/accounts`)).status).toBe(200);
  expect((await fetch(new Request(`${other.url}/rates`))).status).toBe(200);
  const to = encodeURIComponent(`${other.url}/moved`);
  expect((await fetch(`${bank.url}/redirect?to=${to}`)).status).toBe(200);
  expect((await createFetch(credentials, { service: 'Tax' })(`${bank.url}/tax`)).status).toBe(200);
  expect(seenBy(bank, atBank).map((each) => each.replace(/\?\S*/, ''))).toEqual([
    '/accounts alice',
    '/redirect alice',
    '/tax tax',
  ]);
  expect(seenBy(other, atOther)).toEqual(['/rates none', '/moved none']);
});

it('examples/adapters/node-fetch.mjs refuses what would go past the rules', async () => {
  await using credentials = await load();
  const before = bank.requests.length;
  const fetch = createFetch(credentials);
  const agent = new Agent();
  const refused = { code: 'ERR_CLIENTCERT_AGENT_CONFLICT' };
  await expect(fetch(bank.url, { agent })).rejects.toMatchObject(refused);
  await expect(fetch(bank.url, { agent: () => agent })).rejects.toMatchObject(refused);
  await expect(fetch(new Request(bank.url, { agent } as object))).rejects.toMatchObject(refused);
  expect(bank.requests.length).toBe(before);
  const down = `${bank.url}/redirect?to=${encodeURIComponent('http://127.0.0.1:1/')}`;
  await expect(fetch(down)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_DOWNGRADE' });
  const failure = await fetch('https://127.0.0.1:1/').catch((error) => error);
  expect(failure.clientCertificate).toMatchObject({ code: 'SERVER_NOT_REACHED' });
  expect(() => createFetch({} as never)).toThrow(/createFetch\(\) takes what loadCredentials returns/);
});
