import { Agent, get } from 'node:https';
import type { Config } from '@clientcert/core';
import { loadCredentials } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellsOf, hopsOf, random, services } from './cells.ts';
import type { Client } from './clients.ts';
import { play } from './play.ts';
import { whoGoes } from './rules.ts';
import { createTally } from './tally.ts';
import { createWorld, hosts, type Materials } from './world.ts';

async function createMaterials(): Promise<Materials> {
  const authority = await createAuthority();
  const pem = async (name: string, more = {}) => {
    const { fullChain, key } = await authority.issue({ name, ...more });
    return { cert: fullChain, key };
  };
  const [server, alice, renewed, bob, carol] = await Promise.all([
    pem('server', { usage: 'server', hosts: [...hosts, 'proxy.example', 'gate.example'] }),
    ...['alice', 'alice', 'bob', 'carol'].map((name) => pem(name)),
  ]);
  return {
    ca: authority.certificate,
    server: server!,
    alice: alice!,
    renewed: renewed!,
    expired: renewed!,
    bob: bob!,
    carol: carol!,
  };
}

it('two readings of the rules agree, for every host, port, service and origin', async () => {
  await using world = await createWorld(await createMaterials());
  const service = fc.constantFrom(...services);
  const port = fc.constantFrom(...world.sites.flatMap(({ ports }) => ports), 443);
  const place = fc.tuple(fc.constantFrom(...hosts), port).map(([host, at]) => `https://${host}:${at}/`);
  for (const fallback of [false, true]) {
    const config = world.config({ fallback });
    await using credentials = (await loadCredentials(config)).on('warning', () => {});
    fc.assert(
      fc.property(place, place, service, fc.boolean(), (url, other, as, stays) => {
        const call = { url, service: as === 'no service' ? undefined : as === 'false' ? false : as } as const;
        const hop = stays ? url : other;
        const { hostname, port: at } = new URL(hop);
        const target = { host: hostname, port: at || 443, origin: url, service: call.service };
        expect(credentials.resolve(target as never).certificate).toBe(whoGoes(config, call, hop));
      }),
      { numRuns: 2_000 },
    );
  }
});

describe('a leak is found', () => {
  it('where an agent presents its own certificate everywhere', async () => {
    await using world = await createWorld(await createMaterials());
    const { alice, ca } = world.materials;
    const leaking: Client = {
      name: 'by hand',
      module: import.meta.url,
      readsEnvironment: false,
      create() {
        const agent = new Agent({ ...alice, ca });
        return {
          send: (url) =>
            new Promise((resolve, reject) => {
              get(url, { agent }, (response) => {
                response.resume().on('end', () => resolve({ status: 200, length: 0, raw: null }));
              }).on('error', reject);
            }),
          close: () => agent.destroy(),
        };
      },
    };
    const cells = cellsOf(world, 1, 1, ({ way, redirect }) => way === 'no proxy' && !redirect).slice(0, 60);
    const due = cells.filter((cell) => {
      const service =
        cell.service === 'no service' ? undefined : cell.service === 'false' ? false : cell.service;
      const [url] = hopsOf(world, cell) as [string];
      return whoGoes(world.config({ fallback: cell.fallback }), { url, service }, url) !== 'alice';
    });
    const tally = createTally();
    await play(world, leaking, [...cells], tally);
    expect(due.length).toBeGreaterThan(10);
    expect(tally.leaks).toHaveLength(due.length);
  });
});

it('one seed draws the same cells, and every status leads everywhere', () => {
  const sites = [
    { tls: 'TLSv1.2', http: 'HTTP/1.1', ports: [1, 2] },
    { tls: 'TLSv1.3', http: 'HTTP/2', ports: [3, 4] },
  ] as const;
  const draw = (seed: number) => cellsOf({ sites }, seed, 1, () => true);
  expect(draw(7)).toEqual(draw(7));
  expect(draw(7)).not.toEqual(draw(8));
  const redirects = new Set(draw(7).flatMap(({ redirect }) => (redirect ? JSON.stringify(redirect) : [])));
  expect(redirects.size).toBe(9 * 8);
  expect(random(1)()).not.toBe(random(2)());
});

it('the rules are read as they are documented', () => {
  const config: Config = {
    hosts: {
      'api.bank.example:8443': 'a',
      'api.bank.example:*': 'b',
      '*.bank.example:8443': 'c',
      '*.bank.example:*': 'd',
      'no.bank.example': false,
    },
    services: { S: 's', L: { certificate: 'l', hosts: ['api.bank.example'] } },
    default: 'z',
  };
  const who = (hop: string, service?: string | false, url = hop) => whoGoes(config, { url, service }, hop);
  expect(who('https://api.bank.example:8443')).toBe('a');
  expect(who('https://api.bank.example')).toBe('b');
  expect(who('https://x.bank.example:8443')).toBe('c');
  expect(who('https://x.bank.example')).toBe('d');
  expect(who('https://x.y.bank.example')).toBe('z');
  expect(who('https://no.bank.example:1')).toBe(null);
  expect(who('https://no.bank.example:1', 'S')).toBe(null);
  expect(who('https://api.bank.example', 'L')).toBe('l');
  expect(who('https://api.bank.example:8443', 'L')).toBe('a');
  expect(who('https://x.bank.example', 'S')).toBe('s');
  expect(who('https://x.bank.example', 'S', 'https://other.example')).toBe('d');
  expect(who('https://api.bank.example', false)).toBe(null);
  expect(who('http://api.bank.example:8443')).toBe(null);
});
