import { join } from 'node:path';
import { loadCredentials } from '@clientcert/core';
import { expect } from 'vitest';
import {
  type Case,
  codesOf,
  expectFailure,
  failureOf,
  type Ground,
  nameOf,
  names,
  settle,
} from '../ground.ts';

export const identity = {
  async 'the pinned certificate, on the first call and on a kept connection'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    for (let call = 0; call < 3; call++) {
      await client.send(`${bank.url}/accounts`);
      await settle();
    }
    expect(names(bank)).toEqual(['alice', 'alice', 'alice']);
    expect(bank.connections).toBe(1);
  },

  async 'required, where nobody names one: the call fails, until somebody does'(ground) {
    const bank = await ground.bank();
    const [first, third] = [new URL(bank.url), new URL(bank.urls[2]!)];
    const { alice, authority } = ground;
    const config = (certificate: 'alice' | undefined) => ({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: { [first.host]: 'alice' as const, [third.host]: { ca: authority.certificate, certificate } },
      services: { Pay: { required: true, hosts: [third.host] } },
    });
    const credentials = ground.keep(await loadCredentials(config(undefined)));
    const client = ground.client(credentials);
    await client.send(third.href);
    await expectFailure(client.send(third.href, { service: 'Pay' }), 'CONFIG_INVALID');
    await credentials.reload(config('alice'));
    await client.send(third.href, { service: 'Pay' });
    expect(names(bank)).toEqual([null, 'alice']);
  },

  async 'none, where no rule names the host'(ground) {
    const other = await ground.other();
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank, { others: [other] }));
    await client.send(`${other.url}/news`);
    expect(names(other)).toEqual([null]);
  },

  async 'none at the next port of a pinned host'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    await client.send(`${bank.urls[2]}/news`);
    expect(names(bank)).toEqual([null]);
  },

  async 'none, where the rule of a port is false beside one for every port'(ground) {
    const bank = await ground.bank();
    const ca = ground.authority.certificate;
    const denied = `localhost:${bank.ports[2]}`;
    const hosts = { 'localhost:*': 'alice', [denied]: { certificate: false as const, ca } };
    const client = ground.client(await ground.load(bank, { hosts }));
    await client.send(bank.urls[2]!);
    await client.send(bank.urls[2]!, { service: 'Archive' });
    expect(names(bank)).toEqual([null, null]);
  },

  async 'none over plain HTTP'(ground) {
    const plain = await ground.plain();
    const bank = await ground.bank();
    const client = ground.client(
      await ground.load(bank, { hosts: { [`127.0.0.1:${plain.port}`]: 'alice' } }),
    );
    await client.send(plain.url);
    expect(names(plain)).toEqual([null]);
  },

  async 'none over plain HTTP, where the service requires one: the call is not made'(ground) {
    const plain = await ground.plain();
    const { hostname } = new URL(plain.url);
    const { cert, key } = ground.alice;
    const required = { certificate: 'alice', required: true } as const;
    const services = {
      Anywhere: required,
      Here: { ...required, hosts: [`${hostname}:8443`] },
      Elsewhere: { ...required, hosts: ['bank.example'] },
      Willing: 'alice',
    } as const;
    const loading = loadCredentials({ certificates: { alice: { cert, key } }, services });
    const client = ground.client(ground.keep(await loading));
    await expectFailure(client.send(plain.url, { service: 'Anywhere' }), 'NOT_REQUESTED');
    await expectFailure(client.send(plain.url, { service: 'Here' }), 'NOT_REQUESTED');
    expect(plain.connections).toBe(0);
    await client.send(plain.url, { service: 'Elsewhere' });
    await client.send(plain.url, { service: 'Willing' });
    expect(names(plain)).toEqual([null, null]);
  },

  async 'none over plain HTTP, where the host’s rule requires one of the service: it is not made'(ground) {
    const plain = await ground.plain();
    const { hostname } = new URL(plain.url);
    const { cert, key } = ground.alice;
    const at = `${hostname}:8443`;
    const loading = loadCredentials({
      certificates: { alice: { cert, key } },
      hosts: {
        [at]: { certificate: 'alice', required: true },
        [`${hostname}:8444`]: { certificate: 'alice', required: true, allowDowngrade: true },
      },
      services: {
        Here: { hosts: [at], tls: 'TLSv1.3' },
        Willing: { hosts: [at], required: false },
        Downgraded: { hosts: [`${hostname}:8444`], required: true },
      },
    });
    const client = ground.client(ground.keep(await loading));
    await expectFailure(client.send(plain.url, { service: 'Here' }), 'NOT_REQUESTED');
    expect(plain.connections).toBe(0);
    await client.send(plain.url, { service: 'Willing' });
    await client.send(plain.url, { service: 'Downgraded' });
    expect(names(plain)).toEqual([null, null]);
  },

  async 'none with clientCertificate: false'(ground) {
    const bank = await ground.bank();
    const client = ground.client(
      await ground.load(bank, { hosts: { [`localhost:${bank.ports[2]}`]: 'alice' } }),
    );
    await client.send(bank.urls[2]!);
    await client.send(bank.urls[2]!, { service: false });
    await client.send(bank.urls[2]!);
    expect(names(bank)).toEqual(['alice', null, 'alice']);
    await failureOf(client.send(bank.url, { service: false }));
    expect(bank.requests).toHaveLength(3);
  },

  async 'that of the service the call names, and of the host where the service has no rule'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    await client.send(bank.url, { service: 'Invoices' });
    await client.send(bank.urls[1]!, { service: 'Orders' });
    expect(names(bank)).toEqual(['bob', 'bob']);
  },

  async 'that of a service without hosts, at the origin of the call'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    await client.send(`${bank.url}/a`, { service: 'Archive' });
    await client.send(`${bank.urls[2]}/b`, { service: 'Archive' });
    expect(names(bank)).toEqual(['bob', 'bob']);
  },

  async 'two services on one host, in turn and at once, each on connections of its own'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    const services = ['Invoices', 'Orders', undefined];
    for (const service of services) await client.send(`${bank.url}/${service}`, { service });
    await Promise.all(
      [...services, ...services, ...services].map((service) =>
        client.send(`${bank.url}/${service}`, { service }),
      ),
    );
    const expected = new Map([
      ['/Invoices', 'bob'],
      ['/Orders', 'alice'],
      ['/undefined', 'alice'],
    ]);
    for (const seen of bank.requests)
      expect([seen.path, nameOf(seen)]).toEqual([seen.path, expected.get(seen.path)]);
    expect(bank.requests).toHaveLength(12);
    expectOneNamePerConnection(bank.requests);
  },

  'its own at each port, in turn and at once, over TLS 1.2, connections kept': (ground) =>
    interleave(ground, 'TLSv1.2', true),
  'its own at each port, in turn and at once, over TLS 1.2, connections closed': (ground) =>
    interleave(ground, 'TLSv1.2', false),
  'its own at each port, in turn and at once, over TLS 1.3, connections kept': (ground) =>
    interleave(ground, 'TLSv1.3', true),
  'its own at each port, in turn and at once, over TLS 1.3, connections closed': (ground) =>
    interleave(ground, 'TLSv1.3', false),

  async 'the TLS version that the rule pins'(ground) {
    const bank = await ground.bank();
    const [first, second] = bank.ports.map((port) => `localhost:${port}`) as [string, string];
    const client = ground.client(
      await ground.load(bank, {
        hosts: {
          [first]: { certificate: 'alice', tls: 'TLSv1.2' },
          [second]: { certificate: 'bob', tls: 'TLSv1.3' },
        },
      }),
    );
    await client.send(bank.urls[0]!);
    await client.send(bank.urls[1]!);
    expect(bank.requests.map(({ protocol }) => protocol)).toEqual(['TLSv1.2', 'TLSv1.3']);
  },

  async 'the same on every attempt of a call that is repeated'(ground) {
    let attempts = 0;
    const bank = await ground.bank({
      handler: (request, response) => {
        attempts += 1;
        if (attempts > 2) return false;
        request.resume();
        response.writeHead(503, { 'retry-after': '0' }).end();
        return true;
      },
    });
    const client = ground.client(await ground.load(bank), { retries: 2 });
    await client.send(bank.url, { service: 'Invoices' });
    expect(names(bank)).toEqual(['bob', 'bob', 'bob']);
  },

  async 'from a promise of credentials as from the credentials themselves'(ground) {
    const bank = await ground.bank();
    const client = ground.client(ground.load(bank));
    await Promise.all([client.send(bank.url), client.send(bank.urls[1]!)]);
    expect(names(bank).sort()).toEqual(['alice', 'bob']);
  },

  async 'nothing is sent where loading failed: each call fails with that error, and none is unhandled'(
    ground,
  ) {
    const bank = await ground.bank();
    const unhandled: unknown[] = [];
    const listener = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listener);
    try {
      const client = ground.client(
        loadCredentials({
          certificates: { alice: { pfx: join(ground.directory, 'none.pfx') } },
          hosts: { localhost: 'alice' },
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (const url of [bank.url, bank.url, bank.urls[2]!]) {
        await expectFailure(client.send(url), 'FILE_NOT_FOUND');
      }
      expect(unhandled).toEqual([]);
      expect(bank.connections).toBe(0);
    } finally {
      process.off('unhandledRejection', listener);
    }
  },

  async 'none where the server demands one: its alert is in the error, of each call'(ground) {
    for (const tls of ['TLSv1.2', 'TLSv1.3'] as const) {
      const bank = await ground.bank({ tls });
      const client = ground.client(await ground.load(bank));
      const calls = Array.from({ length: 3 }, () => failureOf(client.send(bank.url, { service: false })));
      const alert = tls === 'TLSv1.2' ? /alert number 40\b/ : /alert number 116\b/;
      for (const error of await Promise.all(calls)) expect(messagesOf(error)).toMatch(alert);
    }
  },

  async 'a server that does not ask for what the rule requires: an error that says so'(ground) {
    const bank = await ground.bank();
    const other = await ground.other({ clientCertificate: 'none' });
    const { certificate: ca } = ground.authority;
    const hosts = { [`127.0.0.1:${other.port}`]: { certificate: 'alice', required: true, ca } };
    const client = ground.client(await ground.load(bank, { hosts }));
    await expectFailure(client.send(other.url), 'NOT_REQUESTED');
    expect(other.requests).toHaveLength(0);
  },

  async 'an unknown service is an error before any connection, and names the ones there are'(ground) {
    const bank = await ground.bank();
    const client = ground.client(await ground.load(bank));
    const error = await failureOf(client.send(bank.url, { service: 'Invoice' }));
    expect(codesOf(error)).toContain('ERR_CLIENTCERT_SERVICE_UNKNOWN');
    expect(messagesOf(error)).toContain('Invoices');
    expect(bank.connections).toBe(0);
  },
} satisfies Record<string, Case>;

async function interleave(ground: Ground, tls: 'TLSv1.2' | 'TLSv1.3', kept: boolean): Promise<void> {
  const bank = await ground.bank({
    tls,
    handler: (_request, response) => {
      if (!kept) response.setHeader('connection', 'close');
      return false;
    },
  });
  const client = ground.client(await ground.load(bank));
  const urls = bank.urls;
  for (let round = 0; round < 2; round++) {
    for (const url of urls) await client.send(url);
    await Promise.all([...urls, ...urls].map((url) => client.send(url)));
  }
  const expected = new Map(bank.ports.map((port, index) => [port, ['alice', 'bob', null][index]]));
  for (const seen of bank.requests) {
    expect([seen.port, nameOf(seen), seen.protocol]).toEqual([seen.port, expected.get(seen.port), tls]);
  }
  expect(bank.requests).toHaveLength(18);
  expectOneNamePerConnection(bank.requests);
  if (!kept) expect(bank.connections).toBe(18);
  // Otherwise the case would not show that sessions are kept apart as well.
  if (!kept) expect(bank.requests.some(({ resumed }) => resumed)).toBe(true);
}

function expectOneNamePerConnection(requests: Awaited<ReturnType<Ground['bank']>>['requests']): void {
  const seen = new Map<number, string | null>();
  for (const request of requests) {
    const before = seen.get(request.connection);
    if (before !== undefined) expect(nameOf(request)).toBe(before);
    seen.set(request.connection, nameOf(request));
  }
}

function messagesOf(error: unknown): string {
  let text = '';
  for (let each = error; each instanceof Error; each = each.cause) text += `${each.message}\n`;
  return text;
}
