import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type https from 'node:https';
import type { AddressInfo, LookupFunction } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import * as undici from 'undici';
import {
  Agent,
  EnvHttpProxyAgent,
  interceptors,
  MockAgent,
  ProxyAgent,
  request,
  setGlobalDispatcher,
  fetch as undiciFetch,
} from 'undici';
import manifest from 'undici/package.json' with { type: 'json' };
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepGlobalDispatcher } from '../../../test/global-dispatcher.ts';
import {
  type Credentials,
  clientCertificates,
  createDispatcher,
  createFetch,
  loadCredentials,
} from '../src/index.ts';

/** What the oldest undici sets as global dispatcher, the fetch of Node 26 does not look at. */
const isHeard = !(manifest.version.startsWith('7.0.') && Number.parseInt(process.versions.undici!, 10) >= 8);

/** Not in the oldest undici. */
const { Socks5ProxyAgent } = undici as { Socks5ProxyAgent?: new (url: string) => undici.Dispatcher };

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
/** Two ports of one host, both of which demand a certificate. */
let bank: TestServer;
/** Another host, which asks for a certificate and takes none. */
let other: TestServer;

beforeAll(async () => {
  authority = await createAuthority();
  [alice, bob] = await Promise.all([authority.issue({ name: 'alice' }), authority.issue({ name: 'bob' })]);
});

beforeEach(async () => {
  bank = await startServer({ authority, host: 'localhost', listeners: [{}, {}], http2: true });
  other = await startServer({ authority, clientCertificate: 'optional' });
});
afterEach(() => Promise.all([bank.close(), other.close()]));

/** alice at the bank's first port, bob at its second; the other host is trusted and gets nothing. */
function load(): Promise<Credentials> {
  return loadCredentials({
    certificates: {
      alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate },
      bob: { cert: bob.fullChain, key: bob.key, ca: authority.certificate },
    },
    hosts: {
      [`localhost:${bank.ports[0]}`]: 'alice',
      [`localhost:${bank.ports[1]}`]: 'bob',
      [`127.0.0.1:${other.port}`]: { ca: authority.certificate },
    },
    services: { Archive: 'bob' },
  });
}

const subjects = (server: TestServer) =>
  server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? null);

const away = (status = 302) =>
  `${bank.url}/redirect?status=${status}&to=${encodeURIComponent(`${other.url}/news`)}`;

describe('the interceptor', () => {
  it('composed before redirect and retry, decides for every hop', async () => {
    await using credentials = await load();
    const base = new Agent();
    const following = [interceptors.redirect({ maxRedirections: 5 }), interceptors.retry()];
    const dispatcher = base.compose(clientCertificates(credentials), ...following);
    await (await request(away(), { dispatcher })).body.dump();
    expect([subjects(bank), subjects(other)]).toEqual([['alice'], [null]]);
    await base.close();
  });

  it('composed after them, hands out what a pinned host answers', async () => {
    await using credentials = await load();
    const base = new Agent();
    const dispatcher = base.compose(
      interceptors.redirect({ maxRedirections: 5 }),
      clientCertificates(credentials),
    );
    const { statusCode, body } = await request(away(), { dispatcher });
    await body.dump();
    expect([statusCode, subjects(bank), subjects(other)]).toEqual([302, ['alice'], []]);
    await base.close();
  });

  it('retries with the certificate, and as the service that the request named', async () => {
    await using credentials = await load();
    const base = new Agent();
    const dispatcher = base.compose(
      clientCertificates(credentials),
      interceptors.retry({ maxRetries: 2, minTimeout: 1, statusCodes: [503] }),
    );
    const clientCertificate = { service: 'Archive', origin: bank.url };
    await request(`${bank.url}/status/503`, { dispatcher, clientCertificate }).catch(() => {});
    expect(subjects(bank)).toEqual(['bob', 'bob', 'bob']);
    await base.close();
  });

  it.each([true, false])('with allowH2: %s', async (allowH2) => {
    await using credentials = await load();
    const base = new Agent({ allowH2 });
    const dispatcher = base.compose(clientCertificates(credentials, { allowH2 }));
    const answers = [0, 1, 2].map(() => request(bank.url, { dispatcher }).then(({ body }) => body.dump()));
    await Promise.all(answers);
    expect(new Set(subjects(bank))).toEqual(new Set(['alice']));
    expect(new Set(bank.requests.map(({ httpVersion }) => httpVersion))).toEqual(
      new Set([allowH2 ? '2.0' : '1.1']),
    );
    await base.close();
  });

  describe('refuses a redirect from a pinned host to plain HTTP', () => {
    const redirect = interceptors.redirect({ maxRedirections: 5 });
    const retry = interceptors.retry({ maxRetries: 1, minTimeout: 1 });
    it.each(
      Object.entries({
        redirect: [redirect],
        'redirect, retry': [redirect, retry],
        'retry, redirect': [retry, redirect],
      }).flatMap(([name, list]) => [[name, true, list] as const, [name, false, list] as const]),
    )('composed before %s, allowH2: %s', async (_, allowH2, following) => {
      const heard: string[] = [];
      const plain = createServer((incoming, answer) => {
        heard.push(incoming.url!);
        answer.end();
      }).listen(0, '127.0.0.1');
      await once(plain, 'listening');
      await using credentials = await load();
      const base = new Agent();
      const dispatcher = base.compose(clientCertificates(credentials, { allowH2 }), ...following);
      const to = `http://127.0.0.1:${(plain.address() as AddressInfo).port}/statement`;
      const url = `${bank.url}/redirect?status=307&to=${encodeURIComponent(to)}`;
      const codes = await failure(request(url, { dispatcher, method: 'POST', body: 'IBAN' }));
      expect([codes, heard]).toEqual([['ERR_CLIENTCERT_DOWNGRADE'], []]);
      // A request of the caller's own is no redirect, whoever sends it.
      await (await request(to, { dispatcher })).body.dump();
      expect([subjects(bank), heard]).toEqual([['alice'], ['/statement']]);
      await base.close();
      plain.close();
    });
  });

  it('says that interceptors.dns takes the name away that a rule is about', async () => {
    await using credentials = await load();
    const base = new Agent();
    const dispatcher = base.compose(clientCertificates(credentials), interceptors.dns());
    await expect(request(bank.url, { dispatcher })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      message: expect.stringContaining('localhost'),
      hint: expect.stringContaining('lookup'),
    });
    // Hosts without a rule, and those that are named by their address, go where they always went.
    expect((await request(other.url, { dispatcher })).statusCode).toBe(200);
    expect([subjects(bank), subjects(other)]).toEqual([[], [null]]);
    await base.close();
  });

  it('looks names up as told by connect.lookup', async () => {
    await using credentials = await load();
    const asked: string[] = [];
    const lookup: LookupFunction = (host, _, done) => {
      asked.push(host);
      done(null, [{ address: '127.0.0.1', family: 4 }]);
    };
    const base = new Agent();
    const dispatcher = base.compose(clientCertificates(credentials, { connect: { lookup } }));
    await (await request(bank.url, { dispatcher })).body.dump();
    expect([asked, subjects(bank)]).toEqual([['localhost'], ['alice']]);
    await base.close();
  });

  it('needs credentials that are loaded', async () => {
    const promise = load();
    expect(() => clientCertificates(promise as unknown as Credentials)).toThrow(
      expect.objectContaining({
        code: 'ERR_CLIENTCERT_CONFIG_INVALID',
        hint: expect.stringContaining('await loadCredentials'),
      }),
    );
    await (await promise).close();
  });

  it('needs a dispatcher that says where a request goes', async () => {
    await using credentials = await load();
    const errors: unknown[] = [];
    const onResponseError = (_: unknown, error: Error) => errors.push(error);
    const dispatch = clientCertificates(credentials)(() => expect.unreachable());
    dispatch({ path: '/', method: 'GET' }, { onResponseError });
    expect(errors).toMatchObject([{ code: 'ERR_CLIENTCERT_ORIGIN_NEEDED' }]);
  });

  it('goes through the proxy that the config names', async () => {
    await using proxy = await startProxy();
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: { [`localhost:${bank.port}`]: 'alice' },
      proxy: proxy.url,
    });
    const base = new Agent();
    const dispatcher = base.compose(clientCertificates(credentials));
    await (await request(bank.url, { dispatcher })).body.dump();
    expect(subjects(bank)).toEqual(['alice']);
    expect(proxy.connects.map(({ port }) => port)).toEqual([bank.port]);
    await base.close();
  });

  it('says what it needs over a ProxyAgent or EnvHttpProxyAgent, and goes that way when told', async () => {
    await using proxy = await startProxy();
    await using credentials = await load();
    for (const base of [new ProxyAgent(proxy.url), new EnvHttpProxyAgent({ httpsProxy: proxy.url })]) {
      const silent = base.compose(clientCertificates(credentials, { dispatcher: base }));
      await expect(request(bank.url, { dispatcher: silent })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
      });
      const told = base.compose(clientCertificates(credentials, { dispatcher: base, proxy: proxy.url }));
      await (await request(bank.url, { dispatcher: told })).body.dump();
      await base.close();
    }
    expect(subjects(bank)).toEqual(['alice', 'alice']);
    expect(proxy.connects.map(({ port }) => port)).toEqual([bank.port, bank.port]);
  });

  it('has room on its one connection for the next request where undici refused one, as an Agent has', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials, { connections: 1 });
    const refused = request(bank.url, { dispatcher, headers: { 'no header': '' } });
    await expect(refused).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    await (await request(bank.url, { dispatcher })).body.dump();
    expect(subjects(bank)).toEqual(['alice']);
    await dispatcher.destroy();
  });

  it('goes on over its one connection when the server has the right name again, and can be closed', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials, { connections: 1 });
    const [server] = bank.servers as [https.Server];
    const change = async (host: string) => {
      const { cert, key } = await authority.issue({ name: 'bank', hosts: [host] });
      server.setSecureContext({ cert, key, ca: authority.certificate });
    };
    await change('other.example');
    const named = Array.from({ length: 3 }, () => request(bank.url, { dispatcher }));
    for (const each of await Promise.allSettled(named))
      expect(each).toMatchObject({ reason: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' } });
    await change('localhost');
    await (await request(bank.url, { dispatcher })).body.dump();
    expect(subjects(bank)).toEqual(['alice']);
    await dispatcher.close();
  });

  it('leaves every request to a MockAgent', async () => {
    await using credentials = await load();
    const mock = new MockAgent();
    mock.disableNetConnect();
    mock.get(bank.url).intercept({ path: '/accounts' }).reply(200, 'mocked');
    const dispatcher = mock.compose(clientCertificates(credentials, { dispatcher: mock }));
    const { body } = await request(`${bank.url}/accounts`, { dispatcher });
    expect(await body.text()).toBe('mocked');
    expect(bank.requests).toEqual([]);
    await mock.close();
  });

  it('refuses options that would take connections out of its hands', async () => {
    await using credentials = await load();
    for (const option of ['factory', 'socketPath', 'tls']) {
      expect(() => clientCertificates(credentials, { [option]: {} } as object)).toThrow(
        expect.objectContaining({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' }),
      );
    }
  });
});

describe.each([
  ['Node’s fetch', fetch],
  ['undici’s fetch', undiciFetch as unknown as typeof fetch],
] as const)('createFetch over %s', (_, own) => {
  it.each([301, 302, 303, 307, 308])('presents nothing after a %i to another host', async (status) => {
    await using credentials = await load();
    const call = createFetch(credentials, { fetch: own });
    const response = await call(away(status), { method: 'POST', body: '{}' });
    await response.text();
    expect([subjects(bank), subjects(other)]).toEqual([['alice'], [null]]);
  });

  it('fails each call with the error of a load that failed', async () => {
    const call = createFetch(loadCredentials({ certificates: { bank: { pfx: 'nowhere.pfx' } } }), {
      fetch: own,
    });
    for (const url of [bank.url, other.url]) {
      await expect(call(url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' });
    }
  });

  it('ends with its signal while the credentials are being loaded', async () => {
    const call = createFetch(new Promise<Credentials>(() => {}), { fetch: own });
    const reason = new Error('no longer wanted');
    const late = new AbortController();
    const calls = [
      call(bank.url, { signal: AbortSignal.abort(reason) }),
      call(bank.url, { signal: late.signal }),
      call(own === fetch ? new Request(bank.url, { signal: late.signal }) : bank.url, {
        signal: late.signal,
      }),
    ];
    const outcomes = Promise.allSettled(calls);
    late.abort(reason);
    expect(await outcomes).toEqual(calls.map(() => ({ status: 'rejected', reason })));
  });

  it('leaves the caller’s reason for an abort as it is', async () => {
    await using credentials = await load();
    const call = createFetch(credentials, { fetch: own });
    const reason = new Error('no longer wanted');
    const before = Reflect.ownKeys(reason);
    const wanted = new AbortController();
    const outcome = call(bank.url, { signal: wanted.signal }).catch((error: unknown) => error);
    wanted.abort(reason);
    expect(await outcome).toBe(reason);
    expect(Reflect.ownKeys(reason)).toEqual(before);
  });

  it('a failure that nobody handles is told to the process, as that of fetch is', async () => {
    await using credentials = await load();
    const call = createFetch(credentials, { fetch: own });
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    try {
      const told = once(process, 'unhandledRejection');
      void call('https://localhost:1/');
      expect((await told)[0]).toBeInstanceOf(TypeError);
    } finally {
      for (const listener of others) process.on('unhandledRejection', listener);
    }
  });

  it.each([
    ['a symbol', Symbol('url')],
    ['what has no text', Object.create(null)],
    ['null', null],
  ])('what is no address is an error of the call, and of nobody else: %s', async (_kind, input) => {
    await using credentials = await load();
    const call = createFetch(credentials, { fetch: own }) as (input: unknown) => Promise<unknown>;
    await expect(call(input)).rejects.toThrow(TypeError);
  });

  it('takes null for no options, as fetch does', async () => {
    await using credentials = await load();
    const call = createFetch(credentials, { fetch: own });
    await (await call(bank.url, null as unknown as undefined)).text();
    expect(subjects(bank)).toEqual(['alice']);
  });

  it('takes a dispatcher of the call’s own only where no rule decides', async () => {
    await using credentials = await load();
    const call = createFetch(credentials, { fetch: own });
    const dispatcher = new Agent();
    const sent = call(bank.url, { dispatcher } as object);
    await expect(sent).rejects.toMatchObject({ cause: { code: 'ERR_CLIENTCERT_AGENT_CONFLICT' } });
    await dispatcher.close();
  });

  it('asks a dispatcher that is a plain object as it is now', async () => {
    await using unknown = await startServer({ tls: false });
    await using credentials = await load();
    const agent = new Agent();
    const dispatcher = {
      token: 'first',
      dispatch(options: undici.Dispatcher.DispatchOptions, handler: undici.Dispatcher.DispatchHandler) {
        return agent.dispatch({ ...options, headers: { authorization: this.token } }, handler);
      },
    };
    const call = createFetch(credentials, { fetch: undiciFetch, dispatcher: dispatcher as never });
    dispatcher.token = 'second';
    await (await call(unknown.url)).text();
    expect(unknown.requests).toMatchObject([{ headers: { authorization: 'second' } }]);
    await agent.close();
  });

  it('leaves every call to a MockAgent', async () => {
    await using credentials = await load();
    const mock = new MockAgent();
    mock.disableNetConnect();
    mock.get(bank.url).intercept({ path: '/accounts', method: 'POST' }).reply(200, 'mocked');
    const call = createFetch(credentials, { fetch: own, dispatcher: mock });
    const response = await call(`${bank.url}/accounts`, { method: 'POST', body: '{}' });
    expect(await response.text()).toBe('mocked');
    expect(bank.requests).toEqual([]);
    await mock.close();
  });
});

describe('the dispatcher', () => {
  it('serves request, fetch of undici and of Node, and what is composed over it', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials, { allowH2: false });
    await (await request(bank.url, { dispatcher })).body.dump();
    await (await undiciFetch(bank.url, { dispatcher })).text();
    await (await fetch(bank.url, { dispatcher } as object)).text();
    const following = dispatcher.compose(interceptors.redirect({ maxRedirections: 5 }));
    await (await request(away(), { dispatcher: following })).body.dump();
    expect([subjects(bank), subjects(other)]).toEqual([['alice', 'alice', 'alice', 'alice'], [null]]);
    await dispatcher.close();
  });

  it('as the global one, serves undici’s functions and both fetches', async () => {
    await using credentials = await load();
    const restore = keepGlobalDispatcher();
    const dispatcher = createDispatcher(credentials);
    setGlobalDispatcher(dispatcher);
    try {
      await (await request(bank.url)).body.dump();
      await (await undiciFetch(away())).text();
      if (isHeard) await (await fetch(away())).text();
      else await expect(fetch(bank.url)).rejects.toThrow();
      await (await createFetch(credentials)(away())).text();
    } finally {
      restore();
    }
    const times = isHeard ? 4 : 3;
    expect(subjects(bank)).toEqual(Array(times).fill('alice'));
    expect(subjects(other)).toEqual(Array(times - 1).fill(null));
    await dispatcher.close();
  });

  it('serves WebSocket, upgrade and connect', async () => {
    await using credentials = await load();
    const seen: unknown[] = [];
    bank.servers[0]!.on('upgrade', ({ headers }: IncomingMessage, socket: TLSSocket) => {
      seen.push(socket.getPeerCertificate().subject.CN);
      const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      const lines = ['connection: upgrade', 'upgrade: websocket', `sec-websocket-accept: ${accept}`];
      socket.on('error', () => {});
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
    });
    bank.servers[0]!.on('connect', (_: IncomingMessage, socket: TLSSocket) => {
      seen.push(socket.getPeerCertificate().subject.CN);
      socket.end('HTTP/1.1 200 OK\r\n\r\n');
    });
    const dispatcher = createDispatcher(credentials, { allowH2: false });
    const websocket = new undici.WebSocket(bank.url.replace('https:', 'wss:'), { dispatcher });
    await new Promise((resolve, reject) => {
      websocket.onopen = resolve;
      websocket.onerror = reject;
    });
    const { socket } = await undici.upgrade(bank.url, { dispatcher, protocol: 'websocket' });
    const tunnel = await undici.connect(bank.url, { dispatcher });
    expect(seen).toEqual(['alice', 'alice', 'alice']);
    for (const each of [socket, tunnel.socket]) each.on('error', () => {}).destroy();
    await dispatcher.destroy();
  });

  it.each(['close', 'destroy'] as const)(
    '%s() ends its connections, and says so to the next',
    async (end) => {
      await using credentials = await load();
      const dispatcher = createDispatcher(credentials, { allowH2: false });
      await (await request(bank.url, { dispatcher })).body.dump();
      const [server] = bank.servers;
      const open = () => promisify(server!.getConnections.bind(server))();
      expect(await open()).toBe(1);
      await dispatcher[end]();
      await expect.poll(open).toBe(0);
      await expect(request(bank.url, { dispatcher })).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' });
      // The credentials are not its own.
      expect((await request(bank.url, { dispatcher: createDispatcher(credentials) })).statusCode).toBe(200);
      expect(subjects(bank)).toEqual(['alice', 'alice']);
    },
  );

  it.each(['close', 'destroy'] as const)('%s() through what is composed over it', async (end) => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials);
    const composed = dispatcher.compose(interceptors.retry()).compose(interceptors.dump());
    await (await request(bank.url, { dispatcher: composed })).body.dump();
    await composed[end]();
    await expect(request(bank.url, { dispatcher })).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' });
  });

  it('close() and destroy() take callbacks; a request under way ends first, or with the error', async () => {
    await using credentials = await load();
    const closing = createDispatcher(credentials);
    const pending = request(`${bank.url}/delay?ms=300`, { dispatcher: closing });
    await expect.poll(() => bank.requests.length).toBe(1);
    await new Promise<void>((resolve) => {
      closing.close(resolve);
      pending.then(({ body }) => body.dump());
    });
    expect((await pending).statusCode).toBe(200);

    const destroying = createDispatcher(credentials);
    const ended = request(`${bank.url}/delay?ms=30000`, { dispatcher: destroying });
    const outcome = expect(ended).rejects.toThrow('maintenance');
    await expect.poll(() => bank.requests.length).toBe(2);
    await new Promise<void>((resolve) => destroying.destroy(new Error('maintenance'), resolve));
    await outcome;
    await new Promise<void>((resolve) => createDispatcher(credentials).destroy(resolve));
  });

  it.each(['close', 'renewal'] as const)('destroy() ends what a %s has left to finish', async (before) => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials);
    const pending = request(`${bank.url}/delay?ms=30000`, { dispatcher });
    const outcome = expect(pending).rejects.toThrow('maintenance');
    await expect.poll(() => bank.requests.length).toBe(1);
    const closing = before === 'close' ? dispatcher.close() : undefined;
    if (before === 'renewal') {
      await credentials.reload({ certificates: {}, hosts: { [`localhost:${bank.port}`]: false } });
    }
    await dispatcher.destroy(new Error('maintenance'));
    await Promise.all([outcome, closing]);
    const [server] = bank.servers;
    await expect.poll(() => promisify(server!.getConnections.bind(server))()).toBe(0);
  });

  it('close() waits for what a renewal has left to finish', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials);
    const pending = request(`${bank.url}/delay?ms=200`, { dispatcher }).then(({ body }) => body.dump());
    let ended = false;
    pending.then(() => {
      ended = true;
    });
    await expect.poll(() => bank.requests.length).toBe(1);
    await credentials.reload({ certificates: {}, hosts: { [`localhost:${bank.port}`]: false } });
    await dispatcher.close();
    expect(ended).toBe(true);
  });

  it('a renewal while requests wait for several connections ends no process', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials, { connections: 2, pipelining: 3, allowH2: false });
    const send = async (_: unknown, at: number) =>
      (await request(`${bank.url}/delay?ms=${(at % 5) * 9}`, { dispatcher })).body.dump();
    const sent = Promise.allSettled(Array.from({ length: 24 }, send));
    await expect.poll(() => bank.requests.length).toBeGreaterThan(1);
    await credentials.reload({ certificates: {}, hosts: { [`localhost:${bank.port}`]: false } });
    for (const { status } of await sent) expect(status).toBe('fulfilled');
    // Those that waited are answered as they were begun.
    expect(subjects(bank)).toEqual(Array(24).fill('alice'));
    await dispatcher.close();
  });

  it('says when there is room again, as an Agent does', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials, { connections: 1, pipelining: 1, allowH2: false });
    const room: unknown[] = [];
    const events: string[] = [];
    dispatcher.on('drain', (origin) => room.push(new URL(String(origin)).origin));
    dispatcher.on('connect', (_, targets) => events.push(`connect ${targets[0] === dispatcher}`));
    dispatcher.on('disconnect', (_, targets) => events.push(`disconnect ${targets[0] === dispatcher}`));
    for (const url of [bank.url, other.url]) {
      const options = { origin: url, path: '/', method: 'GET' } as const;
      const handler = {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData() {},
        onResponseEnd() {},
        onResponseError() {},
      };
      const drained = once(dispatcher, 'drain');
      expect(dispatcher.dispatch(options, handler)).toBe(false);
      await drained;
    }
    await dispatcher.destroy();
    expect(room).toEqual([bank.url, other.url]);
    expect(events).toEqual(['connect true', 'connect true', 'disconnect true', 'disconnect true']);
  });

  it('says so to an Agent that makes its connections with it, too', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials, { connections: 1, pipelining: 1, allowH2: false });
    const agent = new Agent({ factory: () => dispatcher });
    const drained = once(agent, 'drain');
    const send = async () => (await request(bank.url, { dispatcher: agent })).body.dump();
    await Promise.all([send(), send(), send()]);
    const [, targets] = await drained;
    expect([targets[0] === agent, targets[1] === dispatcher]).toEqual([true, true]);
    await agent.destroy();
    expect(subjects(bank)).toEqual(['alice', 'alice', 'alice']);
  });

  it('has room for the next request of a Pool over it where one was refused', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials);
    const pool = new undici.Pool(bank.url, { factory: () => dispatcher, connections: 1 });
    const refused = request(bank.url, { dispatcher: pool, clientCertificate: 'Unknown' } as object);
    await expect(refused).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN' });
    await (await request(bank.url, { dispatcher: pool })).body.dump();
    expect(subjects(bank)).toEqual(['alice']);
    await pool.destroy();
  });

  it('leaves every request to a MockAgent', async () => {
    await using credentials = await load();
    const mock = new MockAgent();
    mock.disableNetConnect();
    mock.get(bank.url).intercept({ path: '/accounts' }).reply(200, 'mocked');
    mock.get(bank.url).intercept({ path: '/accounts', method: 'POST', body: 'x' }).reply(200, 'mocked');
    const dispatcher = createDispatcher(credentials, { dispatcher: mock });
    expect(await (await request(`${bank.url}/accounts`, { dispatcher })).body.text()).toBe('mocked');
    const post = { dispatcher, method: 'POST', body: 'x' };
    expect(await (await undiciFetch(`${bank.url}/accounts`, post)).text()).toBe('mocked');
    expect(subjects(bank)).toEqual([]);
    await dispatcher.destroy();
  });

  it('over a ProxyAgent, needs to be told which proxy that is', async () => {
    await using proxy = await startProxy();
    await using credentials = await load();
    const through = (options: object) =>
      createDispatcher(credentials, { dispatcher: new ProxyAgent(proxy.url), ...options });
    await expect(request(bank.url, { dispatcher: through({}) })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    });
    const dispatcher = through({ proxy: proxy.url });
    await (await request(bank.url, { dispatcher })).body.dump();
    expect([subjects(bank), proxy.connects.length]).toEqual([['alice'], 1]);
    await dispatcher.destroy();
  });

  it.runIf(Socks5ProxyAgent)('goes past no SOCKS proxy either', async () => {
    await using credentials = await load();
    const base = new Socks5ProxyAgent!('socks5://127.0.0.1:9');
    const dispatcher = createDispatcher(credentials, { dispatcher: base });
    await expect(request(bank.url, { dispatcher })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    });
    expect(bank.requests).toEqual([]);
    await dispatcher.close();
  });

  it('makes every request as the service it was made for', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials, { service: 'Archive', origin: bank.url });
    await (await request(bank.url, { dispatcher })).body.dump();
    await (await request(bank.url, { dispatcher, clientCertificate: undefined })).body.dump();
    expect(subjects(bank)).toEqual(['bob', 'bob']);
    await dispatcher.close();
  });

  it('says what is wrong with a service or an origin that is none', async () => {
    await using credentials = await load();
    const dispatcher = createDispatcher(credentials);
    const call = createFetch(credentials);
    for (const clientCertificate of [true, null, 5, ''] as unknown as false[]) {
      const unknown = { code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN' };
      await expect(request(bank.url, { dispatcher, clientCertificate })).rejects.toMatchObject(unknown);
      await expect(call(bank.url, { clientCertificate })).rejects.toMatchObject({ cause: unknown });
    }
    for (const origin of [undefined, 'localhost', 'localhost:8443'] as string[]) {
      const needed = { code: 'ERR_CLIENTCERT_ORIGIN_NEEDED', hint: expect.stringContaining('origin') };
      const clientCertificate = { service: 'Archive', origin };
      await expect(request(bank.url, { dispatcher, clientCertificate })).rejects.toMatchObject(needed);
    }
    expect(() => createDispatcher(credentials, { service: 'Archive', origin: 'localhost' })).toThrow(
      expect.objectContaining({ code: 'ERR_CLIENTCERT_ORIGIN_NEEDED' }),
    );
    expect(bank.requests).toEqual([]);
    await dispatcher.close();
  });

  it('refuses a promise, and options that would take connections out of its hands', async () => {
    expect(() => createDispatcher(load() as unknown as Credentials)).toThrow(/was given a promise/);
    await using credentials = await load();
    const factory = { factory: () => new Agent() } as object;
    expect(() => createDispatcher(credentials, factory)).toThrow(/"factory"/);
  });
});

describe('what a server says over TLS 1.3 when it wants a certificate and gets none', () => {
  type Send = (credentials: Credentials, url: string) => Promise<unknown>;
  const none = { clientCertificate: false } as const;
  const senders = (allowH2: boolean): Readonly<Record<string, Send>> => ({
    request: (credentials, url) =>
      request(url, {
        dispatcher: new Agent().compose(clientCertificates(credentials, { allowH2 })),
        ...none,
      }),
    fetch: (credentials, url) => createFetch(credentials, { allowH2 })(url, none),
    'fetch of undici': (credentials, url) =>
      createFetch(credentials, { allowH2, fetch: undiciFetch as unknown as typeof fetch })(url, none),
  });

  it.each(Object.keys(senders(true)).flatMap((name) => [[name, true] as const, [name, false] as const]))(
    '%s, allowH2: %s: is found among the causes of the error',
    async (name, allowH2) => {
      await using credentials = await load();
      expect(await failure(senders(allowH2)[name]!(credentials, bank.url))).toContainEqual(refused);
    },
  );

  it('is what each of many calls hears over HTTP/2, and the next certificate gets through', async () => {
    await using credentials = await load();
    const fetch = createFetch(credentials, { allowH2: true });
    const dispatcher = new Agent().compose(clientCertificates(credentials, { allowH2: true }));
    for (let call = 0; call < 4; call++) {
      const body = 'x'.repeat(200_000);
      expect(await failure(request(bank.url, { dispatcher, ...none }))).toContainEqual(refused);
      expect(await failure(fetch(bank.url, { method: 'POST', body, ...none }))).toContainEqual(refused);
      expect((await fetch(bank.url)).status).toBe(200);
    }
    expect(subjects(bank)).toEqual(['alice', 'alice', 'alice', 'alice']);
  });
});

const refused: unknown = expect.stringMatching(/CERTIFICATE_REQUIRED$/);

/** The codes of what a call failed with, and of everything that caused it. */
async function failure(call: Promise<unknown>): Promise<unknown[]> {
  const codes: unknown[] = [];
  let error = await call.then(
    () => undefined,
    (reason: NodeJS.ErrnoException) => reason,
  );
  while (error) {
    codes.push(error.code);
    error = error.cause as NodeJS.ErrnoException | undefined;
  }
  return codes;
}

it('one identity’s connection never serves another on the same host', async () => {
  await using credentials = await load();
  const base = new Agent({ allowH2: true });
  const dispatcher = base.compose(clientCertificates(credentials, { allowH2: true }));
  const archive = { service: 'Archive', origin: bank.url };
  const identities = [undefined, archive, undefined, archive, undefined, archive] as const;
  for (const clientCertificate of identities) {
    await (await request(bank.url, { dispatcher, clientCertificate })).body.dump();
  }
  expect(subjects(bank)).toEqual(['alice', 'bob', 'alice', 'bob', 'alice', 'bob']);
  expect(new Set(bank.requests.map(({ connection }) => connection)).size).toBe(2);
  await base.close();
});

it('a connection that was closed for being idle, or after its answer, leaves its session to the next', async () => {
  await using credentials = await load();
  const base = new Agent();
  const dispatcher = base.compose(clientCertificates(credentials, { allowH2: false }));
  for (let call = 0; call < 3; call++) {
    await (await request(bank.url, { dispatcher, reset: true })).body.dump();
  }
  expect(bank.requests.map(({ resumed }) => resumed)).toEqual([false, true, true]);
  expect(subjects(bank)).toEqual(['alice', 'alice', 'alice']);
  await base.close();
});
