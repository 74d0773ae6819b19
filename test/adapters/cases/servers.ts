import { type Config, loadCredentials } from '@clientcert/core';
import { createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { expect } from 'vitest';
import { type Case, codesOf, expectFailure, failureOf, type Ground, names, redirectTo } from '../ground.ts';

const payments = 'spiffe://bank.example/payments';

export const servers = {
  async 'a server is told by its SPIFFE ID and no name, and one with another id is sent nothing'(ground) {
    const bank = await ground.bank({ certificate: await workload(ground, payments) });
    const posing = await ground.bank({ certificate: await workload(ground, `${payments}2`) });
    const named = await ground.bank();
    const client = ground.client(await load(ground, payments));
    for (let call = 0; call < 2; call++) await client.send(`${bank.url}/accounts`, { body: 'an order' });
    for (const { url } of [posing, named]) {
      await expectFailure(client.send(url, { body: 'an order' }), 'SERVER_ID_MISMATCH');
      await expectFailure(client.send(url, { service: false }), 'SERVER_ID_MISMATCH');
    }
    expect(names(bank)).toEqual(['alice', 'alice']);
    expect([posing.requests, named.requests]).toEqual([[], []]);
  },

  async 'a redirect to a server with another id is sent nothing'(ground) {
    const posing = await ground.bank({ certificate: await workload(ground, 'spiffe://bank.example/other') });
    const bank = await ground.bank({ certificate: await workload(ground, payments) });
    const client = ground.client(await load(ground, payments));
    const to = encodeURIComponent(`${posing.url}/accounts`);
    await expectFailure(client.send(`${bank.url}/redirect?to=${to}`), 'SERVER_ID_MISMATCH');
    expect([bank.requests.length, posing.requests]).toEqual([1, []]);
  },

  async 'a redirect to a server that is known by its name, and back: each is told by what its rule says'(
    ground,
  ) {
    const bank = await ground.bank({ certificate: await workload(ground, payments) });
    const [named, posing] = [await ground.other(), await ground.other()];
    const ca = ground.authority.certificate;
    const config = configOf(ground, payments);
    const hosts = { ...config.hosts, [`127.0.0.1:${named.port}`]: { ca } };
    const client = ground.client(ground.keep(await loadCredentials({ ...config, hosts })));
    await client.send(bank.url + redirectTo(named.url + redirectTo(`${bank.url}/back`)));
    expect([names(bank), names(named)]).toEqual([['alice', 'alice'], [null]]);
    // Roots of a trust domain vouch for no name.
    expect(codesOf(await failureOf(client.send(bank.url + redirectTo(posing.url)))).join()).toMatch(
      /SELF_SIGNED|UNABLE_TO/,
    );
    expect(posing.requests).toEqual([]);
  },

  async 'another name of the same address is asked for its own id, whatever connection there is'(ground) {
    const bank = await ground.bank({ host: '127.0.0.1', certificate: await workload(ground, payments) });
    const config = configOf(ground, payments);
    const other = { certificate: 'alice', server: 'spiffe://bank.example/other' } as const;
    const client = ground.client(
      ground.keep(await loadCredentials({ ...config, hosts: { ...config.hosts, '127.0.0.1:*': other } })),
    );
    const url = `https://localhost:${bank.port}`;
    for (let call = 0; call < 2; call++) {
      await client.send(url);
      await expectFailure(client.send(bank.url), 'SERVER_ID_MISMATCH');
    }
    expect(names(bank)).toEqual(['alice', 'alice']);
  },

  async 'a proxy is told by its name, and the server behind it by its id'(ground) {
    const bank = await ground.bank({ certificate: await workload(ground, payments) });
    const posing = await ground.bank({ certificate: await workload(ground, `${payments}2`) });
    const authority = await createAuthority();
    for (const tls of [false, true]) {
      const proxy = await ground.proxy({ authority, tls });
      const proxied = { url: proxy.url, ca: authority.certificate };
      const config = { ...configOf(ground, payments), proxy: tls ? proxied : proxy.url };
      const client = ground.client(ground.keep(await loadCredentials(config)));
      await client.send(bank.url);
      await expectFailure(client.send(posing.url), 'SERVER_ID_MISMATCH');
      expect(proxy.connects).toHaveLength(2);
      // A proxy whose certificate says who the server has to be is no such proxy.
      const lying = await ground.proxy({
        authority,
        tls: true,
        certificate: await workload(ground, payments, authority),
      });
      const through = { ...config, proxy: { ...proxied, url: lying.url } };
      await failureOf(ground.client(ground.keep(await loadCredentials(through))).send(bank.url));
      expect(lying.connects).toEqual([]);
    }
    expect([names(bank), posing.requests]).toEqual([['alice', 'alice'], []]);
  },

  async 'a server of one trust domain is not vouched for by the authority of another'(ground) {
    const partner = await createAuthority();
    const bundles = { 'bank.example': ground.authority.certificate, 'partner.example': partner.certificate };
    const posing = await ground.bank({ certificate: await workload(ground, payments, partner) });
    const federated = await ground.bank({
      certificate: await workload(ground, 'spiffe://partner.example/ledger', partner),
    });
    const client = ground.client(await load(ground, payments, { bundles }));
    expect(codesOf(await failureOf(client.send(posing.url))).join()).toMatch(/SELF_SIGNED|UNABLE_TO/);
    const atPartner = ground.client(await load(ground, 'spiffe://partner.example', { bundles }));
    await atPartner.send(federated.url);
    expect([posing.requests, names(federated)]).toEqual([[], ['alice']]);
  },

  async 'no kept connection and no session is used for another id, and none of a bundle that was renewed'(
    ground,
  ) {
    for (const kept of [true, false]) {
      const bank = await ground.bank({
        certificate: await workload(ground, payments),
        handler: (_request, response) => {
          if (!kept) response.setHeader('connection', 'close');
          return false;
        },
      });
      let roots = ground.authority.certificate;
      const credentials = await load(ground, payments, { bundle: () => roots });
      const client = ground.client(credentials);
      for (let call = 0; call < 3; call++) await client.send(bank.url);
      if (!kept) expect(bank.requests.some(({ resumed }) => resumed)).toBe(true);
      await credentials.reload(configOf(ground, 'spiffe://bank.example/other', { bundle: () => roots }));
      await expectFailure(client.send(bank.url), 'SERVER_ID_MISMATCH');
      await credentials.reload(configOf(ground, 'spiffe://bank.example', { bundle: () => roots }));
      await client.send(bank.url);
      roots = (await createAuthority()).certificate;
      await credentials.reload();
      expect(codesOf(await failureOf(client.send(bank.url))).join()).toMatch(/SELF_SIGNED|UNABLE_TO/);
      expect(bank.requests).toHaveLength(4);
    }
  },

  async 'a trust domain whose roots nobody brings: an error that says so, until they are there'(ground) {
    const bank = await ground.bank({ certificate: await workload(ground, payments) });
    let roots: string | undefined;
    const credentials = await load(ground, payments, { bundle: () => roots });
    const client = ground.client(credentials);
    await expectFailure(client.send(bank.url), 'BUNDLE_MISSING');
    expect(bank.connections).toBe(0);
    roots = ground.authority.certificate;
    await credentials.reload();
    await client.send(bank.url);
    expect(names(bank)).toEqual(['alice']);
  },
} satisfies Record<string, Case>;

/** A server that is called by no name. */
function workload(
  { authority }: Ground,
  id: string,
  by: Pick<typeof authority, 'issue'> = authority,
): Promise<IssuedCertificate> {
  return by.issue({ name: 'workload', uris: [id] });
}

interface Roots {
  readonly bundles?: Readonly<Record<string, string>>;
  /** That of `bank.example`, asked for whenever the certificate is read. */
  readonly bundle?: () => string | undefined;
}

/** alice at every port of `localhost`, where the server is this one. */
function configOf({ authority, alice }: Ground, server: string, { bundles, bundle }: Roots = {}): Config {
  const identity = { cert: alice.fullChain, key: alice.key };
  const asked = () => ({ ...identity, bundles: (bundle?.() && { 'bank.example': bundle()! }) || {} });
  return {
    certificates: {
      alice: bundle ? asked : { ...identity, bundles: bundles ?? { 'bank.example': authority.certificate } },
    },
    hosts: { 'localhost:*': { certificate: 'alice', server } },
    watch: false,
  };
}

async function load(ground: Ground, server: string, roots?: Roots) {
  return ground.keep(await loadCredentials(configOf(ground, server, roots)));
}
