import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, startProxy, startServer, type TestServer } from '@clientcert/testing';
import {
  Agent,
  BalancedPool,
  buildConnector,
  Client,
  interceptors,
  Pool,
  ProxyAgent,
  RetryAgent,
  request,
  Request as UndiciRequest,
  fetch as undiciFetch,
} from 'undici';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Credentials,
  clientCertificates,
  createDispatcher,
  createFetch,
  loadCredentials,
  type PoolOptions,
} from '../src/index.ts';
import { codesOf, createPeople, load, misnamedOf, type People, startBank, subjects } from './ground.ts';

type Send = (url: string) => Promise<unknown>;
type Make = (credentials: Credentials, options: PoolOptions) => Send;

/** Each makes a connection of its own for every request. */
const kinds: Readonly<Record<string, Make>> = {
  'the dispatcher': (credentials, options) => {
    const dispatcher = createDispatcher(credentials, options);
    return async (url) => (await request(url, { dispatcher, reset: true })).body.dump();
  },
  'the interceptor': (credentials, options) => {
    const dispatcher = new Agent().compose(clientCertificates(credentials, options));
    return async (url) => (await request(url, { dispatcher, reset: true })).body.dump();
  },
  createFetch: (credentials, options) => {
    const fetch = createFetch(credentials, options);
    return async (url) => (await fetch(url, { headers: { connection: 'close' } })).text();
  },
};

let people: People;
let bank: TestServer;

beforeAll(async () => {
  people = await createPeople();
});
beforeEach(async () => {
  bank = await startBank(people);
});
afterEach(() => bank.close());

describe('attack: identities that mix', () => {
  it('a service whose hosts a new config takes away is presented on no connection that is kept, either', async () => {
    const { fullChain: cert, key } = people.bob;
    const configOf = (hosts: string[] | undefined) => ({
      certificates: { bob: { cert, key } },
      hosts: { [`localhost:${bank.port}`]: { ca: people.authority.certificate } },
      services: { Archive: { certificate: 'bob' as const, hosts } },
    });
    await using credentials = await loadCredentials(configOf([`localhost:${bank.port}`]));
    const dispatcher = createDispatcher(credentials, { service: 'Archive' });
    const send = () => request(bank.url, { dispatcher }).then(({ body }) => body.dump());
    await send();
    await credentials.reload(configOf(undefined));
    await expect(send()).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_ORIGIN_NEEDED' });
    expect(subjects(bank)).toEqual(['bob']);
    await dispatcher.close();
  });

  it.each(
    Object.entries(kinds).flatMap(([name, make]) =>
      (['TLSv1.2', 'TLSv1.3'] as const).map((tls) => [name, tls, make] as const),
    ),
  )('%s over %s: one Credentials and certificates of several callers', async (_, tls, make) => {
    await using server = await startBank(people, { tls });
    await using credentials = await load(people, server, { ca: people.authority.certificate });
    const own = ({ fullChain: cert, key }: { fullChain: string; key: string }) => ({ cert, key });
    const callers = [own(people.bob), own(people.carol), {}].map((connect) =>
      make(credentials, { connect, allowH2: false }),
    );
    for (const send of [...callers, ...callers.toReversed(), ...callers]) await send(server.url);
    const seen = ['bob', 'carol', null];
    expect(subjects(server)).toEqual([...seen, ...seen.toReversed(), ...seen]);
  });

  it('an init object that is frozen, or used again at once as another service, or by another caller', async () => {
    await using credentials = await load(people, bank);
    const call = createFetch(Promise.resolve(credentials));
    const frozen = Object.freeze({ clientCertificate: 'Archive' });
    await (await call(bank.url, frozen)).text();
    // Read when the call is made, as fetch does, and not when the credentials are loaded.
    const late = createFetch(new Promise<Credentials>((resolve) => setTimeout(resolve, 20, credentials)));
    const headers: Record<string, string> = { 'x-caller': 'first' };
    const init: Record<string, unknown> = { clientCertificate: 'Archive', headers };
    const url = new URL('/first', bank.url);
    const first = late(url, init);
    init.clientCertificate = false;
    headers['x-caller'] = 'second';
    url.pathname = '/second';
    const second = late(url, init);
    delete init.clientCertificate;
    init.method = 'PUT';
    const third = late(url, init);
    for (const answer of await Promise.all([first, second, third])) await answer.text();
    const seen = bank.requests.map(({ path, method, headers, clientCertificate }) =>
      [method, path, headers['x-caller'], clientCertificate?.commonName].join(' '),
    );
    expect(seen.sort()).toEqual(
      ['GET /  bob', 'GET /first first bob', 'GET /second second ', 'PUT /second second alice'].sort(),
    );
    expect(Object.keys(init)).toEqual(['headers', 'method']);
  });

  it('an init that is a function, which fetch takes for an object, loses neither the certificate nor the service', async () => {
    await using credentials = await load(people, bank);
    for (const given of [credentials, Promise.resolve(credentials)]) {
      const call = createFetch(given);
      const archive = Object.assign(() => {}, { clientCertificate: 'Archive' });
      for (const init of [() => {}, archive]) await (await call(bank.url, init as RequestInit)).text();
    }
    expect(subjects(bank)).toEqual(['alice', 'bob', 'alice', 'bob']);
  });

  it('an origin that every object inherits is none that a service applies at', async () => {
    const { bob, authority } = people;
    const ca = authority.certificate;
    await using credentials = await loadCredentials({
      certificates: { bob: { cert: bob.fullChain, key: bob.key, ca } },
      hosts: { [`localhost:${bank.port}`]: { ca } },
      services: { Archive: 'bob' },
    });
    const sends: ((as: object) => Promise<unknown>)[] = [
      (as) => request(bank.url, { dispatcher: createDispatcher(credentials), ...as }),
      (as) => request(bank.url, { dispatcher: new Agent().compose(clientCertificates(credentials)), ...as }),
      () => request(bank.url, { dispatcher: createDispatcher(credentials, { service: 'Archive' }) }),
    ];
    const prototype = Object.prototype as { origin?: string };
    const codes: unknown[][] = [];
    Object.defineProperty(prototype, 'origin', { value: bank.url, configurable: true, writable: true });
    try {
      for (const send of sends)
        for (const as of ['Archive', { service: 'Archive' }])
          codes.push(await codesOf(send({ clientCertificate: as })));
    } finally {
      delete prototype.origin;
    }
    expect(subjects(bank)).toEqual([]);
    expect(codes).toEqual(Array(6).fill(['ERR_CLIENTCERT_ORIGIN_NEEDED']));
  });

  it('the options of a dispatcher, changed after it was made', async () => {
    await using credentials = await load(people, bank, { ca: people.authority.certificate });
    const { bob, carol } = people;
    const connect: { cert: string[]; key: string[] } = { cert: [bob.fullChain], key: [bob.key] };
    const sends = Object.values(kinds).map((make) => make(credentials, { connect, allowH2: false }));
    connect.cert[0] = carol.fullChain;
    connect.key[0] = carol.key;
    for (const send of sends) await send(bank.url);
    expect(subjects(bank)).toEqual(['bob', 'bob', 'bob']);
  });

  it('the proxy of a dispatcher, changed after it was made', async () => {
    await using credentials = await load(people, bank);
    await using first = await startProxy();
    await using second = await startProxy();
    const written = { url: first.url };
    const url = new URL(first.url);
    const sends = Object.values(kinds).flatMap((make) =>
      [written, url, { url }].map((proxy) => make(credentials, { proxy, allowH2: false })),
    );
    written.url = second.url;
    url.port = new URL(second.url).port;
    for (const send of sends) await send(bank.url);
    expect(first.connects).toHaveLength(9);
    expect(second.connects).toHaveLength(0);
  });

  it('options of a dispatch that are frozen, or used by several dispatchers', async () => {
    await using credentials = await load(people, bank);
    const options = Object.freeze({
      headers: Object.freeze({ 'x-a': 'b' }),
      path: '/',
      method: 'GET' as const,
    });
    const archive = createDispatcher(credentials, { service: 'Archive' });
    const nobody = createDispatcher(credentials, { service: false });
    for (const dispatcher of [archive, nobody, createDispatcher(credentials), archive]) {
      const { body } = await dispatcher.request({ origin: bank.url, ...options });
      await body.dump();
    }
    expect(subjects(bank)).toEqual(['bob', null, 'alice', 'bob']);
  });

  describe('a Unix socket gets no host’s certificate', () => {
    const path = join(tmpdir(), `clientcert-undici-${process.pid}.sock`);
    let heard: number;
    let listening: Server;
    beforeEach(async () => {
      heard = 0;
      listening = createServer((socket) => {
        heard++;
        socket.destroy();
      });
      await new Promise<void>((resolve) => listening.listen(path, resolve));
    });
    afterEach(() => new Promise((resolve) => listening.close(resolve)));

    it.each(Object.entries(kinds))('%s', async (_, make) => {
      await using credentials = await load(people, bank);
      for (const connect of [{ path }, { socketPath: path }, { socket: {} }, { session: Buffer.alloc(8) }]) {
        expect(() => make(credentials, { connect } as object)).toThrow(
          expect.objectContaining({
            code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
            message: expect.stringContaining(`"connect.${Object.keys(connect)[0]}"`),
          }),
        );
      }
      expect([heard, bank.connections]).toEqual([0, 0]);
    });
  });

  it.each([1, null])(
    'a service that is removed while requests wait ends every one of them, connections: %s',
    async (connections) => {
      await using credentials = await load(people, bank);
      const dispatcher = createDispatcher(credentials, { service: 'Archive', connections, allowH2: false });
      const busy = request(`${bank.url}/delay?ms=800`, { dispatcher, reset: true });
      await expect.poll(() => bank.requests.length).toBe(1);
      const waiting = ['/a', '/b', '/c'].map((path) =>
        request(bank.url + path, { dispatcher, reset: true }).then(({ body }) => body.text()),
      );
      const outcomes = Promise.allSettled(waiting);
      await credentials.reload({
        certificates: { alice: { cert: people.alice.fullChain, key: people.alice.key } },
        hosts: { [`localhost:${bank.port}`]: { certificate: 'alice', ca: people.authority.certificate } },
      });
      await (await busy).body.dump();
      const codes = (await outcomes).map((each) =>
        each.status === 'rejected' ? each.reason.code : 'answered',
      );
      if (connections) expect(codes).toEqual(Array(3).fill('ERR_CLIENTCERT_SERVICE_UNKNOWN'));
      const late = request(bank.url, { dispatcher });
      await expect(late).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN' });
      await dispatcher.close();
    },
  );

  it('a dispatcher of a Request takes no call out of the hands of the rules: refused where it shows, else unused', async () => {
    await using credentials = await load(people, bank);
    const { fullChain: cert, key } = people.bob;
    await using dispatcher = closing(new Agent({ connect: { cert, key, ca: people.authority.certificate } }));
    const own = () => new Request(bank.url, { dispatcher: dispatcher.agent } as object);
    const shows = Object.getOwnPropertySymbols(own()).some((name) => name.description === 'dispatcher');
    for (const given of [credentials, Promise.resolve(credentials)]) {
      const codes = await codesOf(createFetch(given)(own()).then((answer) => answer.text()));
      expect(codes.includes('ERR_CLIENTCERT_AGENT_CONFLICT')).toBe(shows);
    }
    expect(subjects(bank)).toEqual(shows ? [] : ['alice', 'alice']);
    const another = new UndiciRequest(bank.url, { dispatcher: dispatcher.agent });
    await (await createFetch(credentials, { fetch: undiciFetch })(another)).text();
    expect(subjects(bank).at(-1)).toBe('alice');
  });

  it('a ProxyAgent of another copy of undici is not dialled past, nor what does not show what it is', async () => {
    await using proxy = await startProxy();
    await using credentials = await load(people, bank);
    const other = anotherUndici();
    expect(other.Agent).not.toBe(Agent);
    class CompanyProxy extends other.ProxyAgent {}
    const through = [
      new other.ProxyAgent(proxy.url),
      new other.EnvHttpProxyAgent({ httpsProxy: proxy.url }),
      new other.ProxyAgent(proxy.url).compose(other.interceptors.retry()),
      new CompanyProxy(proxy.url),
      new RetryAgent(new Agent()),
      new other.RetryAgent(new other.ProxyAgent(proxy.url)),
    ] as Agent[];
    for (const dispatcher of through) {
      const over = createDispatcher(credentials, { dispatcher });
      const fetch = createFetch(credentials, { dispatcher });
      const fetched = createFetch(credentials, { dispatcher, fetch: undiciFetch as unknown as typeof fetch });
      for (const sent of [request(bank.url, { dispatcher: over }), fetch(bank.url), fetched(bank.url)]) {
        expect(await codesOf(sent)).toContain('ERR_CLIENTCERT_PROXY_UNSUPPORTED');
      }
      const told = createDispatcher(credentials, { dispatcher, proxy: proxy.url });
      await (await request(bank.url, { dispatcher: told })).body.dump();
    }
    expect([subjects(bank), proxy.connects.length]).toEqual([through.map(() => 'alice'), through.length]);
    const direct = [
      new other.Agent(),
      new Agent().compose(interceptors.retry()),
      new other.Agent(),
    ] as Agent[];
    for (const dispatcher of direct) {
      const over = createDispatcher(credentials, { dispatcher });
      await (await request(bank.url, { dispatcher: over })).body.dump();
    }
    expect(proxy.connects.length).toBe(through.length);
  });

  it('a proxy is not dialled past where it is beneath other credentials’ dispatcher, or in an Agent’s own connect', async () => {
    await using proxy = await startProxy();
    await using credentials = await load(people, bank);
    await using elsewhere = await startBank(people);
    await using others = await load(people, elsewhere);
    const beneath = createDispatcher(others, { dispatcher: new ProxyAgent(proxy.url), proxy: proxy.url });
    const connect = buildConnector({});
    const hidden = [
      beneath,
      beneath.compose(interceptors.retry()),
      createDispatcher(others, { dispatcher: beneath }),
      new Agent({ connect: (options, callback) => connect(options, callback) }), // as fetch-socks does
      new Agent({ factory: (origin, options) => new Pool(origin, options) }),
      new Agent({
        factory: function defaultFactory(origin, options) {
          return new Pool(origin, options);
        },
      }),
      new Agent({ connect: { socketPath: '/run/proxy.sock' } }),
      new Agent({ socketPath: '/run/proxy.sock' } as Agent.Options),
      new Agent({ tls: { path: '/run/proxy.sock' } } as object),
      new Pool(bank.url, { connect: (options, callback) => connect(options, callback) }),
      new Client(bank.url, { connect: (options, callback) => connect(options, callback) }),
      new BalancedPool(bank.url, { connect: (options, callback) => connect(options, callback) }),
      new (class extends Agent {
        override dispatch(...call: Parameters<Agent['dispatch']>): boolean {
          return beneath.dispatch(...call);
        }
      })(),
      new (anotherUndici().Agent)({ socketPath: '/run/proxy.sock' } as Agent.Options),
      new (anotherUndici().Agent)({ connect: (options, callback) => connect(options, callback) }),
    ] as Agent[];
    for (const dispatcher of hidden) {
      const over = createDispatcher(credentials, { dispatcher });
      const fetch = createFetch(credentials, { dispatcher });
      for (const sent of [request(bank.url, { dispatcher: over }), fetch(bank.url)]) {
        expect(await codesOf(sent)).toContain('ERR_CLIENTCERT_PROXY_UNSUPPORTED');
      }
      await (await createFetch(credentials, { dispatcher, proxy: false })(bank.url)).text();
    }
    const seen = hidden.map(() => 'alice');
    expect([subjects(bank), proxy.connects.length]).toEqual([seen, 0]);
    const plain = createDispatcher(others, { connect: { timeout: 5_000 } });
    await (await createFetch(credentials, { dispatcher: plain })(bank.url)).text();
    expect(subjects(bank)).toEqual([...seen, 'alice']);
  });

  it('what a bundler shortens decides nothing: a plain Agent is one, another class or factory is not', async () => {
    await using credentials = await load(people, bank);
    const factory = (origin: string | URL, options: object) => new Pool(origin, options);
    const [plain, ...others] = [
      new Agent(),
      new Agent({ factory }),
      new (class extends Agent {
        override dispatch(...call: Parameters<Agent['dispatch']>): boolean {
          return super.dispatch(...call);
        }
      })(),
      new Pool(bank.url),
    ] as unknown as [Agent, ...Agent[]];
    const shortened = [Agent, Pool, Client, factoryOf(plain), ...others.map((each) => each.constructor)];
    const names = shortened.map(({ name }) => name);
    try {
      for (const each of shortened) Object.defineProperty(each, 'name', { value: 't', configurable: true });
      Object.defineProperty(factory, 'name', { value: 'defaultFactory' });
      await (await createFetch(credentials, { dispatcher: plain })(bank.url)).text();
      for (const dispatcher of others) {
        const over = createDispatcher(credentials, { dispatcher });
        expect(await codesOf(request(bank.url, { dispatcher: over }))).toContain(
          'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
        );
      }
    } finally {
      shortened.forEach((each, at) => {
        Object.defineProperty(each, 'name', { value: names[at] as string, configurable: true });
      });
    }
    expect(subjects(bank)).toEqual(['alice']);
  });
});

describe('attack: rules that are weakened', () => {
  it.each(
    Object.entries(kinds).flatMap(([name, make]) =>
      (['TLSv1.2', 'TLSv1.3'] as const).map((tls) => [name, tls, make] as const),
    ),
  )('%s over %s: a lax caller opens no way for a strict one', async (_, tls, make) => {
    const stranger = await createAuthority();
    await using untrusted = await startServer({
      authority: stranger,
      host: 'localhost',
      clientCertificate: 'optional',
      tls,
    });
    await using misnamed = await startBank(people, { tls, certificate: await misnamedOf(people) });
    await using credentials = await load(people, untrusted, { ca: people.authority.certificate });
    const cases = [
      [untrusted, { ca: stranger.certificate }],
      [misnamed, { ca: people.authority.certificate, checkServerIdentity: () => undefined }],
    ] as const;
    for (const [server, lax] of cases) {
      const rules = {
        hosts: { [`localhost:${server.port}`]: { ca: people.authority.certificate } },
        certificates: {},
      };
      await credentials.reload(rules);
      const strict = make(credentials, { allowH2: false });
      const loose = make(credentials, { allowH2: false, connect: lax });
      expect(await codesOf(strict(server.url))).not.toEqual([]);
      await loose(server.url).catch(() => {}); // whether it may is the rule's business
      expect(await codesOf(strict(server.url))).not.toEqual([]);
    }
  });

  const addresses: [string, (plain: URL) => string[]][] = [
    ['split in two at the user', ({ host }) => ['http://user', `@${host}/`]],
    ['two of them', ({ href }) => [href, 'elsewhere']],
    ['in capitals', ({ href }) => [href.replace('http', 'HTTP')]],
    ['with backslashes', ({ host }) => [`http:\\\\${host}\\`]],
    ['without slashes', ({ host }) => [`http:${host}`]],
    ['with a port that begins with zeros', ({ hostname, port }) => [`http://${hostname}:0${port}/`]],
    ['in hexadecimal', ({ port }) => [`http://0x7f.1:${port}/`]],
    ['with tabs in it', ({ host }) => [`ht\ttp:/\t/${host}/`]],
  ];
  it.each(addresses)('no redirect to plain HTTP is followed after a certificate: %s', async (_, written) => {
    const heard: string[] = [];
    const plain = createHttpServer((incoming, answer) => {
      heard.push(incoming.url!);
      answer.setHeader('connection', 'close').end();
    });
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const { port } = plain.address() as { port: number };
    await using server = await startBank(people, {
      handler: (_: unknown, answer: ServerResponse) => {
        const fields = written(new URL(`http://127.0.0.1:${port}/`)).map((each) => `location: ${each}\r\n`);
        answer.socket!.end(`HTTP/1.1 302 Found\r\n${fields.join('')}content-length: 0\r\n\r\n`);
      },
    });
    await using credentials = await load(people, server);
    const redirect = interceptors.redirect({ maxRedirections: 3 });
    for (const over of [
      new Agent().compose(clientCertificates(credentials), redirect),
      createDispatcher(credentials).compose(redirect),
    ]) {
      await request(server.url, { dispatcher: over }).catch(() => {});
    }
    const fetch = createFetch(credentials);
    await fetch(server.url).catch(() => {});
    plain.close();
    expect(heard).toEqual([]);
    expect(subjects(server)).toEqual(['alice', 'alice', 'alice']);
  });

  const lax = { rejectUnauthorized: false };
  const names = [
    ['service', 'Archive'],
    ['service', false],
    ['clientCertificate', 'Archive'],
    ['clientCertificate', false],
    ['proxy', 'http://127.0.0.1:9'],
    ['defaultProxy', 'env'],
    ['origin', 'https://elsewhere.example'],
    ['dispatcher', { isMockActive: true, dispatch: () => expect.unreachable() }],
    ['isMockActive', true],
    ['allowH2', true],
    ['servername', 'elsewhere.example'],
    ['secureContext', {}],
    ['checkServerIdentity', () => undefined],
    // A function, which Node's own servers bear with: they look for listeners of this name.
    [
      'connect',
      (to?: unknown, done?: unknown) => to && done && buildConnector(lax)(to as never, done as never),
    ],
    ['connectTimeout', 1],
    ['path', '/nonexistent/clientcert.sock'],
    ['socketPath', '/nonexistent/clientcert.sock'],
    ['lookup', () => expect.unreachable()],
  ] as const;
  it.each(Object.entries(kinds))('%s goes through no proxy that every object inherits', async (_, make) => {
    await using proxy = await startProxy({});
    await using credentials = await load(people, bank);
    const prototype = Object.prototype as { proxy?: string };
    Object.defineProperty(prototype, 'proxy', { value: proxy.url, configurable: true, writable: true });
    try {
      await make(credentials, { allowH2: false })(bank.url);
    } finally {
      delete prototype.proxy;
    }
    expect(subjects(bank)).toEqual(['alice']);
    expect(proxy.connects).toEqual([]);
  });

  it('Object.prototype.connect = { ca } while a way is made opens none to servers of that authority', async () => {
    const theirs = await createAuthority();
    await using untrusted = await startServer({ authority: theirs, host: 'localhost' });
    await using credentials = await load(people, untrusted, { ca: people.authority.certificate });
    const value = { ca: theirs.certificate };
    const prototype = Object.prototype as { connect?: unknown };
    Object.defineProperty(prototype, 'connect', { value, configurable: true, writable: true });
    let sends: Send[];
    try {
      sends = Object.values(kinds).map((make) =>
        make(credentials, { allowH2: false, headersTimeout: 20_000 }),
      );
    } finally {
      delete prototype.connect;
    }
    for (const send of sends)
      expect(await codesOf(send(untrusted.url))).toContain('SELF_SIGNED_CERT_IN_CHAIN');
    expect(untrusted.requests).toEqual([]);
  });

  it.each(names)('Object.prototype.%s = %s changes nothing', async (name, value) => {
    await using misnamed = await startBank(people, { certificate: await misnamedOf(people) });
    const ca = people.authority.certificate;
    await using credentials = await load(people, bank);
    await using strict = await load(people, misnamed, { ca });
    const prototype = Object.prototype as Record<string, unknown>;
    const codes: unknown[][] = [];
    Object.defineProperty(prototype, name, { value, configurable: true, writable: true });
    try {
      for (const make of Object.values(kinds)) {
        codes.push(await codesOf(make(credentials, {})(`${bank.url}/`)));
        codes.push(await codesOf(make(strict, { allowH2: false })(`${misnamed.url}/`)));
      }
    } finally {
      delete prototype[name];
    }
    // What undici or Node reads there itself may fail; nothing may go out otherwise than the rules say.
    expect(subjects(bank).filter((name) => name !== 'alice')).toEqual([]);
    expect(subjects(bank).length).toBe(
      codes.filter((_, at) => at % 2 === 0 && codes[at]!.length === 0).length,
    );
    expect(misnamed.requests).toEqual([]);
    expect(codes.filter((_, at) => at % 2 === 1).every((each) => each.length > 0)).toBe(true);
  });
});

/** As an Agent keeps it. */
function factoryOf(agent: Agent): () => unknown {
  const key = Object.getOwnPropertySymbols(agent).find(({ description }) => description === 'factory');
  return (agent as unknown as Record<symbol, () => unknown>)[key!]!;
}

function closing(agent: Agent) {
  return { agent, [Symbol.asyncDispose]: () => agent.close() };
}

/** Loaded anew, as a dependency that brings its own does. */
function anotherUndici(): typeof import('undici') {
  const require = createRequire(import.meta.url);
  const known = { ...require.cache };
  for (const name of Object.keys(require.cache))
    if (/[\\/]undici[\\/]/.test(name)) delete require.cache[name];
  try {
    return require('undici');
  } finally {
    Object.assign(require.cache, known);
  }
}
