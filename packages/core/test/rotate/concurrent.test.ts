import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthority, startServer } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { loadCredentials } from '../../src/index.ts';
import { issue, kubernetes, request, scratch, seen } from './scene.ts';

it('new configs, reloads and renewed files, all at once: no request fails, and the last of each holds', async () => {
  const authority = await createAuthority();
  await using directory = await scratch();
  await using server = await startServer({ authority, host: 'localhost', listeners: [{}, {}] });
  const latest = { alice: '', bob: '' };
  type Name = keyof typeof latest;
  const mountOf = (name: Name) => join(directory.path, name);
  const deliver = async (name: Name) => {
    const issued = await issue(authority, name);
    await kubernetes(mountOf(name), issued);
    latest[name] = issued.fingerprint256;
  };
  for (const name of ['alice', 'bob'] as const) {
    await mkdir(mountOf(name));
    await deliver(name);
  }
  /** Each differs from the one before: in a host, every second in how bob is read, every third in who goes where. */
  const configOf = (count: number) => {
    const hosts: Record<string, Name> = {
      [`localhost:${server.ports[0]}`]: count % 3 === 1 ? 'bob' : 'alice',
      [`localhost:${server.ports[1]}`]: count % 3 === 1 ? 'alice' : 'bob',
      [`host${count}.example`]: 'alice',
    };
    const refresh = count % 2 === 0 ? 3600 + count : undefined;
    return {
      certificates: {
        alice: { dir: mountOf('alice'), ca: authority.certificate },
        bob: { dir: mountOf('bob'), ca: authority.certificate, refresh },
      },
      hosts,
      watch: { settle: 10 },
    };
  };
  await using credentials = await loadCredentials(configOf(0));
  const errors: unknown[] = [];
  credentials.on('error', (error) => errors.push(error));
  const agent = credentials.agent();
  const until = performance.now() + 2000;
  const repeat = async (work: () => Promise<unknown>, wait: number) => {
    while (performance.now() < until) {
      await work();
      await pause(Math.random() * wait);
    }
  };
  let [sent, configs] = [0, 0];
  await Promise.all([
    ...[1, 2, 3].map(() => repeat(() => request(credentials, server.urls[sent++ % 2]!, agent), 2)),
    ...[1, 2].map(() => repeat(() => credentials.reload(configOf(++configs)), 20)),
    repeat(() => credentials.reload(), 30),
    ...(['alice', 'bob'] as const).map((name) => repeat(() => deliver(name), 60)),
  ]);
  const identities = new Map<string, string | undefined>();
  for (const { port, connection, clientCertificate } of server.requests) {
    const key = `${port} ${connection}`;
    expect(clientCertificate?.fingerprint256).toBe(
      identities.get(key) ?? clientCertificate?.fingerprint256 ?? 'one',
    );
    identities.set(key, clientCertificate?.fingerprint256);
  }
  expect(server.requests).toHaveLength(sent);

  await credentials.reload(configOf(0));
  await credentials.reload();
  server.requests.length = 0;
  for (const url of server.urls) await request(credentials, url, agent);
  expect(seen(server)).toEqual([latest.alice, latest.bob]);
  expect(errors).toEqual([]);
});
