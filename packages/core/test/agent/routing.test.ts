import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  [alice, bob] = await Promise.all([authority.issue({ name: 'alice' }), authority.issue({ name: 'bob' })]);
});

/** alice at one port of 127.0.0.1; every other port of it is trusted and sees nothing. */
function loadFor(port: number) {
  return loadCredentials({
    certificates: { alice: sourceOf(alice, authority), bob: sourceOf(bob, authority) },
    hosts: { [`127.0.0.1:${port}`]: 'alice', '127.0.0.1:*': { ca: authority.certificate } },
    services: {
      Bob: { certificate: 'bob', hosts: [`127.0.0.1:${port}`] },
      BobToo: { certificate: 'bob', hosts: [`127.0.0.1:${port}`] },
      Alice: { certificate: 'alice', hosts: [`127.0.0.1:${port}`] },
    },
  });
}

describe('the host that is dialled decides', () => {
  it('whatever the Host header, servername and lookup say', async () => {
    await using server = await startServer({
      authority,
      hosts: ['127.0.0.1', 'other.test'],
      clientCertificate: 'optional',
    });
    await using unnamed = await startServer({
      authority,
      hosts: ['127.0.0.1', 'pinned.test'],
      clientCertificate: 'optional',
    });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: {
        [`127.0.0.1:${server.port}`]: 'alice',
        'pinned.test:*': 'alice',
        [`127.0.0.1:${unnamed.port}`]: { ca: authority.certificate },
      },
    });
    const agent = credentials.agent();
    await get(server.url, { agent, headers: { host: 'other.test' } });
    await get(server.url, { agent, servername: 'other.test' });
    await get(unnamed.url, { agent, headers: { host: 'pinned.test' } });
    await get(unnamed.url, { agent, servername: 'pinned.test' });
    // Dialled by name, although the address is that of a host with another rule.
    await get(`https://pinned.test:${unnamed.port}`, {
      agent,
      lookup: (_host, options, callback) =>
        options.all ? callback(null, [{ address: '127.0.0.1', family: 4 }]) : callback(null, '127.0.0.1', 4),
    });
    expect(subjects(server)).toEqual(['alice', 'alice']);
    expect(subjects(unnamed)).toEqual([null, null, 'alice']);
    expect(server.requests[1]?.servername).toBe('other.test');
  });

  it('and a Unix socket has none, so it is left alone', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-'));
    const path = join(directory, 's');
    const { key, fullChain } = await authority.issue({
      name: 'server',
      hosts: ['localhost'],
      usage: 'server',
    });
    const seen: unknown[] = [];
    const server = https.createServer(
      { key, cert: fullChain, ca: authority.certificate, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        seen.push((request.socket as import('node:tls').TLSSocket).getPeerX509Certificate());
        response.end();
      },
    );
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { 'localhost:*': 'alice' },
    });
    const agent = credentials.agent();
    await get('https://localhost/', { agent, socketPath: path, ca: authority.certificate });
    const ca = authority.certificate;
    const always = credentials.agent({ socketPath: path, ca } as object);
    await get('https://localhost/', { agent: always });
    const socket = adapterOf(credentials).connect({ path, servername: 'localhost', ca });
    await once(socket, 'secureConnect');
    socket.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n').resume();
    await once(socket, 'close');
    expect(seen).toEqual([undefined, undefined, undefined]);
    expect(() => adapterOf(credentials).connect({ host: 'localhost', path })).toThrow(/Unix socket/);
    always.destroy();
    agent.destroy();
    server.close();
    await rm(directory, { recursive: true });
  });

  it('for IPv4 however it is spelled, and for a trailing dot', async () => {
    await using server = await startServer({ authority, host: 'localhost' });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { [`LOCALHOST.:${server.port}`]: 'alice' },
    });
    await get(`https://localhost:${server.port}`, { agent: credentials.agent() });
    expect(subjects(server)).toEqual(['alice']);
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('pools and sessions over %s', (tls) => {
  describe.each([true, false])('with keepAlive %s', (keepAlive) => {
    it('never carry one identity’s request on another’s connection, in turn or at once', async () => {
      await using server = await startServer({ authority, tls, clientCertificate: 'optional' });
      await using credentials = await loadFor(server.port);
      const expected: Record<string, string | null> = {
        Bob: 'bob',
        BobToo: 'bob',
        Alice: 'alice',
        '': 'alice',
        none: null,
      };
      const agents = Object.keys(expected).map((name) => ({
        name,
        agent: credentials.agent({
          service: name === 'none' ? false : ((name || undefined) as 'Bob'),
          keepAlive,
        }),
      }));
      const call = ({ name, agent }: (typeof agents)[number]) =>
        get(`${server.url}/${name || 'default'}`, { agent });
      for (let round = 0; round < 3; round++) {
        for (const each of agents) await call(each);
        await Promise.all([...agents, ...agents].map(call));
      }
      expect(server.requests).toHaveLength(45);
      for (const { path, clientCertificate } of server.requests) {
        const name = path.slice(1) === 'default' ? '' : path.slice(1);
        expect([path, clientCertificate?.commonName ?? null]).toEqual([path, expected[name]]);
      }
      if (!keepAlive) expect(server.requests.some(({ resumed }) => resumed)).toBe(true);
      for (const { agent } of agents) agent.destroy();
    });

    it('of one agent are kept apart by port and by TLS options', async () => {
      await using server = await startServer({
        authority,
        clientCertificate: 'optional',
        listeners: [{}, {}],
      });
      await using credentials = await loadFor(server.ports[0]!);
      const agent = credentials.agent({ keepAlive });
      const options = [
        {},
        { maxVersion: tls },
        { ALPNProtocols: ['http/1.1'] },
        { servername: 'localhost' },
      ] as const;
      for (let round = 0; round < 2; round++) {
        for (const own of options) for (const url of server.urls) await get(url, { agent, ...own });
      }
      expect(new Set(server.requests.map(({ connection }) => connection)).size).toBe(keepAlive ? 8 : 16);
      for (const { port, clientCertificate } of server.requests) {
        expect(clientCertificate?.commonName ?? null).toBe(port === server.ports[0] ? 'alice' : null);
      }
      agent.destroy();
    });
  });

  it('are resumed within one identity', async () => {
    await using server = await startServer({ authority, tls });
    await using credentials = await loadFor(server.port);
    const agent = credentials.agent({ keepAlive: false });
    for (let round = 0; round < 3; round++) await get(server.url, { agent });
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true, true]);
    expect(subjects(server)).toEqual(['alice', 'alice', 'alice']);
  });

  it('are not resumed where maxCachedSessions is 0', async () => {
    await using server = await startServer({ authority, tls });
    await using credentials = await loadFor(server.port);
    const agent = credentials.agent({ keepAlive: false, maxCachedSessions: 0 });
    for (let round = 0; round < 2; round++) await get(server.url, { agent });
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, false]);
  });
});

it('requests that wait for a socket get the one of their own decision', async () => {
  await using server = await startServer({ authority, clientCertificate: 'optional', listeners: [{}, {}] });
  await using credentials = await loadFor(server.ports[0]!);
  const agent = credentials.agent({ maxSockets: 1, maxTotalSockets: 1 });
  await Promise.all([0, 1, 0, 1, 0, 1].map((index) => get(server.urls[index]!, { agent })));
  for (const { port, clientCertificate } of server.requests) {
    expect(clientCertificate?.commonName ?? null).toBe(port === server.ports[0] ? 'alice' : null);
  }
  expect(server.requests).toHaveLength(6);
  agent.destroy();
});
