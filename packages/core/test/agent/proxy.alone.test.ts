import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import https, { Agent, globalAgent, request as httpsRequest } from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  type ProxyOptions,
  startProxy,
  startServer,
} from '@clientcert/testing';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { proxyIn } from '../../src/agent/node-proxies.ts';
import { findProxy } from '../../src/agent/proxy.ts';
import { checkConfig } from '../../src/config/check.ts';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
let gate: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  gate = await authority.issue({ name: 'gate' });
});
afterEach(() => vi.unstubAllEnvs());

/** A proxy of the given kind, a server that demands alice, and credentials that pin her there. */
async function scene(options: Omit<ProxyOptions, 'authority'> = {}) {
  const proxy = await startProxy({ authority, ...options });
  const server = await startServer({ authority });
  const credentials = await loadCredentials({
    certificates: { alice: sourceOf(alice, authority), gate: sourceOf(gate, authority) },
    hosts: {
      [`127.0.0.1:${server.port}`]: 'alice',
      [`127.0.0.1:${proxy.port}`]: { ca: authority.certificate },
    },
  });
  return {
    proxy,
    server,
    credentials,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([credentials.close(), proxy.close(), server.close()]);
    },
  };
}

describe.each([false, true])('through a proxy, with TLS to it %s,', (tls) => {
  it('the origin sees its certificate, the proxy none; connections are kept and sessions resumed', async () => {
    await using all = await scene({ tls, clientCertificate: 'optional' });
    const { proxy, server, credentials } = all;
    const agent = credentials.agent({ proxy: proxy.url });
    for (let round = 0; round < 3; round++) await get(server.url, { agent });
    expect(server.connections).toBe(1);
    await get(server.url, { agent, headers: { connection: 'close' } });
    await get(server.url, { agent });
    expect(subjects(server)).toEqual(Array(5).fill('alice'));
    expect(server.requests.at(-1)?.resumed).toBe(true);
    expect(proxy.connects.map(({ clientCertificate }) => clientCertificate)).toEqual([null, null]);
    expect(proxy.connects[0]).toMatchObject({ host: '127.0.0.1', port: server.port });
    agent.destroy();
  });

  it('ends without an error where TCP ends below TLS: nobody may be listening by then', async () => {
    await using all = await scene({ tls });
    const { proxy, server, credentials } = all;
    let accepted: Socket | undefined;
    server.servers[0]!.on('connection', (socket: Socket) => {
      accepted = socket;
    });
    const agent = credentials.agent({ proxy: proxy.url }) as unknown as {
      createConnection(options: ConnectionOptions): TLSSocket;
      destroy(): void;
    };
    const socket = agent.createConnection({ host: '127.0.0.1', port: server.port });
    const errors: Error[] = [];
    socket.on('error', (error) => errors.push(error));
    await once(socket, 'secureConnect');
    const closed = once(socket.resume(), 'close');
    accepted!.end();
    await closed;
    expect(errors).toEqual([]);
    agent.destroy();
  });

  it('maxSockets holds, and bodies of megabytes pass both ways', async () => {
    await using all = await scene({ tls });
    const { proxy, server, credentials } = all;
    const agent = credentials.agent({ proxy: proxy.url, maxSockets: 1 });
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => get(`${server.url}/large?bytes=2000000`, { agent })),
    );
    expect(answers.map(({ body }) => body.length)).toEqual(Array(4).fill(2_000_000));
    expect(proxy.connects).toHaveLength(1);
    agent.destroy();
  });

  it('whoever reads slowly gets all of an answer after which the server closes, and keeps no connection', async () => {
    await using all = await scene({ tls });
    const { proxy, server, credentials } = all;
    const agent = credentials.agent({ proxy: proxy.url, keepAlive: false });
    for (let round = 0; round < 10; round++) {
      const request = https.get(`${server.url}/large?bytes=300000`, { agent });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        response.pause();
        setTimeout(() => response.resume(), round % 4);
      });
      await once(response, 'end', { signal: AbortSignal.timeout(5000) });
      expect(length).toBe(300_000);
    }
    await vi.waitFor(() => expect(Object.keys(agent.sockets)).toEqual([]));
  });

  it('a refusal is explained: 407 with what it wants, others with their status', async () => {
    await using all = await scene({ tls, authentication: { username: 'u', password: 'p:w' } });
    const { proxy, server, credentials } = all;
    const failure = await get(server.url, { agent: credentials.agent({ proxy: proxy.url }) }).catch(
      (error) => error,
    );
    expect(failure).toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_FAILED',
      message: expect.stringContaining(`proxy ${proxy.url}`),
      hint: expect.stringContaining('user'),
    });
    const url = new URL(proxy.url);
    url.username = 'u';
    url.password = encodeURIComponent('p:w');
    await get(server.url, { agent: credentials.agent({ proxy: url }) });
    const authorization = `Basic ${Buffer.from('u:p:w').toString('base64')}`;
    await get(server.url, { agent: credentials.agent({ proxy: { url: proxy.url, authorization } }) });
    expect(subjects(server)).toEqual(['alice', 'alice']);
    url.password = 'canary';
    const wrong = await get(server.url, { agent: credentials.agent({ proxy: url }) }).catch((error) => error);
    expect(`${wrong.stack}${JSON.stringify(wrong)}`).not.toContain('canary');
  });

  it('one that never answers ends with the request’s timeout and abort, and frees the queue', async () => {
    await using all = await scene({ tls, hang: true });
    const { proxy, server, credentials } = all;
    const agent = credentials.agent({ proxy: proxy.url, maxSockets: 1 });
    await expect(get(server.url, { agent, timeout: 100 })).rejects.toThrow('timed out');
    await expect(get(server.url, { agent, signal: AbortSignal.timeout(100) })).rejects.toThrow();
    const request = https.get(server.url, { agent });
    request.setTimeout(100, () => request.destroy(new Error('timed out')));
    await expect(once(request, 'response')).rejects.toThrow('timed out');
    const both = [1, 2].map(() => get(server.url, { agent, timeout: 100 }));
    for (const each of both) await expect(each).rejects.toThrow('timed out');
    await expect
      .poll(() => [agent.sockets, agent.requests].map((pool) => Object.keys(pool)))
      .toEqual([[], []]);
    expect(server.connections).toBe(0);
  });

  it('one that never answers keeps nobody waiting who ends the connection, or an HTTP/2 session over it', async () => {
    await using all = await scene({ tls, hang: true });
    const { proxy, server, credentials } = all;
    const agent = credentials.agent({ proxy: proxy.url }) as unknown as {
      createConnection(options: ConnectionOptions): TLSSocket;
    };
    const connect = () =>
      agent.createConnection({ host: '127.0.0.1', port: server.port, ALPNProtocols: ['h2'] });
    const socket = connect();
    await once(socket, 'connect');
    await expect(once(socket.end(), 'close', { signal: AbortSignal.timeout(1000) })).rejects.toMatchObject({
      code: 'ECONNRESET', // as where a server ends without a handshake
    });
    const session = http2.connect(server.url, { createConnection: connect });
    await once(session.socket, 'connect');
    const closed = once(session, 'close', { signal: AbortSignal.timeout(1000) });
    session.destroy();
    await closed;
    expect(server.connections).toBe(0);
  });

  it('with a timeout that is no time nothing is begun, as without a proxy', async () => {
    await using all = await scene({ tls });
    const { proxy, server, credentials } = all;
    for (const timeout of ['5000', -1] as number[]) {
      const agent = credentials.agent({ proxy: proxy.url, timeout });
      expect(() => https.get(server.url, { agent })).toThrow(/"(timeout|msecs)"/);
    }
    await get(server.url, { agent: credentials.agent({ proxy: proxy.url, keepAlive: false }) });
    expect(server.connections).toBe(1);
    expect(proxy.connects).toHaveLength(1);
  });

  it.each([{}, { timeout: 100 }])(
    'and with that of the agent, whoever does not answer, where the request says %j',
    async (said) => {
      await using silent = await scene({ tls, hang: true });
      await using all = await scene({ tls });
      await using server = await startServer({ authority, handler: () => {} });
      await using credentials = await loadCredentials({
        certificates: { alice: sourceOf(alice, authority) },
        hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
        proxy: { url: all.proxy.url, ...(tls && { ca: authority.certificate }) },
      });
      const agents = [
        silent.credentials.agent({ proxy: silent.proxy.url, timeout: 100 }),
        credentials.agent({ timeout: 100 }),
      ];
      await expect(get(silent.server.url, { agent: agents[0], ...said })).rejects.toThrow('timed out');
      await expect(get(server.url, { agent: agents[1], ...said })).rejects.toThrow('timed out');
      expect(silent.server.connections).toBe(0);
    },
  );
});

it('a proxy that demands a certificate gets its own, never the origin’s', async () => {
  await using proxy = await startProxy({ authority, tls: true, clientCertificate: 'required' });
  await using server = await startServer({ authority });
  await using credentials = await loadCredentials({
    certificates: { alice: sourceOf(alice, authority), gate: sourceOf(gate, authority) },
    hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
    proxy: { url: proxy.url, certificate: 'gate' },
  });
  await get(server.url, { agent: credentials.agent() });
  expect(subjects(server)).toEqual(['alice']);
  expect(proxy.connects[0]?.clientCertificate?.commonName).toBe('gate');
});

it('an https proxy is a host like any other: a rule that names it decides', async () => {
  await using proxy = await startProxy({ authority, tls: true, clientCertificate: 'required' });
  await using server = await startServer({ authority });
  await using credentials = await loadCredentials({
    certificates: { alice: sourceOf(alice, authority), gate: sourceOf(gate, authority) },
    hosts: { [`127.0.0.1:${server.port}`]: 'alice', [`127.0.0.1:${proxy.port}`]: 'gate' },
  });
  await get(server.url, { agent: credentials.agent({ proxy: proxy.url }) });
  expect([subjects(server), proxy.connects[0]?.clientCertificate?.commonName]).toEqual([['alice'], 'gate']);
});

it('a dead proxy fails every waiting request at once, and its name is in each error', async () => {
  await using server = await startServer({ authority });
  await using credentials = await loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
  });
  const dead = await startProxy();
  await dead.close();
  const agent = credentials.agent({ proxy: dead.url, maxSockets: 1 });
  const failures = await Promise.all(
    [1, 2, 3, 4, 5].map(() => get(server.url, { agent }).catch((error) => error)),
  );
  for (const failure of failures) {
    expect(failure).toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_FAILED',
      message: expect.stringContaining(dead.url),
      cause: { code: 'ECONNREFUSED' },
    });
  }
  expect(server.connections).toBe(0);
});

describe('the environment', () => {
  it('is read with proxy: env, NO_PROXY included, and not unless it is written', async () => {
    await using all = await scene();
    const { proxy, server, credentials } = all;
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    await get(server.url, { agent: credentials.agent() });
    expect(proxy.connects).toHaveLength(0);
    await get(server.url, { agent: credentials.agent({ proxy: 'env' }) });
    expect(proxy.connects).toHaveLength(1);
    vi.stubEnv('NO_PROXY', '127.0.0.1');
    await get(server.url, { agent: credentials.agent({ proxy: 'env' }) });
    expect(proxy.connects).toHaveLength(1);
    expect(subjects(server)).toEqual(['alice', 'alice', 'alice']);
  });

  it.each([
    ['127.0.0.0/8', '127.0.0.1', false],
    ['10.0.0.0/8 127.0.0.1/32', '127.0.0.1', false],
    ['10.0.0.0/8', '127.0.0.1', true],
    ['127.0.0.2/31', '127.0.0.1', true],
    ['127.0.0.1/33', '127.0.0.1', true],
    ['127.0.0.1/', '127.0.0.1', true],
    ['127.0.0.1/32', 'localhost', true],
    ['fe80::/10', 'fe80::1', false],
    ['fe80::/10', '127.0.0.1', true],
    ['FE80::1', 'fe80::1', false],
    ['[fe80::1]', 'fe80::1', false],
    ['localhost', '127.0.0.1', false],
    ['127.0.0.1', 'localhost', false],
    ['::1', '127.0.0.2', false],
    ['::1', '128.0.0.1', true],
    ['', '127.0.0.1', true],
  ])('NO_PROXY=%j leaves %s to the proxy: %s', (NO_PROXY, host, isProxied) => {
    vi.stubEnv('HTTPS_PROXY', 'http://proxy.example');
    vi.stubEnv('NO_PROXY', NO_PROXY);
    expect(findProxy('env', host, 8443)?.url.host).toBe(isProxied ? 'proxy.example' : undefined);
  });

  it('is read by plain agents where NODE_USE_ENV_PROXY says so, unless proxy: false', async () => {
    await using all = await scene();
    const { proxy, server, credentials } = all;
    vi.stubEnv('https_proxy', proxy.url);
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    await get(server.url, { agent: credentials.agent() });
    await get(server.url, { agent: credentials.agent({ proxy: false }) });
    expect(proxy.connects).toHaveLength(1);
  });

  it('is read by plain agents where Node was started with --use-env-proxy', async () => {
    await using all = await scene();
    const { proxy, server, credentials } = all;
    vi.stubEnv('https_proxy', proxy.url);
    const options = globalAgent.options as { proxyEnv?: object };
    options.proxyEnv = process.env; // what Node leaves then, by the command line or NODE_OPTIONS
    try {
      await get(server.url, { agent: credentials.agent() });
    } finally {
      delete options.proxyEnv;
    }
    expect(proxy.connects).toHaveLength(1);
  });

  describe('attack: rules that are weakened', () => {
    /** What `http.setGlobalProxyFromEnv()` leaves, in Node 24 and 26. */
    async function switched(proxyEnv: object, work: () => Promise<void>): Promise<void> {
      const options = globalAgent.options as { proxyEnv?: object };
      options.proxyEnv = proxyEnv;
      try {
        await work();
      } finally {
        delete options.proxyEnv;
      }
    }

    it('the proxies that Node was switched to are not passed by, whatever the environment has', async () => {
      await using all = await scene();
      const { proxy, server, credentials } = all;
      const agent = credentials.agent();
      const likeAxios = credentials.agent({ defaultProxy: 'env' });
      await get(server.url, { agent }); // made before, and connected
      await switched({ https_proxy: proxy.url }, async () => {
        await get(server.url, { agent });
        await get(server.url, { agent: likeAxios });
        await get(server.url, { agent: credentials.agent({ proxy: false }) });
        expect(`${credentials.explain(server.url)}`).toContain(proxy.url);
      });
      expect(proxy.connects).toHaveLength(2);
      vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
      await switched({ HTTPS_PROXY: proxy.url, NO_PROXY: `elsewhere.example,127.0.0.1:${server.port}` }, () =>
        get(server.url, { agent: credentials.agent() }).then(() => {}),
      );
      expect(proxy.connects).toHaveLength(2);
      await switched({ HTTPS_PROXY: 'socks5://127.0.0.1:9' }, async () => {
        await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject({
          code: 'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
        });
      });
      expect(subjects(server).filter((name) => name !== 'alice')).toEqual([]);
    });

    it('nor are they where an agent of ours has taken the place of the global one', async () => {
      await using all = await scene();
      const { proxy, server, credentials } = all;
      await switched({ https_proxy: proxy.url }, async () => {
        https.globalAgent = credentials.agent();
        try {
          await get(server.url);
          await get(server.url, { agent: credentials.agent() });
          expect(`${credentials.explain(server.url)}`).toContain(proxy.url);
        } finally {
          https.globalAgent.destroy();
          https.globalAgent = globalAgent;
        }
      });
      await get(server.url, { agent: credentials.agent() });
      expect(proxy.connects).toHaveLength(2);
      expect(subjects(server)).toEqual(['alice', 'alice', 'alice']);
    });

    describe.each([
      ['', 'api.bank.example', true],
      ['*', 'api.bank.example', false],
      ['api.bank.example', 'api.bank.example', false],
      ['API.bank.example, other.example', 'api.bank.example', false],
      ['api.bank.example other.example', 'api.bank.example', true],
      ['api.bank.example:443', 'api.bank.example', true],
      ['api.bank.example:8443', 'api.bank.example', false],
      ['bank.example', 'api.bank.example', true],
      ['.bank.example', 'api.bank.example', false],
      ['.bank.example', 'bank.example', false],
      ['.bank.example', 'notbank.example', true],
      ['.bank.example:8443', 'api.bank.example', true],
      ['*.bank.example', 'api.bank.example', false],
      ['*.bank.example', 'bank.example', true],
      ['*.example:8443', 'api.bank.example', true],
      ['*bank.example', 'notbank.example', true],
      ['*7.0.0.1', '127.0.0.1', true],
      ['127.0.0.1-127.0.0.9', '127.0.0.1', false],
      [' 127.0.0.0 - 127.0.0.9 ', '127.0.0.9', false],
      ['127.0.0.2-127.0.0.9', '127.0.0.1', true],
      ['9.0.0.0-200.0.0.0', '127.0.0.1', false],
      ['127.0.0.1-', '127.0.0.1', true],
      ['127.0.0.0/8', '127.0.0.1', true],
      ['::1', '::1', false],
      ['fe80::1', 'fe80::1', false],
      ['[::1]', '::1', true],
      ['[::1]:8443', '::1', true],
      ['::1:8443', '::1', false],
    ])('NO_PROXY=%j leaves %s to the proxy: %s,', (NO_PROXY, host, isProxied) => {
      it('here', () => {
        const found = proxyIn({ https_proxy: 'http://proxy.example', NO_PROXY }, host, 8443);
        expect(found).toBe(isProxied ? 'http://proxy.example' : undefined);
      });

      const hasProxies = 'setGlobalProxyFromEnv' in http;
      it.runIf(hasProxies)('and in the agents of Node', async () => {
        let connects = 0;
        const proxy = createServer((socket) => {
          connects += 1;
          socket.destroy();
        });
        await once(proxy.listen(0, '127.0.0.1'), 'listening');
        const lookup = (_: string, __: object, callback: (error: Error) => void) => {
          callback(new Error('far enough'));
        };
        const { port } = proxy.address() as AddressInfo;
        const proxyEnv = { https_proxy: `http://127.0.0.1:${port}`, NO_PROXY };
        const agent = new Agent({ proxyEnv, lookup } as object);
        const request = httpsRequest({ host, port: 8443, agent, timeout: 5_000 });
        request.on('timeout', () => request.destroy());
        await new Promise((resolve) => request.on('error', resolve).end());
        proxy.close();
        expect(connects > 0).toBe(isProxied);
      });
    });

    it('NO_PROXY of the environment is read as Node does where Node is switched to it', async () => {
      await using all = await scene();
      const { proxy, server, credentials } = all;
      vi.stubEnv('HTTPS_PROXY', proxy.url);
      for (const [NO_PROXY, connects] of [
        ['*7.0.0.1', 1],
        ['127.0.0.1 other.example', 2],
        ['127.0.0.0-127.0.0.9', 2],
      ] as const) {
        vi.stubEnv('NO_PROXY', NO_PROXY);
        await switched(process.env, () => get(server.url, { agent: credentials.agent() }).then(() => {}));
        expect([NO_PROXY, proxy.connects.length]).toEqual([NO_PROXY, connects]);
      }
    });
  });

  it('a SOCKS proxy is refused, never bypassed', async () => {
    await using all = await scene();
    const { server, credentials } = all;
    vi.stubEnv('ALL_PROXY', 'socks5://127.0.0.1:1080');
    await expect(get(server.url, { agent: credentials.agent({ proxy: 'env' }) })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    });
    expect(server.connections).toBe(0);
  });

  it.each([
    ['socks5://127.0.0.1:1080', 'is a SOCKS proxy'],
    ['http://', 'is not the URL of a proxy'],
    ['http://user:pa/ss@127.0.0.1:3128', 'has more than a host and a port|is not the URL of a proxy'],
  ])('%s in the environment is refused in the words of the config', async (written, words) => {
    await using all = await scene();
    const { server, credentials } = all;
    vi.stubEnv('HTTPS_PROXY', written);
    await expect(get(server.url, { agent: credentials.agent({ proxy: 'env' }) })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
      message: expect.stringMatching(new RegExp(`^the proxy in the environment (${words})`)),
    });
    expect(server.connections).toBe(0);
  });

  it.each(['', 'https://'])('"%s" before one that speaks no TLS is told of as that', async (scheme) => {
    await using all = await scene();
    const { proxy, server, credentials } = all;
    const { host } = new URL(proxy.url);
    vi.stubEnv('HTTPS_PROXY', scheme + host);
    await expect(get(server.url, { agent: credentials.agent({ proxy: 'env' }) })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_FAILED',
      message: `proxy https://${host} for 127.0.0.1:${server.port}: it does not speak TLS`,
      hint: expect.stringContaining(`http://${host}. `),
    });
    expect(server.connections).toBe(0);
  });

  it('may be a URL of another realm, as a target may', async () => {
    await using all = await scene();
    const { proxy, server, credentials } = all;
    const foreign = (text: string) => Object.setPrototypeOf(new URL(text), foreignUrl) as URL;
    await get(server.url, { agent: credentials.agent({ proxy: foreign(proxy.url) }) });
    expect(proxy.connects).toHaveLength(1);
    expect(credentials.resolve(foreign(server.url))).toBe(credentials.resolve(server.url));
    const { proxy: checked } = await checkConfig({ proxy: foreign(proxy.url) });
    expect(checked).toMatchObject({ url: new URL(proxy.url) });
  });
});

it('two proxies, and a proxy and none, share no connection', async () => {
  await using all = await scene();
  const { proxy, server, credentials } = all;
  vi.stubEnv('HTTPS_PROXY', proxy.url);
  const agent = credentials.agent({ proxy: 'env' });
  await get(server.url, { agent });
  vi.stubEnv('NO_PROXY', '127.0.0.1');
  await get(server.url, { agent });
  expect(server.requests.map(({ connection }) => connection)).toEqual([1, 2]);
  agent.destroy();
});

/** What `URL.prototype` is in another realm. */
const foreignUrl = Object.create(
  Object.prototype,
  Object.getOwnPropertyDescriptors(URL.prototype) as PropertyDescriptorMap,
);

it('an option that Node does not take leaves no way to a proxy behind, whose failure would be nobody’s', async () => {
  await using all = await scene();
  const { server, credentials } = all;
  const away = createServer().listen(0);
  await once(away, 'listening');
  const { port } = away.address() as AddressInfo;
  await new Promise((resolve) => away.close(resolve));
  const uncaught = vi.fn();
  process.on('uncaughtExceptionMonitor', uncaught);
  try {
    const agent = credentials.agent({ proxy: `http://localhost:${port}` });
    const options = { agent, minDHSize: '2048' as unknown as number };
    await expect(get(server.url, options)).rejects.toThrow(/minDHSize/);
    await expect(get(server.url, { agent })).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_PROXY_FAILED' });
    expect(uncaught).not.toHaveBeenCalled();
  } finally {
    process.off('uncaughtExceptionMonitor', uncaught);
  }
});
