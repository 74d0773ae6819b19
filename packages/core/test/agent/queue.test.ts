import { inspect } from 'node:util';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
} from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import type { Config } from '../../src/types.ts';
import { get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  bob = await authority.issue({ name: 'bob' });
});

interface Change {
  config?: Partial<Config>;
  rule?: unknown;
  service?: string;
}

const code = (error: unknown) => (error as { code?: string }).code ?? `${error}`;

/**
 * One request under way on the only connection that an agent may have and two waiting for it, as the config changes:
 * what the server saw of each, and how each ended.
 */
async function change(before: Change, after: Change | 'close') {
  await using server = await startServer({ authority, clientCertificate: 'optional', host: 'localhost' });
  const configOf = ({ config, rule }: Change) =>
    ({
      certificates: { alice: sourceOf(alice, authority), bob: sourceOf(bob, authority) },
      hosts: {
        ...(rule !== undefined && { [`localhost:${server.port}`]: rule }),
        'localhost:1': { ca: authority.certificate },
      },
      ...config,
    }) as Config;
  await using credentials = await loadCredentials(configOf(before));
  const agent = credentials.agent({ maxSockets: 1, service: before.service });
  const under = get(`${server.url}/delay?ms=1000`, { agent });
  await expect.poll(() => server.requests.length).toBe(1);
  const waiting = [1, 2].map(() => get(server.url, { agent }).then(() => 'served', code));
  expect(inspect(agent)).toContain('queued: 2');
  if (after === 'close') await credentials.close();
  else await credentials.reload(configOf(after));
  await under;
  const outcomes = await Promise.all(waiting);
  await expect.poll(() => Object.keys(agent.requests)).toEqual([]);
  agent.destroy();
  const [, ...rest] = server.requests;
  return { outcomes, seen: subjects(server), rest };
}

describe('attack: identities that mix', () => {
  describe('a request that waits for a connection is decided anew', () => {
    it('where its rule is taken away: it is not known any more, and sees nothing', async () => {
      const { outcomes, seen } = await change({ rule: 'alice' }, {});
      expect(seen).toEqual(['alice']);
      for (const outcome of outcomes) expect(outcome).toMatch(/SELF_SIGNED|UNABLE_TO/);
    });

    it('where its rule is false', async () => {
      const rule = { certificate: 'alice', ca: authority.certificate };
      const { outcomes, seen } = await change({ rule }, { rule: { ca: authority.certificate } });
      expect({ outcomes, seen }).toEqual({ outcomes: ['served', 'served'], seen: ['alice', null, null] });
      expect((await change({ rule }, { rule: false })).seen).toEqual(['alice']);
    });

    it('where another certificate takes its place: nothing is resumed', async () => {
      const { outcomes, seen, rest } = await change({ rule: 'alice' }, { rule: 'bob' });
      expect({ outcomes, seen }).toEqual({ outcomes: ['served', 'served'], seen: ['alice', 'bob', 'bob'] });
      expect(rest.map(({ resumed }) => resumed)).toEqual([false, false]);
    });

    it('where its service is taken away, also for those behind it', async () => {
      const hosts = ['localhost:*'];
      const services = { Bank: { certificate: 'alice', hosts } };
      const { outcomes, seen } = await change({ config: { services }, service: 'Bank' }, {});
      expect(outcomes).toEqual(Array(2).fill('ERR_CLIENTCERT_SERVICE_UNKNOWN'));
      expect(seen).toEqual(['alice']);
    });

    it('where the TLS versions or the trust change', async () => {
      const tls = await change({ rule: 'alice' }, { rule: { certificate: 'alice', tls: 'TLSv1.2' } });
      expect(tls.rest.map(({ protocol, resumed }) => [protocol, resumed])).toEqual(
        Array(2).fill(['TLSv1.2', false]),
      );
      const stranger = await createAuthority();
      const rule = { certificate: 'bob', trust: 'only', ca: stranger.certificate };
      const trust = await change(
        { rule: { certificate: 'bob', ca: authority.certificate } },
        {
          rule,
          config: {
            certificates: { alice: sourceOf(alice, authority), bob: { cert: bob.cert, key: bob.key } },
          },
        },
      );
      expect(trust.seen).toEqual(['bob']);
      for (const outcome of trust.outcomes) expect(outcome).toMatch(/SELF_SIGNED|UNABLE_TO/);
    });

    it('where the proxy changes', async () => {
      await using proxy = await startProxy();
      const { outcomes, seen } = await change(
        { rule: 'alice' },
        { rule: 'alice', config: { proxy: proxy.url } },
      );
      expect({ outcomes, seen }).toEqual({ outcomes: ['served', 'served'], seen: Array(3).fill('alice') });
      expect(proxy.connects.length).toBeGreaterThan(0);
    });

    it('and not where nothing is changed for it: it keeps its connection', async () => {
      const { rest } = await change({ rule: 'alice' }, { rule: 'alice', config: { expiryWarningDays: 10 } });
      expect(rest.map(({ connection }) => connection)).toEqual([1, 1]);
    });

    it('and is served after close(), as it was admitted', async () => {
      const { outcomes, seen } = await change({ rule: 'alice' }, 'close');
      expect({ outcomes, seen }).toEqual({ outcomes: ['served', 'served'], seen: Array(3).fill('alice') });
    });
  });
});
