import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../../../test/spawned.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
});

const pin = (port: number) =>
  loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${port}`]: 'alice', [`localhost:${port}`]: 'alice' },
  });

describe('where Node’s own agent works, ours does', () => {
  it('as the global agent, for a request with agent: false: decided alike, one connection each', async () => {
    await using server = await startServer({ authority });
    await using credentials = await pin(server.port);
    const before = https.globalAgent;
    https.globalAgent = credentials.agent();
    try {
      await get(server.url, { agent: false });
      await get(server.url, { agent: false });
      await get(server.url);
    } finally {
      https.globalAgent.destroy();
      https.globalAgent = before;
    }
    expect(subjects(server)).toEqual(['alice', 'alice', 'alice']);
    expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2, 3]);
    expect(server.requests.map(({ headers }) => headers.connection)).toEqual([
      'close',
      'close',
      'keep-alive',
    ]);
  });

  it('an agent that it constructs is retired like the others', async () => {
    await using server = await startServer({ authority, keepAliveTimeout: 60_000 });
    await using credentials = await pin(server.port);
    const agent = new (credentials.agent().constructor as new (options: object) => https.Agent)({
      keepAlive: true,
    });
    await get(server.url, { agent });
    expect(Object.keys(agent.freeSockets)).toHaveLength(1);
    await credentials.close();
    expect(Object.keys(agent.freeSockets)).toHaveLength(0);
  });

  it('createConnection in each of its forms presents the certificate', async () => {
    await using server = await startServer({ authority });
    await using credentials = await pin(server.port);
    const agent = credentials.agent();
    const { port } = server;
    const create = agent.createConnection.bind(agent) as (...given: unknown[]) => TLSSocket;
    const sockets = [
      create({ port, host: '127.0.0.1' }),
      create({ port, host: 'localhost' }, () => {}),
      create(port, 'localhost', {}),
      create(port, '127.0.0.1'),
      create(port, '127.0.0.1', null),
      create(port, { host: '127.0.0.1' }),
      create(port, 'localhost', { servername: 'localhost' }, () => {}),
    ];
    for (const socket of sockets) {
      socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
      await new Promise((resolve, reject) => socket.on('error', reject).resume().on('close', resolve));
    }
    expect(subjects(server)).toEqual(Array(sockets.length).fill('alice'));
    expect(server.requests.map(({ servername }) => servername)).toEqual(
      [null, 1, 1, null, null, null, 1].map((named) => named && 'localhost'),
    );
    expect(() => create(port, '127.0.0.1', { cert: alice.cert })).toThrow('brings its own "cert"');
  });

  it('getName and destroy take what Node’s take', async () => {
    await using server = await startServer({ authority });
    await using credentials = await pin(server.port);
    const agent = credentials.agent();
    expect(agent.getName()).toBe(new https.Agent().getName());
    const options = { host: 'a.example', port: 1, ciphers: 'x' };
    expect(agent.getName(options)).toBe(new https.Agent().getName(options));
    await get(server.url, { agent });
    agent.destroy();
    await expect.poll(() => Object.keys(agent.freeSockets)).toEqual([]);
    await get(server.url, { agent });
    expect(subjects(server)).toEqual(['alice', 'alice']);
    agent.destroy();
  });
});

describe('an idle connection is closed before its server would', () => {
  /** The `timeout` of the idle socket that a request leaves, or `undefined` where it is not kept. */
  async function idle(keepAlive: string | undefined, options: https.AgentOptions = {}) {
    await using server = await startServer({
      authority,
      keepAliveTimeout: 60_000,
      handler: (_request, response) => {
        response.setHeader('connection', 'keep-alive');
        if (keepAlive !== undefined) response.setHeader('keep-alive', keepAlive);
        else response.removeHeader('keep-alive');
        response.end();
      },
    });
    if (keepAlive === undefined) (server.servers[0] as https.Server).keepAliveTimeout = 0;
    await using credentials = await pin(server.port);
    const agent = credentials.agent(options);
    await get(server.url, { agent, timeout: 30_000 });
    const sockets = Object.values(agent.freeSockets).flatMap((free) => free ?? []);
    agent.destroy();
    return sockets[0]?.timeout;
  }

  it.each([
    [undefined, 4_000],
    ['timeout=5', 4_000],
    ['timeout=5, max=100', 4_000],
    ['max=100, timeout=15', 14_000],
    ['Timeout=2', 1_000],
    ['timeout=1', undefined],
    ['timeout=0', undefined],
    ['timeout=99999999', 600_000],
    ['timeout=x', 4_000],
  ])('Keep-Alive: %s', async (said, expected) => {
    expect(await idle(said)).toBe(expected);
  });

  it('the agent’s own timeout decides where the server says nothing, and caps what it says', async () => {
    expect(await idle(undefined, { timeout: 20_000 })).toBe(20_000);
    expect(await idle('timeout=60', { timeout: 20_000 })).toBe(20_000);
    expect(await idle('timeout=6', { timeout: 20_000 })).toBe(5_000);
  });

  it('and does not end the next request on it, however long that takes', async () => {
    await using server = await startServer({
      authority,
      handler: (_request, response) => {
        response.setHeader('keep-alive', 'timeout=2');
        return false;
      },
    });
    await using credentials = await pin(server.port);
    for (const options of [{}, { timeout: 5_000 }]) {
      const agent = credentials.agent(options);
      await get(server.url, { agent });
      await get(`${server.url}/delay?ms=1500`, { agent });
      await get(`${server.url}/delay?ms=1500`, { agent, timeout: 0 });
      agent.destroy();
    }
    expect(server.connections).toBe(2);
  });
});

const nginx = (() => {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!nginx)('nginx, which does not say how long it waits (skipped where there is none)', () => {
  it('is never met in the moment in which it closes', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-nginx-'));
    const files = await (
      await authority.issue({ name: 'server', hosts: ['127.0.0.1', 'localhost'], usage: 'server' })
    ).files(directory);
    await writeFile(join(directory, 'root.pem'), authority.certificate);
    const port = await freePort();
    await writeFile(
      join(directory, 'nginx.conf'),
      `daemon off; pid ${directory}/pid; error_log stderr; worker_processes 1;
       events {}
       http {
         access_log off; keepalive_timeout 5s; client_body_temp_path ${directory}/body; proxy_temp_path ${directory}/proxy;
         fastcgi_temp_path ${directory}/fastcgi; uwsgi_temp_path ${directory}/uwsgi; scgi_temp_path ${directory}/scgi;
         server {
           listen 127.0.0.1:${port} ssl; ssl_certificate ${files.cert}; ssl_certificate_key ${files.key};
           ssl_client_certificate ${directory}/root.pem; ssl_verify_client on;
           location / { return 200 $ssl_client_s_dn; }
         }
       }`,
    );
    const server = spawn('nginx', ['-e', 'stderr', '-c', join(directory, 'nginx.conf')], { stdio: 'ignore' });
    try {
      await using credentials = await pin(port);
      const url = `https://127.0.0.1:${port}/`;
      const agent = credentials.agent();
      await expect
        .poll(
          () =>
            get(url, { agent }).then(
              ({ body }) => body,
              () => '',
            ),
          { timeout: 10_000 },
        )
        .toBe('CN=alice');
      // Twenty connections, each asked again around the five seconds.
      const calls = Array.from({ length: 20 }, async (_, each) => {
        const own = credentials.agent();
        await get(url, { agent: own });
        await new Promise((resolve) => setTimeout(resolve, 4_980 + each * 2));
        await get(url, { agent: own, headers: { connection: 'close' } });
      });
      const outcomes = await Promise.allSettled(calls);
      expect(outcomes.filter(({ status }) => status === 'rejected')).toEqual([]);
      agent.destroy();
    } finally {
      const ended = new Promise((resolve) => server.once('close', resolve));
      server.kill();
      await ended;
      await rm(directory, { recursive: true, force: true });
    }
  }, 60_000);
});
