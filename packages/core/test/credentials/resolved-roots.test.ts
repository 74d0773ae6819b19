import { createAuthority, startServer } from '@clientcert/testing';
import { describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/index.ts';
import { get, subjects } from '../support.ts';

describe('attack: rules that are weakened', () => {
  it.each(['resolve', 'explain'] as const)(
    'what is written into the roots of a decision changes neither what is trusted nor the next decision: %s()',
    async (way) => {
      const [authority, stranger] = await Promise.all([createAuthority(), createAuthority()]);
      const alice = await authority.issue({ name: 'alice' });
      await using server = await startServer({ authority: stranger, clientCertificate: 'optional' });
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.cert, key: alice.key } },
        hosts: {
          [`127.0.0.1:${server.port}`]: { certificate: 'alice', ca: authority.certificate, trust: 'only' },
        },
      });
      const rootOf = () => credentials.resolve(server.url).ca[0]!;
      const before = rootOf().raw.toString('hex');
      const root = way === 'resolve' ? rootOf() : credentials.explain(server.url).resolution.ca[0]!;
      Reflect.set(root, 'toString', () => stranger.certificate);
      root.raw.fill(0);
      await expect(get(server.url, { agent: credentials.agent() })).rejects.toThrow();
      expect(subjects(server)).toEqual([]);
      expect(rootOf().raw.toString('hex')).toBe(before);
    },
  );
});
