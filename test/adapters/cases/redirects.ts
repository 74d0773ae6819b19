import { loadCredentials } from '@clientcert/core';
import { expect } from 'vitest';
import { type Case, expectFailure, failureOf, type Ground, names, redirectTo } from '../ground.ts';

export const redirects = {
  'to another host, 301: none there': (ground) => toAnotherHost(ground, 301),
  'to another host, 302: none there': (ground) => toAnotherHost(ground, 302),
  'to another host, 303: none there': (ground) => toAnotherHost(ground, 303),
  'to another host, 307: none there': (ground) => toAnotherHost(ground, 307),
  'to another host, 308: none there': (ground) => toAnotherHost(ground, 308),

  async 'to another host with a connection already open: none there'(ground) {
    const [bank, other] = [await ground.bank(), await ground.other()];
    const client = ground.client(await ground.load(bank, { others: [other] }));
    for (let call = 0; call < 3; call++) await client.send(bank.url + redirectTo(other.url));
    expect(names(bank)).toEqual(['alice', 'alice', 'alice']);
    expect(names(other)).toEqual([null, null, null]);
  },

  async 'to another port: its own there'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    await client.send(bank.url + redirectTo(`${bank.urls[1]}${redirectTo(bank.urls[2]!)}`));
    expect(names(bank)).toEqual(['alice', 'bob', null]);
  },

  async 'there and back: each its own'(ground) {
    const [bank, other] = [await ground.bank(), await ground.other()];
    const client = ground.client(await ground.load(bank, { others: [other] }));
    await client.send(bank.url + redirectTo(other.url + redirectTo(`${bank.url}/back`)));
    expect(names(bank)).toEqual(['alice', 'alice']);
    expect(names(other)).toEqual([null]);
  },

  async 'within the host: the same connection'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    await client.send(bank.url + redirectTo('/here'));
    expect(names(bank)).toEqual(['alice', 'alice']);
  },

  async 'to the pinned host from one that no rule names: the pinned one'(ground) {
    const [bank, other] = [await ground.bank(), await ground.other()];
    const client = ground.client(await ground.load(bank, { others: [other] }));
    await client.send(other.url + redirectTo(bank.url));
    expect([names(other), names(bank)]).toEqual([[null], ['alice']]);
  },

  async 'a service goes where it has a host, and no further'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    await client.send(bank.urls[2] + redirectTo(bank.url + redirectTo(bank.urls[2]!)), {
      service: 'Invoices',
    });
    expect(names(bank)).toEqual([null, 'bob', null]);
  },

  async 'a service without hosts does not go to another origin'(ground) {
    const [bank, other] = [await ground.bank(), await ground.other()];
    const client = ground.client(await ground.load(bank, { others: [other] }));
    await client.send(bank.url + redirectTo(other.url), { service: 'Archive' });
    expect([names(bank), names(other)]).toEqual([['bob'], [null]]);
  },

  async 'clientCertificate: false holds on every hop'(ground) {
    const [bank, other] = [await ground.bank(), await ground.other()];
    const hosts = { [`localhost:${bank.ports[2]}`]: 'alice' };
    const client = ground.client(await ground.load(bank, { others: [other], hosts }));
    await client.send(other.url + redirectTo(bank.urls[2]!), { service: false });
    expect([names(other), names(bank)]).toEqual([[null], [null]]);
    await failureOf(client.send(other.url + redirectTo(bank.url), { service: false }));
    expect(bank.requests).toHaveLength(1);
  },

  async 'from https to http after a certificate: refused'(ground) {
    const [bank, plain] = [await ground.bank(), await ground.plain()];
    const client = ground.client(await ground.load(bank));
    await expectFailure(client.send(bank.url + redirectTo(plain.url)), 'DOWNGRADE');
    await expectFailure(client.send(bank.url + redirectTo(plain.url), { service: 'Invoices' }), 'DOWNGRADE');
    await expectFailure(client.send(bank.url + redirectTo(plain.url), { service: 'Archive' }), 'DOWNGRADE');
    expect(names(bank)).toEqual(['alice', 'bob', 'bob']);
    expect(plain.connections).toBe(0);
  },

  async 'from https to http after a certificate, where the rule allows it: followed'(ground) {
    const [bank, plain] = [await ground.bank(), await ground.plain()];
    const hosts = { [`localhost:${bank.port}`]: { certificate: 'alice', allowDowngrade: true } };
    const client = ground.client(await ground.load(bank, { hosts }));
    await client.send(bank.url + redirectTo(plain.url));
    expect([names(bank), names(plain)]).toEqual([['alice'], [null]]);
  },

  async 'from https to http without a certificate: followed, as the client does'(ground) {
    const [bank, plain] = [await ground.bank(), await ground.plain()];
    const client = ground.client(await ground.load(bank));
    await client.send(bank.urls[2] + redirectTo(plain.url));
    expect([names(bank), names(plain)]).toEqual([[null], [null]]);
  },

  async 'to http, where the service that requires its certificate has a host: refused'(ground) {
    const first = await ground.plain({ host: 'localhost' });
    const [other, plain] = [await ground.other(), await ground.plain()];
    const { authority, alice } = ground;
    const config = {
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: { [new URL(other.url).host]: { ca: authority.certificate } },
      services: { Pay: { certificate: 'alice', required: true, hosts: [new URL(plain.url).host] } },
    } as const;
    const client = ground.client(ground.keep(await loadCredentials(config)));
    for (const { url } of [first, other]) {
      await expectFailure(client.send(url + redirectTo(plain.url), { service: 'Pay' }), 'NOT_REQUESTED');
    }
    expect([names(first), names(other)]).toEqual([[null], [null]]);
    expect(plain.connections).toBe(0);
  },

  async 'from http to https: the pinned one'(ground) {
    const [bank, plain] = [await ground.bank(), await ground.plain()];
    const client = ground.client(await ground.load(bank));
    await client.send(plain.url + redirectTo(bank.url));
    expect([names(plain), names(bank)]).toEqual([[null], ['alice']]);
  },

  async 'from http to http: it is not followed as a service that requires its certificate there'(ground) {
    const [first, second] = [await ground.plain({ host: 'localhost' }), await ground.plain()];
    const { hostname } = new URL(second.url);
    const { cert, key } = ground.alice;
    const ownAgent = { cert, key, ca: ground.authority.certificate };
    const loading = loadCredentials({
      certificates: { alice: { cert, key } },
      services: { Here: { certificate: 'alice', required: true, hosts: [hostname] } },
    });
    const credentials = ground.keep(await loading);
    for (const own of [{}, { ownAgent }]) {
      const client = ground.client(credentials, own);
      const call = client.send(first.url + redirectTo(second.url), { service: 'Here' });
      await expectFailure(call, 'NOT_REQUESTED');
    }
    expect([names(first), names(second)]).toEqual([[null, null], []]);
  },
} satisfies Record<string, Case>;

async function toAnotherHost(ground: Ground, status: number): Promise<void> {
  const [bank, other] = [await ground.bank(), await ground.other()];
  const client = ground.client(await ground.load(bank, { others: [other] }));
  await client.send(bank.url + redirectTo(other.url, status));
  expect([names(bank), names(other)]).toEqual([['alice'], [null]]);
}
