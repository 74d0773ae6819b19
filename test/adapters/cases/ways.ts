import { type Config, loadCredentials } from '@clientcert/core';
import { expect } from 'vitest';
import { type Case, expectFailure, names, settle } from '../ground.ts';

/** The ways to a host that change while it stays the same, and as whom it is called. */
export const ways = {
  async 'a connection through a proxy that was withdrawn, or shown another certificate, serves no further call'(
    ground,
  ) {
    const { alice, bob, authority } = ground;
    const ca = authority.certificate;
    const bank = await ground.bank();
    const [first, second] = await Promise.all(
      [1, 2].map(() => ground.proxy({ tls: true, host: 'localhost', clientCertificate: 'optional' })),
    );
    const config = (proxy: Config<'alice' | 'bob'>['proxy']): Config => ({
      certificates: {
        alice: { cert: alice.fullChain, key: alice.key, ca },
        bob: { cert: bob.fullChain, key: bob.key, ca },
      },
      hosts: { [`localhost:${bank.port}`]: 'alice' },
      proxy,
    });
    const [one, other] = [first!, second!].map(({ url }) => url) as [string, string];
    const credentials = ground.keep(await loadCredentials(config({ url: one, certificate: 'alice' })));
    const client = ground.client(credentials);
    for (const proxy of [
      { url: one, certificate: 'alice' },
      { url: one, certificate: 'bob' },
      { url: other, certificate: 'bob' },
      { url: other, certificate: 'bob', authorization: 'Bearer new' },
      false,
    ] as const) {
      await credentials.reload(config(proxy));
      await client.send(bank.url);
      await settle();
      await client.send(bank.url);
      await settle();
    }
    const shown = [first!, second!].map(({ connects }) =>
      connects.map(({ clientCertificate, headers }) => [
        clientCertificate?.commonName,
        headers['proxy-authorization'],
      ]),
    );
    expect(shown).toEqual([
      [
        ['alice', undefined],
        ['bob', undefined],
      ],
      [
        ['bob', undefined],
        ['bob', 'Bearer new'],
      ],
    ]);
    expect(names(bank)).toEqual(Array(10).fill('alice'));
    expect(new Set(bank.requests.map(({ connection }) => connection)).size).toBe(5);
  },

  async 'a service that is null, as where no certificate is meant, is not left to host or default: it is refused'(
    ground,
  ) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    const call = async () => await client.send(bank.url, { service: null as never });
    await expectFailure(call(), 'SERVICE_UNKNOWN');
    expect(bank.connections).toBe(0);
  },
} satisfies Record<string, Case>;
