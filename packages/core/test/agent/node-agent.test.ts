import type { ClientRequest } from 'node:http';
import https, { type RequestOptions } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
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

  it('connections are kept apart by all that Node’s agent keeps them apart by', async () => {
    const kinds: RequestOptions[] = [
      {},
      { servername: 'localhost' },
      { family: 4 },
      { localAddress: '127.0.0.1' },
      { localAddress: '127.0.0.1', family: 4 },
      { host: 'localhost', family: 4 },
      { headers: { host: 'localhost' } },
    ];
    // Each after each, and after itself.
    const calls = kinds.flatMap((one) => kinds.flatMap((other) => [one, other]));
    const seen = async (agentFor: (server: { port: number }) => Promise<https.Agent>) => {
      await using server = await startServer({
        authority,
        clientCertificate: 'optional',
        keepAliveTimeout: 60_000,
      });
      const agent = await agentFor(server);
      for (const options of calls) {
        await get(`https://${options.host ?? '127.0.0.1'}:${server.port}`, { agent, ...options });
      }
      agent.destroy();
      return server.requests.map(({ connection }) => connection);
    };
    const plain = await seen(async () => new https.Agent({ keepAlive: true, ca: authority.certificate }));
    const ours = await seen(async ({ port }) => (await pin(port)).agent());
    expect(new Set(plain).size).toBe(kinds.length - 1); // a Host header names the server as `servername` does
    expect(ours).toEqual(plain);
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
    const callThrice = async (options: https.AgentOptions) => {
      const agent = credentials.agent(options);
      await get(server.url, { agent });
      await get(`${server.url}/delay?ms=1500`, { agent });
      await get(`${server.url}/delay?ms=1500`, { agent, timeout: 0 });
      agent.destroy();
    };
    await Promise.all([{}, { timeout: 5_000 }].map(callThrice));
    expect(server.connections).toBe(2);
  });
});

describe('attack: rules that are weakened', () => {
  /** What global-agent does. */
  async function withGlobalAgent(isForced: boolean, work: () => Promise<void>): Promise<void> {
    const { globalAgent, request, get: getBefore } = https;
    const plain = new https.Agent();
    // Of no class of Node's, and without options.
    const own = {
      protocol: 'https:',
      addRequest: Reflect.get(plain, 'addRequest').bind(plain),
    } as unknown as https.Agent;
    const bind = (original: (...given: unknown[]) => ClientRequest) =>
      ((...given: unknown[]) => {
        const at = given.findIndex((each) => typeof each === 'object' && !(each instanceof URL));
        const options = { ...(given[at] as RequestOptions) };
        if (isForced || !options.agent || options.agent === https.globalAgent) options.agent = own;
        return original(...given.with(at, options));
      }) as typeof https.request;
    Object.assign(https, {
      globalAgent: own,
      request: bind(request as never),
      get: bind(getBefore as never),
    });
    try {
      await work();
    } finally {
      Object.assign(https, { globalAgent, request, get: getBefore });
    }
  }

  it('a global agent of another making leaves requests to ours', async () => {
    await using server = await startServer({ authority });
    await using credentials = await pin(server.port);
    await withGlobalAgent(false, async () => {
      await get(server.url, { agent: credentials.agent() });
      await get(server.url, { agent: adapterOf(credentials).sharedAgent({}) });
      expect(`${credentials.explain(server.url)}`).toContain('alice');
    });
    expect(subjects(server)).toEqual(['alice', 'alice']);
  });

  it('an agent of ours is not handed out where every request is forced over another', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await pin(server.port);
    const ca = authority.certificate;
    const conflict = expect.objectContaining({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    const shared = () => adapterOf(credentials).sharedAgent({});
    shared(); // which is kept
    await withGlobalAgent(true, async () => {
      const call = async (agent: () => https.Agent) => get(server.url, { agent: agent(), ca });
      await expect(call(() => credentials.agent())).rejects.toEqual(conflict);
      await expect(call(shared)).rejects.toEqual(conflict);
    });
    await get(server.url, { agent: shared() });
    expect(subjects(server)).toEqual(['alice']);
  });
});
