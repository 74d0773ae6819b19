import { type Credentials, loadCredentials } from '@clientcert/core';
import type { RequestHandler } from '@clientcert/testing';
import { expect } from 'vitest';
import type { Identity } from '../adapter.ts';
import { type Case, codesOf, expectFailure, failureOf, type Ground, names, redirectTo } from '../ground.ts';

export const conflicts = {
  async 'an agent or dispatcher of their own is refused at a pinned host, before any connection'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank), { ownAgent: mallory(ground) });
    await expectFailure(client.send(bank.url), 'AGENT_CONFLICT');
    await expectFailure(client.send(bank.urls[2]!, { service: 'Archive' }), 'AGENT_CONFLICT');
    expect(bank.connections).toBe(0);
  },

  async 'an agent or dispatcher of their own is used where no rule names the host'(ground) {
    const [bank, other] = [await ground.bank(), await ground.other()];
    const client = ground.client(await ground.load(bank), { ownAgent: mallory(ground) });
    await client.send(other.url);
    expect(names(other)).toEqual(['bob']);
  },

  async 'an agent or dispatcher of their own is refused where a redirect leads to a pinned host'(ground) {
    const [bank, other, plain] = [await ground.bank(), await ground.other(), await ground.plain()];
    const client = ground.client(await ground.load(bank), { ownAgent: mallory(ground) });
    await expectFailure(client.send(other.url + redirectTo(bank.url)), 'AGENT_CONFLICT');
    await expectFailure(client.send(plain.url + redirectTo(bank.url)), 'AGENT_CONFLICT');
    expect(names(other)).toEqual(['bob']);
    expect(bank.connections).toBe(0);
  },

  async 'an agent or dispatcher of their own is refused where the config says which TLS is spoken everywhere'(
    ground,
  ) {
    const [bank, other] = [await ground.bank(), await ground.other()];
    const credentials = await ground.load(bank, { tls: 'TLSv1.2' });
    const client = ground.client(credentials, { ownAgent: mallory(ground) });
    await expectFailure(client.send(other.url), 'AGENT_CONFLICT');
    expect(other.connections).toBe(0);
  },

  async 'an agent or dispatcher of their own goes past no service that requires what nobody names'(ground) {
    const bank = await ground.bank();
    const { host, href } = new URL(bank.urls[2]!);
    const { authority } = ground;
    const config = {
      hosts: { [host]: { ca: authority.certificate } },
      services: { Pay: { required: true, hosts: [host] } },
    };
    const credentials = ground.keep(await loadCredentials(config));
    const client = ground.client(credentials, { ownAgent: mallory(ground) });
    // Which of the two is told first differs.
    const codes = codesOf(await failureOf(client.send(href, { service: 'Pay' })));
    expect(codes.join()).toMatch(/ERR_CLIENTCERT_(?:AGENT_CONFLICT|CONFIG_INVALID)/);
    expect(bank.connections).toBe(0);
  },

  async 'a certificate and key of their own are refused at a pinned host, before any connection'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank), { ownCertificate: mallory(ground) });
    await expectFailure(client.send(bank.url), 'AGENT_CONFLICT');
    await expectFailure(client.send(bank.urls[2]!, { service: 'Archive' }), 'AGENT_CONFLICT');
    expect(bank.connections).toBe(0);
  },

  async 'a certificate and key of their own are used where no rule names the host'(ground) {
    const [bank, other] = [await ground.bank(), await ground.other()];
    const client = ground.client(await ground.load(bank), { ownCertificate: mallory(ground) });
    await client.send(other.url);
    expect(names(other)).toEqual(['bob']);
  },

  'a certificate and key of their own are presented for no other client, over TLS 1.2': (ground) =>
    takeTurns(ground, 'TLSv1.2'),
  'a certificate and key of their own are presented for no other client, over TLS 1.3': (ground) =>
    takeTurns(ground, 'TLSv1.3'),

  async 'a config in place of credentials is refused, at once or when its promise is kept'(ground) {
    const bank = await ground.bank();
    const config = { certificates: {} } as unknown as Credentials;
    const given: (Credentials | Promise<Credentials>)[] = [config, Promise.resolve(config)];
    for (const each of given) {
      const call = async () => await ground.client(each).send(bank.url);
      await expectFailure(call(), 'CONFIG_INVALID');
    }
    expect(bank.connections).toBe(0);
  },
} satisfies Record<string, Case>;

/** Clients over the same credentials, at a host whose rule presents nothing: neither connection nor session is shared. */
async function takeTurns(ground: Ground, tls: 'TLSv1.2' | 'TLSv1.3'): Promise<void> {
  const bank = await ground.bank({ tls, handler: closing });
  const credentials = await ground.load(bank);
  const own = { ownCertificate: mallory(ground) };
  for (const options of [own, {}, own, {}]) {
    const client = ground.client(credentials, options);
    for (let round = 0; round < 2; round++) await client.send(bank.urls[2]!);
    await client.close?.();
  }
  expect(names(bank)).toEqual(['bob', 'bob', null, null, 'bob', 'bob', null, null]);
}

/** Has every request made on a connection of its own. */
const closing: RequestHandler = (request, response) => {
  if (request.httpVersionMajor === 1) response.setHeader('connection', 'close');
  return false;
};

/** A certificate that the servers accept and no rule mentions here. */
function mallory({ bob, authority }: Ground): Identity {
  return { cert: bob.fullChain, key: bob.key, ca: authority.certificate };
}
