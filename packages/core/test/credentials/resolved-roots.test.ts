import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, startProxy, startServer } from '@clientcert/testing';
import { describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/index.ts';
import { scratch } from '../rotate/scene.ts';
import { certificateFor, get, subjects } from '../support.ts';

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

  it.each([
    ['sk-one.example', 'sk-two.example'],
    ['例え。jp', '試し。jp'],
  ])('rules of which neither is shown have each their own roots, renewed too: %s, %s', async (...hosts) => {
    const authorities = await Promise.all([createAuthority(), createAuthority(), createAuthority()]);
    const names = hosts.map((host) => new URL(`https://${host}`).hostname);
    const servers = await Promise.all(
      names.map(async (name, index) => {
        const authority = authorities[index]!;
        const certificate = await certificateFor(name, authority);
        return startServer({ authority, certificate, clientCertificate: 'none' });
      }),
    );
    await using proxy = await startProxy({
      route: ({ host }) => ({ host: '127.0.0.1', port: servers[names.indexOf(host)]!.port }),
    });
    await using directory = await scratch();
    const path = join(directory.path, 'ca.pem');
    await writeFile(path, authorities[0].certificate);
    const ca = [path, authorities[1].certificate];
    await using credentials = await loadCredentials({
      hosts: Object.fromEntries(
        hosts.map((host, index) => [host, { ca: ca[index]!, trust: 'only' as const }]),
      ),
      proxy: { url: proxy.url },
      watch: false,
    });
    const agent = credentials.agent({ keepAlive: false });
    const served = () =>
      Promise.all(
        names.map((name) =>
          get(`https://${name}`, { agent }).then(
            () => true,
            () => false,
          ),
        ),
      );
    expect(await served()).toEqual([true, true]);
    await writeFile(path, authorities[2].certificate);
    expect((await credentials.reload()).changed).toHaveLength(1);
    expect(await served()).toEqual([false, true]);
    await Promise.all(servers.map((server) => server.close()));
  });
});
