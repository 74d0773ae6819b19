import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { loadCredentials } from '@clientcert/core';
import type { IssuedCertificate, ServerOptions, TestServer } from '@clientcert/testing';
import { expect } from 'vitest';
import { freePort } from '../../spawned.ts';
import { buildChild } from '../child.ts';
import { type Case, expectFailure, type Ground, nameOf, names, until } from '../ground.ts';

export const lifetime = {
  async 'a renewed certificate is presented by the next call; the one under way ends on the old'(ground) {
    const { authority, alice } = ground;
    const bank = await ground.bank({ handler: keepForLong });
    const old = await write(ground, 'renewed', alice);
    const credentials = ground.keep(
      await loadCredentials({
        certificates: { alice: { ...old, ca: authority.certificate } },
        hosts: { [`localhost:${bank.port}`]: 'alice' },
        watch: false,
      }),
    );
    const client = ground.client(credentials);
    await client.send(bank.url);
    const underWay = client.send(`${bank.url}/delay?ms=300`);
    await until(() => bank.requests.length === 2);
    const renewed = await authority.issue({ name: 'renewed' });
    await write(ground, 'renewed', renewed);
    await credentials.reload();
    await Promise.all([client.send(bank.url), client.send(bank.url)]);
    await underWay;
    await client.send(bank.url);
    expect(names(bank)).toEqual(['alice', 'alice', 'renewed', 'renewed', 'renewed']);
    const connections = new Map(bank.requests.map((seen) => [seen.connection, nameOf(seen)]));
    for (const seen of bank.requests) expect(nameOf(seen)).toBe(connections.get(seen.connection));
    const renewals = [...connections.values()].filter((name) => name === 'renewed').length;
    await until(async () => (await openConnections(bank.servers[0] as Server)) <= renewals);
  },

  async 'a call whose connection is being made while a certificate is renewed is answered'(ground) {
    const { authority, alice } = ground;
    // The call before ends its connection, so that this one waits for another while that is still going away.
    const bank = await ground.bank({
      tls: { SNICallback: (_, done) => void setTimeout(() => done(null), 300) },
      handler: (request, response) => {
        if (request.httpVersionMajor === 1) response.setHeader('connection', 'close');
        return false;
      },
    });
    let current = alice;
    const credentials = ground.keep(
      await loadCredentials({
        certificates: {
          alice: () => ({ cert: current.fullChain, key: current.key, ca: authority.certificate }),
        },
        hosts: { [`localhost:${bank.port}`]: 'alice' },
        watch: false,
      }),
    );
    const client = ground.client(credentials);
    current = await authority.issue({ name: 'renewed' });
    for (let round = 0; round < 3; round++) {
      await client.send(bank.url);
      const underWay = client.send(bank.url);
      await new Promise((resolve) => setTimeout(resolve, 100));
      await credentials.reload();
      await underWay;
      current = current === alice ? await authority.issue({ name: 'renewed' }) : alice;
    }
    expect(bank.requests).toHaveLength(6);
  },

  async 'closed credentials close what is idle, and say so to the next call'(ground) {
    const bank = await ground.bank({ handler: keepForLong });
    const credentials = await ground.load(bank);
    const client = ground.client(credentials);
    await Promise.all([client.send(bank.url), client.send(bank.url), client.send(bank.urls[1]!)]);
    await credentials.close();
    await client.close?.();
    for (const server of bank.servers)
      await until(async () => (await openConnections(server as Server)) === 0);
    if (!client.close) await expectFailure(client.send(bank.url), 'CLOSED');
  },

  async 'a process that did not close anything exits by itself'(ground) {
    const bank = await ground.bank(keptForLong);
    const refused = `http://127.0.0.1:${await freePort()}`;
    const urls = [bank.url, `${bank.url}/status/404`, refused, bank.url];
    await expectExit(ground, bank, urls, false);
    expect(names(bank)).toEqual(['alice', 'alice', 'alice']);
  },

  async 'Node’s own switch to the proxies of the environment holds'(ground) {
    const [bank, proxy] = [await ground.bank(keptForLong), await ground.proxy()];
    ground.setEnvironment({ NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: proxy.url });
    await expectExit(ground, bank, [bank.url, bank.url], undefined);
    expect(names(bank)).toEqual(['alice', 'alice']);
    expect(new Set(proxy.connects.map(({ port }) => port))).toEqual(new Set([bank.port]));
    // Of the connections that requests came over: among them all may be one of whoever had this port before.
    const used = new Set(bank.requests.map(({ connection }) => connection));
    expect(proxy.connects.length).toBeGreaterThanOrEqual(used.size);
  },

  async 'a process that went through a proxy exits by itself'(ground) {
    const [bank, proxy] = [await ground.bank(keptForLong), await ground.proxy()];
    await expectExit(ground, bank, [bank.url, bank.url], proxy.url);
    expect(names(bank)).toEqual(['alice', 'alice']);
    expect(proxy.connects.length).toBeGreaterThan(0);
  },
} satisfies Record<string, Case>;

/** Otherwise a client that forgets its idle connections would be saved by its own timeout. */
const keepForLong: ServerOptions['handler'] = (request, response) => {
  if (request.httpVersionMajor === 1) response.setHeader('keep-alive', 'timeout=600');
  return false;
};

async function expectExit(
  ground: Ground,
  bank: TestServer,
  urls: string[],
  proxy: string | false | undefined,
): Promise<void> {
  const files = await write(ground, 'child', ground.alice);
  const config = {
    certificates: { alice: { ...files, ca: ground.authority.certificate } },
    hosts: { [`localhost:${bank.port}`]: 'alice' },
    proxy,
  };
  const { name } = ground.adapter;
  const script = await buildChild(ground.adapter);
  const { status, output } = await run(script, JSON.stringify({ name, config, urls }));
  expect({ status, output }).toEqual({ status: 0, output: 'done\n' });
}

async function write({ directory }: Ground, name: string, { fullChain, key }: IssuedCertificate) {
  const files = { cert: join(directory, `${name}.crt`), key: join(directory, `${name}.key`) };
  await writeFile(files.cert, fullChain);
  await writeFile(files.key, key);
  return files;
}

function openConnections(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** Who waits for idle connections is found out. */
const keptForLong: Omit<ServerOptions, 'listeners'> = { keepAliveTimeout: 60_000 };

async function run(script: string, argument: string): Promise<{ status: number | null; output: string }> {
  // Node 22 warns of its own switch to proxies.
  // The certificates' own warnings, which nobody listens to there, are not what this is about.
  const args = [
    '--disable-warning=UNDICI-EHPA',
    '--disable-warning=ClientCertificateWarning',
    script,
    argument,
  ];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const done = new Promise<void>((resolve) =>
    child.stdout.on('data', () => output.includes('done') && resolve()),
  );
  const closed = new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status)));
  await Promise.race([done, closed]);
  const timer = setTimeout(() => child.kill(), 30_000);
  const status = await closed;
  clearTimeout(timer);
  return { status, output };
}
