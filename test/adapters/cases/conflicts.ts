import type { Credentials } from '@clientcert/core';
import { expect } from 'vitest';
import { type Case, expectFailure, type Ground, names, redirectTo } from '../ground.ts';
import type { Identity } from '../suite.ts';

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

/** A certificate that the servers accept and no rule mentions here. */
function mallory({ bob, authority }: Ground): Identity {
  return { cert: bob.fullChain, key: bob.key, ca: authority.certificate };
}
