import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import https, { Agent } from 'node:https';
import { type AddressInfo, connect, createServer as createNetServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { inspect } from 'node:util';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import axios, { type AxiosRequestConfig } from 'axios';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ClientCertificateError,
  type Credentials,
  clientCertificates,
  decideRequest,
  loadCredentials,
} from '../src/index.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
/** Asks for a certificate and takes none as well, over HTTP/2 too. */
let bank: TestServer;

beforeAll(async () => {
  authority = await createAuthority();
  [alice, bob] = await Promise.all([authority.issue({ name: 'alice' }), authority.issue({ name: 'bob' })]);
});
beforeEach(async () => {
  bank = await startServer({
    authority,
    host: 'localhost',
    http2: true,
    clientCertificate: 'optional',
    listeners: [{}, {}],
  });
});
afterEach(() => bank.close());

function load(issued = alice): Promise<Credentials> {
  const ca = authority.certificate;
  return loadCredentials({
    certificates: {
      alice: { cert: issued.fullChain, key: issued.key, ca },
      bob: { cert: bob.fullChain, key: bob.key, ca },
    },
    hosts: { [`localhost:${bank.ports[0]}`]: 'alice', [`localhost:${bank.ports[1]}`]: { ca } },
    services: { Archive: 'bob' },
  });
}

const subjects = (server = bank) =>
  server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? null);
const isHardened = Number(axios.VERSION.split('.')[1]) >= 21;
const hasHttp2 = Number(axios.VERSION.split('.')[1]) >= 13;

describe('attack: rules that are weakened', () => {
  const ways: [string, object][] = [
    ['Fetch', { adapter: 'Fetch' }],
    ['a list', { adapter: ['FETCH', 'http'] }],
    ['a list that begins with what there is not', { adapter: ['XHR', null, 'http'] }],
    ['the function of http', { adapter: axios.getAdapter('http') }],
    ['a function that says on what it stands', { adapter: standingOn('http') }],
    ...(hasHttp2
      ? ([
          ['HTTP/2', { httpVersion: 2 }],
          ['HTTP/2 as a text', { httpVersion: '2' }],
        ] as [string, object][])
      : []),
  ];
  it.each(ways)('the certificate is presented over %s', async (_, way) => {
    await using credentials = await load();
    const api = axios.create(way as AxiosRequestConfig);
    clientCertificates(api, credentials);
    await api.get(bank.url);
    expect(subjects()).toEqual(['alice']);
  });

  it.each([
    ['of axios.getAdapter("fetch")', axios.getAdapter('fetch')],
    ['of the caller’s own', async () => ({})],
    ['in a list', [async () => ({})]],
    ['a name that axios has not', 'ftp'],
  ])(
    'an adapter %s presents the certificate, or is refused at a host for which a rule decides',
    async (_, adapter) => {
      await using credentials = await load();
      const api = axios.create({ adapter: adapter as never });
      clientCertificates(api, credentials);
      const error = await api.get(bank.url).catch((error) => error);
      if (subjects().length === 0) expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      else expect(subjects()).toEqual(['alice']);
    },
  );

  it('one that stands on axios’ fetch or http presents it where a redirect of a host that no rule decides for leads', async () => {
    await using credentials = await load();
    const first = `${bank.urls[1]}/redirect?to=${encodeURIComponent(bank.url)}`;
    for (const name of ['fetch', 'http'] as const) {
      const standing = axios.getAdapter(name);
      for (const adapter of [standing, (config: Parameters<typeof standing>[0]) => standing(config)]) {
        const api = axios.create({ adapter });
        clientCertificates(api, credentials);
        await api.get(first);
        expect(subjects().splice(-2)).toEqual([null, 'alice']);
      }
    }
    expect(bank.requests).toHaveLength(8);
  });

  it('where there is no fetch, as in jsdom, nothing goes past the rule by the next adapter of a list', async () => {
    await using credentials = await load();
    vi.stubGlobal('fetch', undefined);
    try {
      const api = axios.create({ adapter: ['fetch', 'http'] });
      clientCertificates(api, credentials);
      await expect(api.get(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    } finally {
      vi.unstubAllGlobals();
    }
    expect(subjects()).toEqual([]);
  });

  it.each(['pfx', 'cert', 'key'])('%s, which axios leaves where it is, is a conflict', async (option) => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    const call = api.get(bank.url, { [option]: 'mine' } as object);
    await expect(call).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    expect(bank.connections).toBe(0);
  });
});

describe('attack: rules that are weakened', () => {
  it('a transport of the caller’s own is refused where a rule decides; Node’s modules take our agent', async () => {
    await using credentials = await load();
    const ca = authority.certificate;
    await using pinned = await startServer({ authority, host: 'localhost', clientCertificate: 'optional' });
    await using strict = await loadCredentials({
      hosts: { [`localhost:${pinned.port}`]: { ca, tls: 'TLSv1.2' } },
    });
    const request = (options: object, answer: () => void) =>
      https.request({ ...options, agent: undefined, ca, cert: bob.fullChain, key: bob.key }, answer);
    for (const [each, url] of [
      [credentials, bank.url],
      [strict, pinned.url],
    ] as const) {
      const api = axios.create();
      clientCertificates(api, each);
      await expect(api.get(url, { transport: { request } })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      });
      // One that is set by an interceptor after ours.
      const id = api.interceptors.request.use((config) => ({ ...config, transport: { request } }));
      clientCertificates(api, each)();
      clientCertificates(api, each);
      await expect(api.get(url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      api.interceptors.request.eject(id);
      await api.get(url, { transport: https });
    }
    expect([...subjects(), ...subjects(pinned)]).toEqual(['alice', null]);
    expect(pinned.requests[0]?.protocol).toBe('TLSv1.2');
  });

  it.each(['ht\ntp:', '\u0001http:', ' HTTP:'])(
    'a request to %j goes through its proxy, as axios reads the scheme',
    async (scheme) => {
      await using credentials = await load();
      await using plain = await startServer({ tls: false });
      await using proxy = await startProxy();
      const api = axios.create({ proxy: { protocol: 'http', host: proxy.host, port: proxy.port } });
      clientCertificates(api, credentials);
      await api.get(plain.url.replace('http:', scheme));
      expect(proxy.forwards).toHaveLength(1);
    },
  );

  it('an interceptor that runs after ours and writes on a URL object is followed', async () => {
    await using credentials = await load();
    const api = axios.create();
    let write: (url: URL) => void = () => {};
    api.interceptors.request.use((config) => {
      write(config.url as unknown as URL);
      return config;
    });
    clientCertificates(api, credentials);
    const get = (url: string, clientCertificate?: string) =>
      api.get(new URL(url) as never, { clientCertificate });
    write = (url) => {
      url.port = `${bank.ports[1]}`;
    };
    await get(bank.urls[0]!, 'Archive');
    expect(subjects()).toEqual(['bob']);
    write = (url) => {
      url.protocol = 'https:';
    };
    await using proxy = await startProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    vi.stubEnv('HTTP_PROXY', proxy.url);
    await get(bank.urls[0]!.replace('https:', 'http:')).finally(() => vi.unstubAllEnvs());
    expect(subjects()).toEqual(['bob', 'alice']);
    expect(proxy.connects).toHaveLength(1);
  });

  it.each<[string, object]>([
    ['its fetch adapter', { adapter: 'fetch' }],
    ...(hasHttp2 ? ([['HTTP/2', { httpVersion: 2 }]] as [string, object][]) : []),
  ])(
    'an agent of credentials.agent() is not left out in silence where axios sends over %s',
    async (_, way) => {
      await using credentials = await load();
      for (const service of ['Archive', false, undefined] as const) {
        const origin = service ? bank.url : undefined;
        const api = axios.create({ ...way, httpsAgent: credentials.agent({ service, origin }) });
        clientCertificates(api, credentials);
        await expect(api.get(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      }
      expect(bank.requests).toEqual([]);
      const api = axios.create();
      clientCertificates(api, credentials);
      const { config } = await api.get(bank.url);
      await api.request({ ...config, ...way } as AxiosRequestConfig);
      expect(subjects()).toEqual(['alice', 'alice']);
    },
  );

  it('an agent of the caller’s own is refused at a pinned host over fetch too, and not left out in silence', async () => {
    await using credentials = await load();
    const api = axios.create({ adapter: 'fetch' });
    clientCertificates(api, credentials);
    await expect(api.get(bank.url, { httpsAgent: new Agent() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
    });
    expect(bank.requests).toEqual([]);
    await api.get(bank.url);
    expect(subjects()).toEqual(['alice']);
  });

  it.skipIf(!hasHttp2)(
    'a socket of the caller’s own takes no HTTP/2 request of a pinned host elsewhere',
    async () => {
      await using credentials = await load();
      await using elsewhere = await startServer({ authority, host: 'localhost', http2: true });
      const socket = connect(elsewhere.port, 'localhost');
      const api = axios.create({ httpVersion: 2, http2Options: { socket } } as AxiosRequestConfig);
      clientCertificates(api, credentials);
      await expect(api.get(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      expect(elsewhere.requests).toEqual([]);
      socket.destroy();
    },
  );

  it('an agent of credentials.agent() takes no request past the proxy that it names', async () => {
    await using credentials = await load();
    await using proxy = await startProxy();
    const api = axios.create({ httpsAgent: credentials.agent() });
    clientCertificates(api, credentials);
    const through = { protocol: 'http', host: proxy.host, port: proxy.port };
    await expect(api.get(bank.url, { proxy: through })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
    });
    const agent = credentials.agent({ proxy: proxy.url });
    await api.get(bank.url, { httpsAgent: agent });
    await api.get(bank.url, { httpsAgent: agent, proxy: false });
    expect(subjects()).toEqual(['alice', 'alice']);
    expect(proxy.connects).toHaveLength(1);
  });

  it('nor does it after a redirect from http: to https:', async () => {
    await using credentials = await load();
    await using proxy = await startProxy();
    await using plain = await startServer({ tls: false });
    const through = { protocol: 'http', host: proxy.host, port: proxy.port };
    const api = axios.create({ httpsAgent: credentials.agent(), proxy: through });
    clientCertificates(api, credentials);
    await expect(api.get(`${plain.url}/redirect?to=${encodeURIComponent(bank.url)}`)).rejects.toThrow(
      /which makes its own way/,
    );
    expect(proxy.forwards).toHaveLength(1);
    expect(bank.connections).toBe(0);
  });

  it.skipIf(!('setGlobalProxyFromEnv' in http))(
    'a redirect from https: to http: does not go past the proxy that Node’s own agents were given',
    async () => {
      await using credentials = await load();
      await using plain = await startServer({ tls: false });
      await using proxy = await startProxy();
      const { setGlobalProxyFromEnv } = http as unknown as { setGlobalProxyFromEnv(env: object): () => void };
      const restore = setGlobalProxyFromEnv({ http_proxy: proxy.url });
      const api = axios.create();
      clientCertificates(api, credentials);
      const url = `${bank.urls[1]}/redirect?to=${encodeURIComponent(plain.url)}`;
      const error: unknown = await api.get(url).catch((error) => error);
      restore();
      expect(error).toMatchObject({ message: expect.stringContaining('past the proxy') });
      expect(plain.requests).toEqual([]);
    },
  );

  it('follows a redirect to http: where Node’s own agent is another that says nothing of itself, as global-agent’s', async () => {
    await using credentials = await load();
    await using plain = await startServer({ tls: false });
    const { globalAgent } = http;
    const addRequest = (...request: [unknown]) =>
      (globalAgent as unknown as NodeAgent).addRequest(...request);
    http.globalAgent = { protocol: 'http:', addRequest } as unknown as http.Agent;
    const api = axios.create();
    clientCertificates(api, credentials);
    const url = `${bank.urls[1]}/redirect?to=${encodeURIComponent(plain.url)}`;
    const answer = await api.get(url).finally(() => {
      http.globalAgent = globalAgent;
    });
    expect(answer.status).toBe(200);
    expect(plain.requests).toHaveLength(1);
  });

  it('what a config of an interceptor inherits from the one that it was given holds, as axios reads it', async () => {
    await using credentials = await load();
    const request = () => expect.unreachable();
    for (const brought of [{ httpsAgent: new Agent() }, { transport: { request } }, { adapter: request }]) {
      const api = axios.create(brought as object);
      clientCertificates(api, credentials);
      api.interceptors.request.use((config) => Object.assign(Object.create(config), { url: bank.url }));
      await expect(api.get('/')).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    }
    const api = axios.create({ clientCertificate: 'Archive' });
    clientCertificates(api, credentials);
    api.interceptors.request.use((config) => Object.assign(Object.create(config), { url: bank.url }));
    // Some versions of axios send no such config.
    await api.get('/').catch((error) => expect(error).toBeInstanceOf(TypeError));
    expect(subjects().filter((name) => name !== 'bob')).toEqual([]);
  });

  it('no adapter at all, which leaves it to the defaults of axios, goes nowhere in silence', async () => {
    await using credentials = await load();
    const { adapter } = axios.defaults;
    axios.defaults.adapter = 'fetch';
    try {
      const api = axios.create({ adapter: 'http' });
      clientCertificates(api, credentials);
      await expect(api.get(bank.url, { adapter: null } as object)).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      });
    } finally {
      axios.defaults.adapter = adapter!;
    }
    expect(bank.connections).toBe(0);
  });

  it.skipIf(!hasHttp2)(
    'a certificate of the caller’s own over HTTP/2 leaves what the rule says of the server',
    async () => {
      const ca = authority.certificate;
      await using credentials = await loadCredentials({
        hosts: { [`localhost:${bank.ports[0]}`]: { ca, tls: 'TLSv1.2' } },
      });
      const api = axios.create({ httpVersion: 2, http2Options: { sessionTimeout: 50 } } as object);
      clientCertificates(api, credentials);
      await api.get(bank.url, { http2Options: { cert: bob.fullChain, key: bob.key } } as object);
      expect(bank.requests.map(({ protocol }) => protocol)).toEqual(['TLSv1.2']);
      expect(subjects()).toEqual(['bob']);
    },
  );

  it.skipIf(!hasHttp2).each(['TLSv1.2', 'TLSv1.3'] as const)(
    'a strict caller over HTTP/2 is not served by what a lax one has opened, over %s',
    async (tls) => {
      const others = await createAuthority({ name: 'Another Authority' });
      await using server = await startServer({
        authority: others,
        host: 'localhost',
        http2: true,
        tls,
        clientCertificate: 'optional',
      });
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        hosts: { [`localhost:${server.port}`]: 'alice' },
      });
      const api = axios.create({ httpVersion: 2, http2Options: { sessionTimeout: 200 } } as object);
      clientCertificates(api, credentials);
      const lax = { http2Options: { ca: others.certificate, sessionTimeout: 200 } } as object;
      await expect(api.get(server.url)).rejects.toThrow();
      await api.get(server.url, lax);
      await expect(api.get(server.url)).rejects.toThrow();
      const another = axios.create({ httpVersion: 2 } as object);
      clientCertificates(another, credentials);
      await expect(another.get(server.url)).rejects.toThrow();
      expect(subjects(server)).toEqual(['alice']);
    },
  );
});

/** The class that Node's own fetch comes with: there once fetch was used. */
async function agentOfNode() {
  await fetch('data:,');
  const known = globalThis as unknown as Record<symbol, object>;
  const global =
    known[Symbol.for('undici.globalDispatcher.2')] ?? known[Symbol.for('undici.globalDispatcher.1')]!;
  return global.constructor as new (
    options: object,
  ) => { close(): Promise<void> };
}

/** Says as axios' own do on what it stands. */
function standingOn(name: 'http') {
  const adapter = axios.getAdapter(name);
  const own = (config: Parameters<typeof adapter>[0]) => adapter(config);
  return Object.defineProperty(own, 'adapterName', { value: name });
}

describe('attack: rules that are weakened', () => {
  /** Answers once with a redirect to where a test says, which no test knows before. */
  const redirecting = (to: () => string) =>
    startServer({
      authority,
      host: 'localhost',
      clientCertificate: 'optional',
      handler: (_request, response) => response.writeHead(302, { location: to() }).end(),
    });

  it.each([
    [
      'protocol, host and port',
      (to: URL) => ({ protocol: to.protocol, hostname: to.hostname, port: to.port }),
    ],
    ['the host as url.parse() has it', ({ protocol, host, port }: URL) => ({ protocol, host, port })],
    [
      'a path that is a URL',
      ({ protocol, hostname, port, href }: URL) => ({ protocol, hostname, port, path: href }),
    ],
  ])('a hop that the caller’s beforeRedirect turns to plain HTTP is refused: %s', async (_, rewritten) => {
    const plain = await startPlain();
    await using server = await redirecting(() => `${server.url}/next`);
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: { [`localhost:${server.port}`]: 'alice' },
    });
    const api = axios.create({ proxy: false });
    clientCertificates(api, credentials);
    const beforeRedirect = (options: object) => void Object.assign(options, rewritten(new URL(plain.url)));
    await expect(api.get(server.url, { beforeRedirect })).rejects.toThrow(/redirects .* to http:/);
    expect(plain.requests).toEqual([]);
    await plain.close();
  });

  it('over the caller’s own agent or dispatcher, too, no call as a service that requires its certificate is led to http:', async () => {
    const plain = await startPlain();
    await using server = await redirecting(() => plain.url);
    const ca = authority.certificate;
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca } },
      services: { Pay: { certificate: 'alice', required: true, hosts: [new URL(plain.url).host] } },
    });
    const [httpsAgent, Dispatcher] = [new Agent({ ca }), await agentOfNode()];
    const dispatcher = new Dispatcher({ connect: { ca } });
    const ways = [{ httpsAgent }, { adapter: 'fetch', fetchOptions: { dispatcher } }];
    for (const way of ways) {
      const api = axios.create({ ...way, proxy: false, clientCertificate: 'Pay' });
      clientCertificates(api, credentials);
      const error = await api.get(server.url).catch((error: unknown) => error);
      expect(ClientCertificateError.from(error)).toMatchObject({ code: 'ERR_CLIENTCERT_NOT_REQUESTED' });
    }
    expect(plain.requests).toEqual([]);
    expect(subjects(server)).toEqual([null, null]);
    await Promise.all([plain.close(), dispatcher.close()]);
  });

  it('the hop that is asked about is the one that is made', async () => {
    await using credentials = await load();
    const asked: string[] = [];
    const check = (hop: URL) => void asked.push(hop.origin);
    const beforeRedirect = (options: object) => void Object.assign(options, { port: bank.ports[1] });
    await axios.get(`${bank.url}/redirect?to=${encodeURIComponent(`${bank.url}/next`)}`, {
      beforeRedirect,
      transformRequest: [
        function (data) {
          decideRequest(this, credentials, { service: undefined, origin: undefined, check });
          return data;
        },
      ],
    });
    expect(asked).toEqual(bank.urls);
    expect(bank.requests.map(({ path }) => path)).toEqual(['/redirect', '/next']);
    expect(subjects()).toEqual(['alice', null]);
  });

  it('a caller’s beforeRedirect that brings modules or a socket of its own to a pinned host is a conflict', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    const url = `${bank.urls[1]}/redirect?to=${encodeURIComponent(bank.url)}`;
    const protocols = { 'https:': { request: () => expect.unreachable() } };
    for (const way of [{ nativeProtocols: protocols }, { socketPath: '/nonexistent/clientcert.sock' }]) {
      const beforeRedirect = (options: object) => void Object.assign(options, way);
      await expect(api.get(url, { beforeRedirect })).rejects.toThrow(/own "beforeRedirect"/);
    }
    expect(subjects()).toEqual([null, null]);
  });

  it('none over a routing agent of the caller’s goes on to http: after the certificate that it is made for', async () => {
    await using plain = await startServer({ tls: false });
    const handler = (_: unknown, response: http.ServerResponse) =>
      response.writeHead(307, { location: plain.url }).end();
    await using server = await startServer({
      authority,
      host: 'localhost',
      clientCertificate: 'optional',
      handler,
    });
    const ca = authority.certificate;
    await using credentials = await loadCredentials({
      certificates: { bob: { cert: bob.fullChain, key: bob.key, ca } },
      hosts: { [`localhost:${server.port}`]: { ca } },
      services: { Archive: 'bob' },
    });
    const api = axios.create({ httpsAgent: credentials.agent({ service: 'Archive', origin: server.url }) });
    clientCertificates(api, credentials);
    await expect(api.post(server.url, 'secret')).rejects.toThrow(/redirects .* to http:/);
    expect([subjects(server), plain.requests]).toEqual([['bob'], []]);
  });

  it('a used config that another instance sends begins anew', async () => {
    const plain = await startPlain();
    const ways = [() => `${other.url}/`, () => `${server.url}/plain`];
    await using other = await redirecting(() => `${plain.url}/first`);
    await using server = await redirecting(() => ways.shift()?.() ?? `${plain.url}/second`);
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: {
        [`localhost:${server.port}`]: 'alice',
        [`localhost:${other.port}`]: { ca: authority.certificate },
      },
    });
    const api = axios.create();
    clientCertificates(api, credentials);
    const { config } = await api.get(server.url);
    expect(plain.requests).toEqual(['/first']);
    ways.length = 0;
    await expect(axios.request(config)).rejects.toThrow(/redirects .* to http:/);
    expect(plain.requests).toEqual(['/first']);
    expect(subjects(server)).toEqual(['alice', 'alice']);
    await plain.close();
  });

  it.each([
    ['fetchOptions', { adapter: 'fetch' }, { dispatcher: { dispatch: () => expect.unreachable() } }],
    ['env', { adapter: 'fetch', env: {} }, { fetch: () => expect.unreachable() }],
    ['adapter', { adapter: ['http'] }, ['fetch']],
    ...(hasHttp2
      ? [['http2Options', { httpVersion: 2 }, { createConnection: () => expect.unreachable() }] as const]
      : []),
  ] as const)(
    'what an interceptor that runs after ours writes into %s is seen',
    async (name, way, written) => {
      await using credentials = await load();
      const api = axios.create(way as object);
      api.interceptors.request.use((config) => {
        Object.assign((config as unknown as Record<string, object>)[name]!, written);
        return config;
      });
      clientCertificates(api, credentials);
      const error = await api.get(bank.url).then(
        () => undefined,
        (error) => error,
      );
      if (error) expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      else expect(subjects()).toEqual(['alice']);
    },
  );
});

describe('attack: identities that mix', () => {
  const transports: [string, object][] = [
    ['http', {}],
    ['fetch', { adapter: 'fetch', fetchOptions: { cache: 'no-store' } }],
    ...(hasHttp2
      ? ([['http2', { httpVersion: 2, http2Options: { sessionTimeout: 50 } }]] as [string, object][])
      : []),
  ];
  it('a routing agent beside the service of a call is that service’s, or the call is refused', async () => {
    await using credentials = await load();
    await using others = await load();
    const shared = credentials.agent({ maxSockets: 5 });
    const api = axios.create({ httpsAgent: shared });
    clientCertificates(api, credentials);
    await api.get(bank.url);
    const own = credentials.agent({ service: 'Archive', origin: bank.url });
    for (const [httpsAgent, clientCertificate] of [
      [shared, false],
      [shared, 'Archive'],
      [own, false],
      [others.agent(), 'Archive'],
    ] as const) {
      await expect(api.get(bank.url, { httpsAgent, clientCertificate })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      });
    }
    await api.get(bank.url, { httpsAgent: own, clientCertificate: 'Archive' });
    await api.get(bank.url, { httpsAgent: credentials.agent({ service: false }), clientCertificate: false });
    expect(subjects(bank)).toEqual(['alice', 'bob', null]);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'fetch over %s: one Credentials and certificates of several callers',
    async (tls) => {
      const ca = authority.certificate;
      await using server = await startServer({
        authority,
        host: 'localhost',
        tls,
        clientCertificate: 'optional',
      });
      await using credentials = await loadCredentials({ hosts: { [`localhost:${server.port}`]: { ca } } });
      const carol = await authority.issue({ name: 'carol' });
      const Agent = await agentOfNode();
      const callers = [bob, carol, undefined].map((own) => {
        const dispatcher = own && new Agent({ connect: { ca, cert: own.fullChain, key: own.key } });
        const api = axios.create({ adapter: 'fetch', ...(own && { fetchOptions: { dispatcher } }) });
        clientCertificates(api, credentials);
        return { api, dispatcher };
      });
      const orders = [callers, callers.toReversed(), callers];
      for (const { api } of orders.flat()) await api.get(server.url, { headers: { connection: 'close' } });
      const seen = ['bob', 'carol', null];
      expect(subjects(server)).toEqual([...seen, ...seen.toReversed(), ...seen]);
      await Promise.all(callers.map(({ dispatcher }) => dispatcher?.close()));
    },
  );

  it.runIf(hasHttp2)(
    'an HTTP/2 session through a proxy that was withdrawn serves no further call',
    async () => {
      const ca = authority.certificate;
      const proxies = await Promise.all(
        [1, 2].map(() =>
          startProxy({ authority, tls: true, host: 'localhost', clientCertificate: 'optional' }),
        ),
      );
      const configs = [
        [proxies[0]!, 'alice'],
        [proxies[0]!, 'bob'],
        [proxies[1]!, 'bob'],
      ] as const;
      const certificates = {
        alice: { cert: alice.fullChain, key: alice.key, ca },
        bob: { cert: bob.fullChain, key: bob.key, ca },
      };
      const hosts = { [`localhost:${bank.port}`]: 'alice' } as const;
      const [first, ...others] = configs.map(([{ url }, certificate]) => ({
        certificates,
        hosts,
        proxy: { url, certificate },
      }));
      await using credentials = await loadCredentials(first!);
      const api = axios.create({ httpVersion: 2, http2Options: { sessionTimeout: 2_000 } } as object);
      clientCertificates(api, credentials);
      await api.get(bank.url);
      for (const config of others) {
        await credentials.reload(config);
        await api.get(bank.url);
        await api.get(bank.url);
      }
      expect(subjects()).toEqual(Array(5).fill('alice'));
      const shown = proxies.map(({ connects }) =>
        connects.map(({ clientCertificate }) => clientCertificate?.commonName),
      );
      expect(shown).toEqual([['alice', 'bob'], ['bob']]);
      await Promise.all(proxies.map((proxy) => proxy.close()));
    },
  );

  it.each(transports)('options that are frozen, shared and passed again, over %s', async (_, way) => {
    await using credentials = await load();
    const defaults = deepFreeze({ timeout: 5000, ...way });
    const [first, second] = [axios.create(defaults as object), axios.create(defaults as object)];
    clientCertificates(first, credentials);
    clientCertificates(second, credentials);
    const shared = deepFreeze({ ...way, headers: { 'x-own': 'yes' } }) as object;
    await Promise.all([
      first.get(bank.url, shared),
      second.get(bank.url, { ...shared, clientCertificate: false }),
    ]);
    const asArchive = await first.get(bank.urls[1]!, { ...shared, clientCertificate: 'Archive' });
    expect(subjects().sort()).toEqual(['alice', 'bob', null]);
    bank.requests.length = 0;

    // A used config, at another instance: as itself says, with that one's credentials.
    await using others = await loadCredentials({
      certificates: { carol: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: { [`localhost:${bank.ports[1]}`]: 'carol' },
      services: { Archive: 'carol' },
    });
    const third = axios.create();
    clientCertificates(third, others);
    await third.request(asArchive.config);
    await second.request({ ...asArchive.config, clientCertificate: undefined });
    expect(subjects()).toEqual(['alice', null]);
  });

  it.skipIf(!hasHttp2).each(['certificates', 'secure contexts'])(
    'callers with %s of their own share no connection and no TLS session over HTTP/2',
    async (kind) => {
      const ca = authority.certificate;
      await using credentials = await loadCredentials({ hosts: { [`localhost:${bank.ports[0]}`]: { ca } } });
      const api = axios.create({ httpVersion: 2 } as object);
      clientCertificates(api, credentials);
      const identities = [bob, alice, undefined, bob].map((issued) => {
        const own = { ca, ...(issued && { cert: issued.fullChain, key: issued.key }) };
        return kind === 'certificates' ? own : { secureContext: createSecureContext(own) };
      });
      for (const identity of identities) {
        const http2Options = { ...identity, sessionTimeout: 20 };
        await api.get(bank.url, { http2Options } as object);
        await new Promise((resolve) => setTimeout(resolve, 60)); // the session of axios has ended by then
        await api.get(bank.url, { http2Options } as object);
      }
      expect(subjects()).toEqual(['bob', 'bob', 'alice', 'alice', null, null, 'bob', 'bob']);
    },
  );

  it.each(Object.entries({ httpVersion: 2, socketPath: '/nonexistent/clientcert.sock' }))(
    'Object.prototype.%s = %j leads no request past what was decided',
    async (name, value) => {
      await using credentials = await load();
      const api = axios.create();
      clientCertificates(api, credentials);
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
      try {
        await api.get(bank.url);
      } finally {
        delete (Object.prototype as Record<string, unknown>)[name];
      }
      expect(subjects()).toEqual(['alice']);
    },
  );

  it('a polluted Object.prototype says neither as whom, nor through which proxy, nor with which agent', async () => {
    await using credentials = await load();
    await using proxy = await startProxy({ authority });
    const api = axios.create();
    clientCertificates(api, credentials);
    const { hostname: host, port } = new URL(proxy.url);
    const pollution = {
      clientCertificate: 'Archive',
      service: 'Archive',
      proxy: { host, port: Number(port) },
      defaultProxy: 'env',
      fetchOptions: { dispatcher: {} },
      http2Options: { createConnection: () => {} },
      baseURL: 'https://evil.example',
    };
    for (const way of transports.map(([, way]) => way)) {
      for (const [name, value] of Object.entries(pollution)) {
        Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
      }
      try {
        // An older axios trips over such a prototype itself, some before there is a promise.
        const call = async () => api.get(bank.url, way);
        await call().catch((error) => expect([isHardened, error.name]).toEqual([false, 'TypeError']));
      } finally {
        for (const name of Object.keys(pollution)) delete (Object.prototype as Record<string, unknown>)[name];
      }
    }
    expect(subjects()).toEqual((isHardened ? transports : subjects()).map(() => 'alice'));
    expect(proxy.connects).toEqual([]);
  });
});

describe('attack: identities that mix', () => {
  it.skipIf(!hasHttp2)(
    'a call whose interceptors wait is no further one of an HTTP/2 session that presented what is withdrawn meanwhile',
    async () => {
      const ca = authority.certificate;
      await using credentials = await load();
      const api = axios.create({ httpVersion: 2, baseURL: bank.url } as object);
      let meanwhile: () => Promise<unknown> = async () => {};
      api.interceptors.request.use(async (config) => {
        await meanwhile();
        return config;
      });
      clientCertificates(api, credentials);
      await api.get('/');
      meanwhile = () =>
        credentials.reload({
          certificates: { bob: { cert: bob.fullChain, key: bob.key, ca } },
          hosts: { [`localhost:${bank.ports[0]}`]: 'bob' },
        });
      await api.get('/');
      meanwhile = () => credentials.close();
      await expect(api.get('/')).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CLOSED' });
      expect(subjects()).toEqual(['alice', 'bob']);
    },
  );

  it('what every object inherits is no part of a proxy that a request names, nor of whom decideRequest is told', async () => {
    await using credentials = await load();
    await using proxy = await startProxy();
    await using theirs = await startProxy();
    const installed = axios.create();
    clientCertificates(installed, credentials);
    const bare = axios.create();
    bare.interceptors.request.use((config) => {
      decideRequest(config, credentials, { service: 'Archive' } as Parameters<typeof decideRequest>[2]);
      return config;
    });
    const polluted = async (pollution: Record<string, unknown>, call: () => Promise<unknown>) => {
      for (const [name, value] of Object.entries(pollution)) {
        Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
      }
      try {
        return await call().catch((error) => error);
      } finally {
        for (const name of Object.keys(pollution)) delete (Object.prototype as Record<string, unknown>)[name];
      }
    };
    const through = { host: proxy.host, port: proxy.port };
    await polluted({ hostname: 'elsewhere.invalid', protocol: 'https', auth: 'eve:eve' }, () =>
      installed.get(bank.url, { proxy: through }),
    );
    expect(subjects()).toEqual(['alice']);
    expect(proxy.connects).toHaveLength(1);
    expect(JSON.stringify(proxy.connects)).not.toContain('Basic');

    const failure = await polluted({ origin: bank.urls[1], proxy: theirs.url }, () =>
      bare.get(bank.urls[1]!),
    );
    expect(failure).toMatchObject({ code: 'ERR_CLIENTCERT_ORIGIN_NEEDED' });
    expect(subjects()).toEqual(['alice']);
    expect(theirs.connects).toEqual([]);
  });
});

describe.skipIf(!hasHttp2)('attack: files that stop the process', () => {
  it('a server may push nothing over HTTP/2: nobody would hear the errors of it', async () => {
    let allowed: boolean | undefined;
    await using server = await startServer({
      authority,
      host: 'localhost',
      http2: true,
      handler: (request) => {
        allowed = (request as unknown as Http2ServerRequest).stream.pushAllowed;
        return false;
      },
    });
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: { [`localhost:${server.port}`]: 'alice' },
    });
    const api = axios.create({
      httpVersion: 2,
      http2Options: { settings: { maxFrameSize: 20_000 } },
    } as object);
    clientCertificates(api, credentials);
    await api.get(server.url);
    expect(server.requests.map((seen) => seen.clientCertificate?.commonName)).toEqual(['alice']);
    expect(allowed).toBe(false);
  });
});

describe.skipIf(!hasHttp2)('attack: rules that are weakened', () => {
  /** Anybody on the way can end a TCP connection; Node ends the streams over it as if all had been said. */
  describe('over HTTP/2, a connection that ends before the answer is complete is an error', () => {
    const said = 'x'.repeat(20_000);
    let gate: Server;
    let cut: () => void;
    let complete: boolean;
    let server: TestServer;
    /** When all has come, which takes some turns of everything between, in this process as they are. */
    const cutLater = async () => {
      for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve));
      setTimeout(cut, 50);
    };
    beforeAll(async () => {
      server = await startServer({
        authority,
        host: 'localhost',
        http2: true,
        handler(request, response) {
          if (request.url !== '/unanswered') response.write(said);
          setTimeout(() => (complete ? response.end(cutLater) : cut()), 50);
        },
      });
      gate = createNetServer((client) => {
        const upstream = connect(server.port, 'localhost');
        client.pipe(upstream);
        upstream.pipe(client);
        client.on('error', () => {}).on('close', () => upstream.destroy());
        upstream.on('error', () => {});
        // What has not been read yet would make a reset of it, which is an error to everybody.
        cut = () => {
          upstream.unpipe(client).resume();
          client.end();
        };
      });
      await new Promise<void>((resolve) => gate.listen(0, 'localhost', resolve));
      return async () => {
        gate.close();
        await server.close();
      };
    });

    it.each<[string, string, AxiosRequestConfig & { proxied?: boolean }]>([
      ['that has begun', '/begun', {}],
      ['that is read as a stream', '/begun', { responseType: 'stream' }],
      ['that has not begun', '/unanswered', {}],
      ['that has begun, through a proxy', '/begun', { proxied: true }],
    ])('%s', async (_, path, { proxied, ...options }) => {
      await using through = await startProxy({ authority });
      const { port } = gate.address() as AddressInfo;
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        hosts: { [`localhost:${port}`]: 'alice' },
        ...(proxied && { proxy: through.url }),
      });
      const api = axios.create({ httpVersion: 2, timeout: 20_000 } as object);
      clientCertificates(api, credentials);
      const read = async () => {
        const { data } = await api.get(`https://localhost:${port}${path}`, options);
        if (typeof data === 'string') return data;
        let text = '';
        for await (const chunk of data) text += chunk;
        return text;
      };
      complete = true;
      if (path !== '/unanswered') expect(await read()).toBe(said);
      complete = false;
      await expect(read()).rejects.toMatchObject({
        code: 'ECONNRESET',
        message: expect.stringContaining('before its answers were complete'),
      });
      expect(server.requests.at(-1)!.clientCertificate?.commonName).toBe('alice');
    });

    it('also where a call begins while it ends', async () => {
      const { port } = gate.address() as AddressInfo;
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        hosts: { [`localhost:${port}`]: 'alice' },
      });
      const api = axios.create({ httpVersion: 2 } as object);
      clientCertificates(api, credentials);
      const url = `https://localhost:${port}/unanswered`;
      complete = false;
      const calls: Promise<unknown>[] = [];
      for (let round = 0; round < 5; round++) {
        let isOpen = true;
        const first = api.get(url).catch(() => {
          isOpen = false;
        });
        await expect.poll(() => server.requests.length).toBeGreaterThan(round);
        cut();
        while (isOpen) {
          calls.push(api.get(url).catch(({ code }) => code));
          await new Promise((resolve) => setImmediate(resolve));
        }
        await first;
      }
      expect(await Promise.all(calls)).toContain('ECONNRESET'); // each of them has ended
    });
  });
});

describe.skipIf(!hasHttp2)('over HTTP/2, a server that refuses the certificate ends the call', () => {
  async function refuse(port: number): Promise<{ code?: string; message: string }> {
    const mallory = await (await createAuthority()).issue({ name: 'mallory' });
    await using credentials = await loadCredentials({
      certificates: { mallory: { cert: mallory.fullChain, key: mallory.key, ca: authority.certificate } },
      hosts: { [`localhost:${port}`]: 'mallory' },
    });
    const api = axios.create({ httpVersion: 2 } as object);
    clientCertificates(api, credentials);
    for (let left = 50; ; left--) {
      const error = await api.get(`https://localhost:${port}`).then(
        () => expect.fail('it went through'),
        (e) => e,
      );
      // Until the server listens; HTTP/2 says it of the session, beneath the stream.
      if (!/ECONNREFUSED/.test(inspect(error, { depth: 4 })) || left === 0) return error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('without an alert, over %s', async (tls) => {
    await using server = await startServer({ authority, host: 'localhost', http2: true, tls });
    const error = await refuse(server.port);
    expect(error).toBeInstanceOf(Error);
    if (tls === 'TLSv1.3') expect(error.code).toBe('ECONNRESET');
    expect(server.requests).toEqual([]);
  });

  it.skipIf(spawnSync('openssl', ['version']).status !== 0)('with its alert, over TLS 1.3', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-axios-'));
    const [cert, key, ca] = ['cert', 'key', 'ca'].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    const own = await authority.issue({ name: 'server', hosts: ['localhost'] });
    await writeFile(cert, own.fullChain);
    await writeFile(key, own.key);
    await writeFile(ca, authority.certificate);
    await using taken = await startServer({ authority }); // for a port that is free
    const { port } = taken;
    await taken.close();
    const say = `s_server -accept ${port} -cert ${cert} -key ${key} -CAfile ${ca} -Verify 2 -verify_return_error -alpn h2 -tls1_3 -quiet`;
    const server = spawn('openssl', say.split(' '), { stdio: 'ignore' });
    try {
      expect(await refuse(port)).toMatchObject({ message: expect.stringMatching(/SSL alert number 48/) });
    } finally {
      server.kill();
      await rm(directory, { recursive: true });
    }
  });
});

describe('decideRequest', () => {
  it('decides one request of an instance that is not ours to change', async () => {
    await using credentials = await load();
    const api = axios.create();
    api.interceptors.request.use((config) => {
      decideRequest(config, credentials, { service: undefined, origin: undefined });
      return config;
    });
    await api.get(bank.url);
    expect(subjects()).toEqual(['alice']);
    const httpsAgent = new Agent();
    await expect(api.get(bank.url, { httpsAgent })).rejects.toBeInstanceOf(ClientCertificateError);
  });
});

function deepFreeze<Value extends object>(value: Value): Value {
  for (const each of Object.values(value)) if (each && typeof each === 'object') deepFreeze(each);
  return Object.freeze(value);
}

// What Bun and Deno are told from Node by; what their fetch does with a dispatcher is tested where they are installed.
describe('attack: other runtimes', () => {
  const versions = Object.getOwnPropertyDescriptor(process, 'versions')!;
  afterEach(() => void Object.defineProperty(process, 'versions', versions));

  it.each(['bun', 'deno'])('the fetch of %s, which takes no dispatcher, is refused', async (runtime) => {
    await using credentials = await load();
    const api = axios.create({ adapter: 'fetch' });
    clientCertificates(api, credentials);
    Object.defineProperty(process, 'versions', {
      ...versions,
      value: { ...process.versions, [runtime]: '1.0.0' },
    });
    const error = await api.get(bank.url).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_RUNTIME_UNSUPPORTED' });
    await expect(api.get('https://127.0.0.1:9')).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_RUNTIME_UNSUPPORTED',
    });
    expect(bank.requests).toEqual([]);
  });
});

/** A server without TLS, and the paths that it was asked for. */
async function startPlain(): Promise<{ url: string; requests: string[]; close(): Promise<void> }> {
  const requests: string[] = [];
  const server = http.createServer((request, response) => {
    requests.push(request.url!);
    response.setHeader('connection', 'close').end('plain');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return { url: `http://127.0.0.1:${port}`, requests, close };
}

/** What Node's class has, and its type leaves out. */
interface NodeAgent {
  addRequest(...request: unknown[]): void;
}
