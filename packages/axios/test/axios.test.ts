import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer } from 'node:http';
import { Agent, createServer, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { runInNewContext } from 'node:vm';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import axios from 'axios';
import {
  Dispatcher,
  EnvHttpProxyAgent,
  MockAgent,
  ProxyAgent,
  setGlobalDispatcher,
  Agent as UndiciAgent,
} from 'undici';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepGlobalDispatcher } from '../../../test/global-dispatcher.ts';
import {
  ClientCertificateError,
  type Credentials,
  clientCertificates,
  loadCredentials,
} from '../src/index.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
/** Two ports of one host, both of which demand a certificate. */
let bank: TestServer;
/** Another host, which asks for a certificate and takes none. */
let other: TestServer;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  bob = await authority.issue({ name: 'bob' });
});

beforeEach(async () => {
  bank = await startServer({ authority, host: 'localhost', listeners: [{}, {}] });
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
    services: {
      'Billing.Invoices': { certificate: 'bob', hosts: [`localhost:${bank.ports[0]}`] },
      Archive: 'bob',
    },
  });
}

const subjects = (server: TestServer) =>
  server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? null);

it('a call over fetch that is aborted with no error is told as axios tells it', async () => {
  await using credentials = await load();
  const wanted = new AbortController();
  const api = axios.create({ adapter: 'fetch' });
  clientCertificates(api, credentials);
  const outcome = api.get(bank.url, { signal: wanted.signal }).catch((error: unknown) => error);
  setTimeout(() => wanted.abort(5));
  expect(axios.isCancel(await outcome)).toBe(true);
});

describe('which certificate a host sees', () => {
  it('the pinned one, on the first call and on a kept connection', async () => {
    await using credentials = await load();
    const api = axios.create({ baseURL: bank.url });
    clientCertificates(api, credentials);
    await api.get('/accounts');
    await api.get('/accounts');
    expect(subjects(bank)).toEqual(['alice', 'alice']);
    expect(bank.connections).toBe(1);
  });

  it('none, where no rule names it', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    await api.get(`${other.url}/news`);
    expect(subjects(other)).toEqual([null]);
  });

  it.each([301, 302, 303, 307, 308])('none, after a %i from the pinned host', async (status) => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    await api.get(`${bank.url}/redirect?status=${status}&to=${encodeURIComponent(other.url)}`);
    expect([subjects(bank), subjects(other)]).toEqual([['alice'], [null]]);
  });

  it('its own, after a redirect to another port of one host', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    await api.get(`${bank.urls[0]}/redirect?to=${encodeURIComponent(`${bank.urls[1]}/here`)}`);
    expect(subjects(bank)).toEqual(['alice', 'bob']);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'its own, on two ports in turn and at once, with and without keep-alive, over %s',
    async (tls) => {
      await using ports = await startServer({ authority, host: 'localhost', listeners: [{}, {}], tls });
      await using credentials = await loadCredentials({
        certificates: {
          alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate },
          bob: { cert: bob.fullChain, key: bob.key, ca: authority.certificate },
        },
        hosts: { [`localhost:${ports.ports[0]}`]: 'alice', [`localhost:${ports.ports[1]}`]: 'bob' },
      });
      const api = axios.create();
      clientCertificates(api, credentials);
      for (const headers of [{}, { connection: 'close' }]) {
        for (let round = 0; round < 3; round++) {
          for (const url of ports.urls) await api.get(url, { headers });
          await Promise.all([...ports.urls, ...ports.urls].map((url) => api.get(url, { headers })));
        }
      }
      const names = new Map([
        [ports.ports[0], 'alice'],
        [ports.ports[1], 'bob'],
      ]);
      for (const { port, clientCertificate } of ports.requests) {
        expect(clientCertificate?.commonName).toBe(names.get(port));
      }
      expect(ports.requests).toHaveLength(36);
      expect(ports.requests.some(({ resumed }) => resumed)).toBe(true);
    },
  );
});

describe('clientCertificate of a request', () => {
  it('names a service, whose certificate has its own connection to the same host', async () => {
    await using credentials = await load();
    const api = axios.create({ baseURL: bank.url });
    clientCertificates(api, credentials);
    await api.get('/', { clientCertificate: 'Billing.Invoices' });
    await api.get('/');
    await api.get('/', { clientCertificate: 'Archive' });
    expect(subjects(bank)).toEqual(['bob', 'alice', 'bob']);
    expect(bank.requests[1]?.connection).not.toBe(bank.requests[0]?.connection);
  });

  it('is not carried by a service without hosts to another origin', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    await api.get(`${bank.url}/redirect?to=${encodeURIComponent(other.url)}`, {
      clientCertificate: 'Archive',
    });
    expect([subjects(bank), subjects(other)]).toEqual([['bob'], [null]]);
  });

  it('false presents none', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    await expect(api.get(bank.url, { clientCertificate: false })).rejects.toThrow();
    expect(subjects(bank)).toEqual([]);
    expect(bank.refusals).toHaveLength(1);
  });

  it('that no service has is an error before any connection', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    await expect(api.get(bank.url, { clientCertificate: 'Billing.Invoice' })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN',
      message: expect.stringContaining('Billing.Invoices'),
    });
    expect(bank.connections).toBe(0);
  });
});

describe('what fails before any request', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'clientcert-axios-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  it('a wrong passphrase, a missing file and an unknown certificate name, each with its code', async () => {
    const { pfx } = await alice.files(directory, { passphrase: 'right' });
    const hosts = { 'api.bank.example': 'bank' } as const;
    await expect(
      loadCredentials({ certificates: { bank: { pfx, passphrase: 'wrong' } }, hosts }),
    ).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_PASSPHRASE_WRONG' });
    await expect(
      loadCredentials({ certificates: { bank: { pfx: join(directory, 'none.pfx') } }, hosts }),
    ).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' });
    await expect(
      // @ts-expect-error: the compiler knows it as well
      loadCredentials({ certificates: { bank: { pfx } }, hosts: { 'api.bank.example': 'tax' } }),
    ).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN' });
  });

  it('each request, where the promise of credentials is rejected', async () => {
    const failing = loadCredentials({ certificates: { bank: { pfx: join(directory, 'none.pfx') } } });
    const api = axios.create();
    clientCertificates(api, failing);
    for (const _ of [1, 2]) {
      await expect(api.get(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' });
    }
    expect(bank.connections).toBe(0);
  });
});

describe('installing', () => {
  it('waits for a promise of credentials', async () => {
    const loading = load();
    const api = axios.create();
    clientCertificates(api, loading);
    await api.get(bank.url);
    expect(subjects(bank)).toEqual(['alice']);
    await (await loading).close();
  });

  it('each call that loading fails has an error of its own, on which axios writes where that was called', async () => {
    const api = axios.create();
    clientCertificates(api, loadCredentials({ certificates: { bank: { pfx: 'none.pfx' } } }));
    const [first, second] = await Promise.all([1, 2].map(() => api.get(bank.url).catch((reason) => reason)));
    expect(second).not.toBe(first);
    for (const error of [first, second]) {
      expect(error).toBeInstanceOf(ClientCertificateError);
      expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND', hint: expect.any(String) });
    }
  });

  it('an error of the caller’s own that loading fails with is that of each call, and grows with none', async () => {
    const api = axios.create();
    const reason = new Error('the vault is sealed');
    clientCertificates(api, Promise.reject(reason));
    const fail = () => api.get(bank.url).catch((error: unknown) => error);
    const lengths = new Set<number>();
    for (let i = 0; i < 20; i++) {
      // axios tells them apart by where they stand.
      expect(await fail()).toBe(reason);
      expect(await fail()).toBe(reason);
      lengths.add(reason.stack!.length);
    }
    expect(lengths.size).toBe(1);
  });

  it('leaves nothing on a cancelToken that many calls have, whether they failed or not', async () => {
    await using credentials = await load();
    const { token } = axios.CancelToken.source();
    const sealed = () => Promise.reject(new Error('the vault is sealed'));
    for (const loading of [() => pause(20, credentials), sealed]) {
      const api = axios.create();
      clientCertificates(api, loading());
      await Promise.allSettled([1, 2].map(() => api.get(bank.url, { cancelToken: token })));
    }
    expect(subjects(bank)).toEqual(['alice', 'alice']);
    expect((token as unknown as { _listeners?: unknown[] })._listeners ?? []).toEqual([]);
  });

  const made = (file: Readable) =>
    Readable.from(
      (async function* () {
        yield* file;
      })(),
    );
  const bodies: [string, (file: Readable) => object][] = [
    ['a body', (file) => file],
    ['a body made of a stream', made],
    ['a file of a form', (file) => ({ name: 'report', file })],
    ['a file of a form made of a stream', (file) => ({ file: made(file) })],
    ['one of several files', (file) => ({ files: ['text', file] })],
    ['a file further down in a form', (file) => ({ reports: [{ 2026: { file } }] })],
    [
      'a file of a form of a class',
      (file) =>
        new (class {
          file = file;
        })(),
    ],
  ];
  it.each(bodies)('%s that breaks meanwhile fails its call, and ends no process', async (what, holding) => {
    const api = axios.create();
    clientCertificates(api, new Promise<Credentials>(() => {}));
    const body = holding(createReadStream(join(tmpdir(), 'clientcert-no-such-file')));
    const answer = what.startsWith('a body') ? api.post(bank.url, body) : api.postForm(bank.url, body);
    await expect(answer).rejects.toMatchObject({ code: 'ENOENT' });
    expect(bank.connections).toBe(0);
  });

  it('a body is not begun where the credentials have failed', async () => {
    const api = axios.create();
    clientCertificates(api, Promise.reject(new Error('the vault is sealed')));
    let begun = 0;
    const give = async function* () {
      begun += 1;
      yield 'text';
    };
    for (let call = 0; call < 2; call += 1)
      await expect(api.post(bank.url, Readable.from(give()))).rejects.toThrow('sealed');
    await pause(20, undefined);
    expect(begun).toBe(0);
  });

  it('a body that ends early meanwhile, as an upload that is handed on, fails its call', async () => {
    const api = axios.create();
    clientCertificates(api, new Promise<Credentials>(() => {}));
    const upload = new PassThrough();
    const answer = api.post(bank.url, upload);
    upload.write('the first half');
    setTimeout(() => upload.destroy());
    await expect(answer).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
  });

  it('an error of another call is sent as a body, whatever that call ended with', async () => {
    await using credentials = await load();
    const failed = await axios.get('http://127.0.0.1:1').catch((error: unknown) => error);
    const api = axios.create();
    clientCertificates(api, pause(20, credentials));
    await api.post(bank.url, failed);
    expect(bank.requests[0]?.body).toContain('ECONNREFUSED');
  });

  it('a body that is whole before the credentials are there is sent', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, pause(20, credentials));
    const upload = new PassThrough();
    upload.end('all of it');
    await api.post(bank.url, upload);
    await api.postForm(bank.url, { file: Readable.from(['text']) });
    expect(subjects(bank)).toEqual(['alice', 'alice']);
  });

  it.each(['signal', 'cancelToken', 'signal of an older library'])(
    'waits no longer than the %s of a call says, and tells it as axios does',
    async (by) => {
      let loaded!: (credentials: Credentials) => void;
      const loading = new Promise<Credentials>((resolve) => {
        loaded = resolve;
      });
      const api = axios.create();
      clientCertificates(api, loading);
      const wanted = new AbortController();
      const { token, cancel } = axios.CancelToken.source();
      const older = new (class {
        get aborted() {
          return wanted.signal.aborted;
        }
        addEventListener(type: 'abort', listener: () => void) {
          wanted.signal.addEventListener(type, listener);
        }
      })();
      const signal = by === 'signal' ? wanted.signal : older;
      const way = by === 'cancelToken' ? { cancelToken: token } : { signal: signal as AbortSignal };
      const calls = [api.get(bank.url, way).catch((error: unknown) => error)];
      setTimeout(() => {
        wanted.abort();
        cancel('not wanted');
      });
      await calls[0];
      calls.push(api.get(bank.url, way).catch((error: unknown) => error));
      for (const error of await Promise.all(calls)) {
        expect(axios.isCancel(error) && axios.isAxiosError(error)).toBe(true);
        expect(error).toMatchObject({ name: 'CanceledError', code: 'ERR_CANCELED' });
      }
      await using credentials = await load();
      loaded(credentials);
      await api.get(bank.url, { signal: new AbortController().signal });
      expect(subjects(bank)).toEqual(['alice']);
    },
  );

  it.each([null, { aborted: false, addEventListener() {}, removeEventListener() {} }])(
    'waits with a signal that is no AbortSignal, as axios takes it: %j',
    async (signal) => {
      const loading = load();
      const api = axios.create();
      clientCertificates(api, loading);
      await api.get(bank.url, { signal: signal as never });
      expect(subjects(bank)).toEqual(['alice']);
      await (await loading).close();
    },
  );

  it('twice is the same as once, and the returned function takes it off', async () => {
    await using credentials = await load();
    const api = axios.create();
    const eject = clientCertificates(api, credentials);
    expect(clientCertificates(api, credentials)).toBe(eject);
    eject();
    await expect(api.get(bank.url)).rejects.toMatchObject({ code: expect.stringContaining('SELF_SIGNED') });
  });

  it('holds where it is installed anew after the interceptors were cleared, and takes off no other', async () => {
    await using credentials = await load();
    await using others = await load();
    const api = axios.create();
    for (const each of [credentials, credentials, others]) {
      clientCertificates(api, each);
      api.interceptors.request.clear();
    }
    api.interceptors.request.use(({ headers, ...config }) => ({
      ...config,
      headers: headers.concat({ 'x-own': 'yes' }),
    }));
    clientCertificates(api, credentials);
    await api.get(bank.url);
    expect(subjects(bank)).toEqual(['alice']);
    expect(bank.requests[0]?.headers['x-own']).toBe('yes');
  });

  it('takes nothing off an instance whose interceptors another one was given', async () => {
    await using credentials = await load();
    await using others = await load();
    const [api, copy] = [axios.create(), axios.create()];
    clientCertificates(api, credentials);
    (api.interceptors.request as unknown as { handlers: { fulfilled: never }[] }).handlers.forEach(
      ({ fulfilled }) => void copy.interceptors.request.use(fulfilled),
    );
    clientCertificates(copy, others);
    await api.get(bank.url);
    expect(subjects(bank)).toEqual(['alice']);
  });

  it('goes on a mock of axios, whose interceptors are two functions', async () => {
    await using credentials = await load();
    const taken: unknown[] = [];
    const mock = { use: () => 7, eject: (id: unknown) => taken.push(id) };
    clientCertificates({ interceptors: { request: mock, response: mock } } as never, credentials)();
    expect(taken).toEqual([7, 7]);
  });

  it('refuses an agent of the caller’s own at a pinned host, and leaves it alone elsewhere', async () => {
    await using credentials = await load();
    const api = axios.create({ httpsAgent: new Agent({ ca: authority.certificate }) });
    clientCertificates(api, credentials);
    await expect(api.get(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    expect(bank.connections).toBe(0);
    await api.get(other.url);
    expect(subjects(other)).toEqual([null]);
  });

  it('holds for a retry that passes the used config again', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    const failure = await api.get(`${bank.url}/status/503`).catch((error) => error);
    await api.request({ ...failure.config, url: bank.url });
    expect(subjects(bank)).toEqual(['alice', 'alice']);
  });

  it('lets a used config change its proxy, its address and its service', async () => {
    await using plain = await startServer({ authority, tls: false });
    await using first = await startProxy({ authority });
    await using second = await startProxy({ authority });
    await using credentials = await load();
    const at = (proxy: { port: number }) => ({ host: '127.0.0.1', port: proxy.port });
    const api = axios.create({ proxy: at(first) });
    clientCertificates(api, credentials);
    let { config } = await api.get(bank.url);
    for (const change of [
      {},
      { proxy: at(second) },
      { url: plain.url },
      { url: bank.urls[1]! },
      { url: bank.url, clientCertificate: 'Archive' },
    ]) {
      ({ config } = await api.request({ ...config, ...change }));
    }
    expect(subjects(bank)).toEqual(['alice', 'alice', 'alice', 'bob', 'bob']);
    expect([first.connects.length, first.forwards.length]).toEqual([1, 0]);
    expect([second.connects.length, second.forwards.length]).toEqual([3, 1]);
  });

  it('waits for a promise of another realm, such as a test runner’s', async () => {
    const Foreign = runInNewContext('Promise') as PromiseConstructor;
    const credentials = await load();
    const api = axios.create();
    clientCertificates(api, Foreign.resolve(credentials));
    await api.get(bank.url);
    expect(subjects(bank)).toEqual(['alice']);
    await credentials.close();
  });
});

describe('HTTP/2', () => {
  /** Not in the types of axios 1.7, which speaks HTTP/1.1 only. */
  const http2 = { httpVersion: 2 } as object;
  const speaksHttp2 = Number(axios.VERSION.split('.')[1]) >= 13;

  it.runIf(speaksHttp2)('keeps services on one host apart, in turn and at once', async () => {
    await using server = await startServer({ authority, host: 'localhost', http2: true });
    await using credentials = await loadFor(server);
    const api = axios.create({ ...http2 });
    clientCertificates(api, credentials);
    const services = [undefined, 'Billing.Invoices', undefined, 'Billing.Invoices', 'Archive'];
    for (const service of services) await api.get(server.url, { clientCertificate: service });
    await Promise.all(services.map((service) => api.get(server.url, { clientCertificate: service })));
    const names = ['alice', 'bob', 'alice', 'bob', 'bob'];
    expect(subjects(server).slice(0, 5)).toEqual(names);
    expect(subjects(server).slice(5).sort()).toEqual([...names].sort());
    expect(new Set(server.requests.map(({ httpVersion }) => httpVersion))).toEqual(new Set(['2.0']));
    const connections = new Map(server.requests.map((seen) => [seen.connection, seen.clientCertificate]));
    for (const { connection, clientCertificate } of server.requests) {
      expect(clientCertificate?.commonName).toBe(connections.get(connection)?.commonName);
    }
    expect(server.connections).toBe(3);
  });

  it.runIf(speaksHttp2)('goes through a proxy, which axios itself cannot', async () => {
    await using server = await startServer({ authority, host: 'localhost', http2: true });
    await using proxy = await startProxy({ authority });
    await using credentials = await loadFor(server);
    const { hostname, port } = new URL(proxy.url);
    const api = axios.create({ ...http2, proxy: { host: hostname, port: Number(port) } });
    clientCertificates(api, credentials);
    await api.get(server.url);
    expect([subjects(server), server.requests[0]?.httpVersion]).toEqual([['alice'], '2.0']);
    expect(proxy.connects).toHaveLength(1);
  });

  it.runIf(speaksHttp2)('refuses a certificate and a connection of the caller’s own', async () => {
    await using server = await startServer({ authority, host: 'localhost', http2: true });
    await using credentials = await loadFor(server);
    const api = axios.create({ ...http2 });
    clientCertificates(api, credentials);
    for (const http2Options of [{ cert: bob.fullChain, key: bob.key }, { createConnection: () => {} }]) {
      const call = api.get(server.url, { http2Options } as object);
      await expect(call).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    }
    expect(server.connections).toBe(0);
  });

  it.runIf(speaksHttp2)('takes a used config again, and other HTTP/2 options of the caller', async () => {
    await using server = await startServer({ authority, host: 'localhost', http2: true });
    await using credentials = await loadFor(server);
    const api = axios.create({ ...http2, http2Options: { sessionTimeout: 50 } } as object);
    clientCertificates(api, credentials);
    const { config } = await api.get(server.url);
    await api.request(config);
    expect(subjects(server)).toEqual(['alice', 'alice']);
    expect(server.connections).toBe(1);
  });
});

it.runIf(Number(axios.VERSION.split('.')[1]) >= 13)(
  'HTTP/2 presents a renewed certificate on a session of its own',
  async () => {
    await using server = await startServer({ authority, host: 'localhost', http2: true });
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-axios-'));
    const source = { cert: join(directory, 'tls.crt'), key: join(directory, 'tls.key') };
    const write = async ({ fullChain, key }: IssuedCertificate) => {
      await writeFile(source.cert, fullChain);
      await writeFile(source.key, key);
    };
    await write(alice);
    await using credentials = await loadCredentials({
      certificates: { bank: { ...source, ca: authority.certificate } },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      watch: false,
    });
    const api = axios.create({ httpVersion: 2, http2Options: { sessionTimeout: 60_000 } } as object);
    clientCertificates(api, credentials);
    const underWay = api.get(`${server.url}/delay?ms=200`);
    await api.get(server.url);
    await write(bob);
    await credentials.reload();
    await api.get(server.url);
    await underWay;
    expect(subjects(server).sort()).toEqual(['alice', 'alice', 'bob']);
    expect(server.connections).toBe(2);
    await credentials.close();
    await expect(api.get(server.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CLOSED' });
    await rm(directory, { recursive: true });
  },
);

describe('redirects', () => {
  it('call the caller’s own beforeRedirect, once, also where a used config comes again', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    const hops: string[] = [];
    const beforeRedirect = (options: Record<string, unknown>) => void hops.push(String(options.path));
    const { config } = await api.get(`${bank.url}/redirect?to=/a`, { beforeRedirect });
    await api.request({ ...config, url: `${bank.url}/redirect?to=/b` });
    expect(hops).toEqual(['/a', '/b']);
  });

  it('refuse an agent that the caller’s own beforeRedirect brings to a pinned host, at that hop or later', async () => {
    await using stranger = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    const https = new Agent({ ca: authority.certificate, cert: bob.fullChain, key: bob.key });
    const to = (url: string) => `/redirect?to=${encodeURIComponent(url)}`;
    for (const brought of [{ agents: { https } }, { agents: undefined, agent: https }]) {
      const bring = (options: object) => void Object.assign(options, brought);
      await expect(api.get(other.url + to(bank.url), { beforeRedirect: bring })).rejects.toMatchObject({
        cause: { code: expect.stringMatching(/AGENT_CONFLICT|REDIRECTION/) },
      });
      const once = (options: { href?: string }) => options.href?.startsWith(stranger.url) && bring(options);
      const call = api.get(bank.url + to(stranger.url + to(bank.url)), { beforeRedirect: once });
      await call.catch(() => {});
    }
    expect(new Set(subjects(bank))).toEqual(new Set(['alice']));
    expect(subjects(stranger)).toEqual(['bob', 'bob']);
  });

  it('of one call say nothing of the next, which is made with the same config', async () => {
    await using plain = await startServer({ authority, tls: false });
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    const { config } = await api.get(`${other.url}/redirect?to=${encodeURIComponent(bank.url)}`);
    await api.request({ ...config, url: `${plain.url}/redirect?to=/here` });
    expect(plain.requests).toHaveLength(2);
  });

  it('are not followed with maxRedirects: 0', async () => {
    await using credentials = await load();
    const api = axios.create({ maxRedirects: 0, validateStatus: () => true });
    clientCertificates(api, credentials);
    const { status } = await api.get(`${bank.url}/redirect?to=${other.url}`);
    expect([status, subjects(bank), subjects(other)]).toEqual([302, ['alice'], []]);
  });

  it('from http to https behind a proxy: through our tunnel, with the pinned certificate', async () => {
    await using plain = await startServer({ authority, tls: false });
    await using proxy = await startProxy({ authority, authentication: { username: 'me', password: 'x' } });
    await using credentials = await load();
    const { hostname, port } = new URL(proxy.url);
    const auth = { username: 'me', password: 'x' };
    const api = axios.create({ proxy: { host: hostname, port: Number(port), auth } });
    clientCertificates(api, credentials);
    const there = `${bank.urls[1]}/redirect?to=${encodeURIComponent(`${bank.url}/here?x=1`)}`;
    await api.get(`${plain.url}/redirect?to=${encodeURIComponent(there)}`);
    expect(bank.requests.map(({ url }) => url)).toEqual([there, `${bank.url}/here?x=1`]);
    expect([subjects(plain), subjects(bank)]).toEqual([[null], ['bob', 'alice']]);
    expect([proxy.forwards.length, proxy.connects.length]).toEqual([1, 2]);
    expect(bank.requests[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  it('from https to http behind a proxy: refused, because axios would go past it', async () => {
    await using plain = await startServer({ authority, tls: false });
    await using proxy = await startProxy({ authority });
    await using credentials = await load();
    const { hostname, port } = new URL(proxy.url);
    const api = axios.create({ proxy: { host: hostname, port: Number(port) } });
    clientCertificates(api, credentials);
    const call = api.get(`${other.url}/redirect?to=${encodeURIComponent(plain.url)}`);
    const { cause } = await call.catch((error) => error);
    expect(`${cause.code} ${cause.cause?.code}`).toContain('ERR_CLIENTCERT_PROXY_UNSUPPORTED');
    expect(plain.connections).toBe(0);
  });
});

describe('other ways to make a request', () => {
  it('a relative URL, with and without a slash, and an absolute one beside baseURL', async () => {
    await using credentials = await load();
    const api = axios.create({ baseURL: `${bank.url}/v1` });
    clientCertificates(api, credentials);
    await api.get('/a', { clientCertificate: 'Archive' });
    await api.get('b', { params: { x: 1 }, clientCertificate: 'Archive' });
    await api.get(`${bank.urls[1]}/c`);
    expect(bank.requests.map(({ url }) => url)).toEqual([
      `${bank.url}/v1/a`,
      `${bank.url}/v1/b?x=1`,
      `${bank.urls[1]}/c`,
    ]);
    expect(subjects(bank)).toEqual(['bob', 'bob', 'bob']);
  });

  const knowsAllowAbsoluteUrls = Number(axios.VERSION.split('.')[1]) >= 8;
  it.runIf(knowsAllowAbsoluteUrls)('a URL that allowAbsoluteUrls: false puts behind baseURL', async () => {
    await using proxy = await startProxy({ authority });
    await using credentials = await load();
    const proxied = { proxy: { host: '127.0.0.1', port: proxy.port } };
    const api = axios.create({ baseURL: `${bank.url}/v1`, allowAbsoluteUrls: false, ...proxied } as object);
    clientCertificates(api, credentials);
    await api.get('http://other.example/x', { clientCertificate: 'Archive' });
    expect(bank.requests.map(({ path }) => path)).toEqual(['/v1/http://other.example/x']);
    expect([subjects(bank), proxy.connects.length, proxy.forwards.length]).toEqual([['bob'], 1, 0]);
  });

  it.skipIf(process.platform === 'win32')('none over a Unix socket, which has no host', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-axios-'));
    const socketPath = join(directory, 'socket');
    const { key, fullChain: cert } = await authority.issue({ name: 'socket', hosts: ['localhost'] });
    const seen: (string | undefined)[] = [];
    const options = { key, cert, ca: authority.certificate, requestCert: true, rejectUnauthorized: false };
    const server = createServer(options, (message, response) => {
      seen.push((message.socket as TLSSocket).getPeerX509Certificate()?.subject);
      response.end();
    }).listen(socketPath);
    await once(server, 'listening');
    try {
      await using credentials = await load();
      // Over a socket Node checks the name ::1, which Node 22 cannot.
      const httpsAgent = credentials.agent({ rejectUnauthorized: false });
      const api = axios.create({ socketPath, httpsAgent });
      clientCertificates(api, credentials);
      await api.get(bank.url);
      await api.get(bank.url, {
        httpsAgent: credentials.agent({ service: false, rejectUnauthorized: false }),
      });
      expect(seen).toEqual([undefined, undefined]);
      expect(bank.connections).toBe(0);
    } finally {
      server.closeAllConnections();
      server.close();
      await rm(directory, { recursive: true });
    }
  });

  it.skipIf(process.platform === 'win32')('a path alone over a Unix socket, as without us', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-axios-'));
    const socketPath = join(directory, 'socket');
    const server = createPlainServer(({ url }, response) => {
      response.statusCode = url === '/info' ? 302 : 200;
      response.setHeader('location', '/to').end(url);
    }).listen(socketPath);
    await once(server, 'listening');
    try {
      await using credentials = await load();
      const [plain, api] = [axios.create({ socketPath }), axios.create({ socketPath })];
      clientCertificates(api, credentials);
      // Older axios takes no path without an origin.
      const sent = (instance: typeof api, config: object) =>
        instance.request(config).then(
          ({ data }) => data,
          (error: { code?: string }) => error.code,
        );
      for (const config of [
        { url: '/info' },
        { url: 'info', baseURL: '/v1' },
        { url: 'http://localhost/info' },
      ])
        expect(await sent(api, config)).toBe(await sent(plain, config));
      expect(await sent(api, { url: 'http://localhost/info' })).toBe('/to');
    } finally {
      server.closeAllConnections();
      server.close();
      await rm(directory, { recursive: true });
    }
  });

  it('a URL, and parameters, that the caller writes on for the next call, as without us', async () => {
    const api = axios.create();
    clientCertificates(api, load());
    const [url, params, data] = [new URL(bank.url), new URLSearchParams(), new URLSearchParams()];
    const calls = ['one', 'two'].map((name) => {
      url.pathname = name;
      params.set('as', name);
      data.set('for', name);
      return api.post(url as never, data, { params });
    });
    class Spaced extends URLSearchParams {
      override toString() {
        return super.toString().replaceAll('+', '%20');
      }
    }
    await Promise.all([...calls, api.post(`${bank.url}/own`, new Spaced({ for: 'a b' }))]);
    const sent = bank.requests.map(({ url, body }) => `${url.slice(bank.url.length)} ${body}`).sort();
    expect(sent).toEqual(['/one?as=one for=one', '/own for=a%20b', '/two?as=two for=two']);
  });

  it.each(['data', 'params'])(
    '%s in whose lists the caller writes for the next call, as without us',
    async (what) => {
      const api = axios.create();
      clientCertificates(api, load());
      const row = { for: '', at: [new Date(0)] };
      const itself: unknown[] = ['x'];
      itself.push({ itself });
      const written = what === 'data' ? { rows: [row] } : { rows: [[row]] };
      const calls = ['one', 'two'].map((name) => {
        row.for = name;
        return api.request({ method: 'post', url: `${bank.url}/${name}`, [what]: written });
      });
      const [error] = await Promise.all([api.post(bank.url, itself).catch((reason) => reason), ...calls]);
      expect(error).toMatchObject({ message: expect.stringMatching(/circular/i) });
      for (const { url, body } of bank.requests) {
        const { pathname, search } = new URL(url);
        expect(`${decodeURIComponent(search)}${body}`).toContain(pathname.slice(1));
        expect(`${search}${body}`).toContain('1970');
      }
      expect(bank.requests).toHaveLength(2);
    },
  );

  it('a form that the caller writes on for the next call, as without us', async () => {
    const api = axios.create();
    clientCertificates(api, load());
    const form = new FormData();
    form.set('file', new File(['text'], 'report.txt'));
    const calls = ['one', 'two'].map((name) => {
      form.set('for', name);
      return api.post(`${bank.url}/${name}`, form);
    });
    await Promise.all(calls);
    for (const { url, body } of bank.requests) {
      const name = url.endsWith('/one') ? 'one' : 'two';
      expect(body).toMatch(new RegExp(`name="for"\\s+${name}\\s`));
      expect(body).toContain('filename="report.txt"');
    }
    expect(bank.requests).toHaveLength(2);
  });

  it('a transport of the caller’s own gets the agent', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    await api.get(bank.url, { transport: { request } });
    expect(subjects(bank)).toEqual(['alice']);
  });

  it('a copy by create has none of it, as it has no interceptor; its defaults hold no agent of ours', async () => {
    await using credentials = await load();
    const api = axios.create();
    clientCertificates(api, credentials);
    await api.get(bank.url);
    expect(api.defaults.httpsAgent).toBeUndefined();
    expect(axios.create(api.defaults as object).defaults.httpsAgent).toBeUndefined();
  });

  it('before and after other interceptors, whichever of them writes the URL', async () => {
    await using credentials = await load();
    const first = axios.create();
    clientCertificates(first, credentials);
    first.interceptors.request.use((config) => ({ ...config, url: bank.urls[1]! }));
    const last = axios.create();
    last.interceptors.request.use((config) => ({ ...config, url: bank.urls[1]! }));
    clientCertificates(last, credentials);
    await first.get(bank.url);
    await last.get(bank.url);
    expect(subjects(bank)).toEqual(['bob', 'bob']);
  });

  it('an interceptor that runs after ours may not bring an agent to a pinned host', async () => {
    await using credentials = await load();
    const httpsAgent = new Agent({ ca: authority.certificate, cert: bob.fullChain, key: bob.key });
    const api = axios.create();
    api.interceptors.request.use((config) => ({ ...config, httpsAgent }));
    clientCertificates(api, credentials);
    await expect(api.get(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    expect(bank.connections).toBe(0);
    await api.get(other.url);
    expect(subjects(other)).toEqual(['bob']);
  });

  it('an interceptor that runs after ours may change scheme and adapter', async () => {
    await using plain = await startServer({ authority, tls: false });
    await using proxy = await startProxy({ authority });
    await using credentials = await load();
    let change: object;
    const api = axios.create({ proxy: { host: '127.0.0.1', port: proxy.port } });
    api.interceptors.request.use((config) => Object.assign(config, change));
    clientCertificates(api, credentials);
    change = { url: bank.url };
    await api.get(plain.url);
    change = { url: plain.url };
    await api.get(bank.url);
    expect([proxy.connects.length, proxy.forwards.length]).toEqual([1, 1]);
    change = { url: bank.urls[1], adapter: 'fetch' };
    const { config } = await api.get(bank.url);
    expect(config.fetchOptions).toHaveProperty('dispatcher');
    expect([subjects(bank), subjects(plain)]).toEqual([['alice', 'bob'], [null]]);
  });

  it.each([
    ['a URL', ({ hostname, port }: URL) => new URL(`http://me:p%20w@${hostname}:${port}`)],
    [
      'what is like a URL',
      ({ hostname, host, port }: URL) => ({ hostname, host, port, username: 'me', password: 'p w' }),
    ],
    [
      'a scheme with a colon',
      ({ hostname, port }: URL) => ({
        protocol: 'http:',
        host: hostname,
        port,
        auth: { username: 'me', password: 'p w' },
      }),
    ],
    ['authorization as a text', ({ hostname, port }: URL) => ({ host: hostname, port, auth: 'me:p w' })],
  ])('a proxy may be written as %s', async (_, write) => {
    await using proxy = await startProxy({ authority, authentication: { username: 'me', password: 'p w' } });
    await using credentials = await load();
    const api = axios.create({ proxy: write(new URL(proxy.url)) as never });
    clientCertificates(api, credentials);
    await api.get(bank.url);
    expect(subjects(bank)).toEqual(['alice']);
    expect(proxy.connects.map(({ status }) => status)).toEqual([200]);
  });

  it('an agent of credentials.agent() is as good as the adapter’s own', async () => {
    await using credentials = await load();
    const api = axios.create({ httpsAgent: credentials.agent({ service: 'Billing.Invoices' }) });
    clientCertificates(api, credentials);
    await api.get(bank.url);
    expect(subjects(bank)).toEqual(['bob']);
  });

  it('with fetch, a dispatcher or a fetch of the caller’s own is refused at a pinned host only', async () => {
    await using credentials = await load();
    const api = axios.create({ adapter: 'fetch' });
    clientCertificates(api, credentials);
    const mine = { dispatch: () => true };
    for (const brought of [
      { fetchOptions: { dispatcher: mine } },
      { fetchOptions: { dispatcher: 'mine' } },
      { env: { fetch: () => {} } },
    ]) {
      await expect(api.get(bank.url, brought as object)).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      });
    }
    expect(bank.connections).toBe(0);
  });

  it('with fetch, a global dispatcher that is more than an Agent is refused at a pinned host', async () => {
    await using credentials = await load();
    const api = axios.create({ adapter: 'fetch' });
    clientCertificates(api, credentials);
    const restore = keepGlobalDispatcher();
    try {
      const connect = () => {
        throw new Error('a way of its own');
      };
      const others = [new EnvHttpProxyAgent(), new ProxyAgent('http://127.0.0.1:9')];
      const socket = new UndiciAgent({ socketPath: '/run/proxy.sock' } as UndiciAgent.Options);
      for (const own of [...others, new UndiciAgent({ connect }), socket]) {
        setGlobalDispatcher(own);
        await expect(api.get(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      }
    } finally {
      restore();
    }
    expect(bank.connections).toBe(0);
  });

  it('with fetch, what undici 8 puts in front of its Agent when it is loaded is that Agent, and no other way', async () => {
    await using stranger = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await load();
    const api = axios.create({ adapter: 'fetch' });
    clientCertificates(api, credentials);
    const restore = keepGlobalDispatcher();
    // For the fetch of Node 22 and 24, which has other handlers.
    class Dispatcher1Wrapper extends Dispatcher {
      override readonly dispatch: Dispatcher['dispatch'];

      constructor(inner: Dispatcher) {
        super();
        this.dispatch = (options, handler) => inner.dispatch(options, handler);
      }
    }
    const load8 = (own: Dispatcher) => {
      setGlobalDispatcher(own);
      const globals = globalThis as Record<symbol, unknown>;
      globals[Symbol.for('undici.globalDispatcher.2')] = own;
      globals[Symbol.for('undici.globalDispatcher.1')] = new Dispatcher1Wrapper(own);
    };
    const own = new UndiciAgent({ connect: { ca: authority.certificate } });
    const mock = new MockAgent();
    mock.get(bank.url).intercept({ path: '/', method: 'POST', body: 'x' }).reply(200, 'mocked');
    try {
      load8(own);
      await api.get(bank.url);
      await api.get(`${stranger.url}/redirect?to=${encodeURIComponent(bank.url)}`);
      load8(mock);
      expect(await api.post(bank.url, 'x')).toMatchObject({ data: 'mocked' });
      load8(new ProxyAgent('http://127.0.0.1:9'));
      await expect(api.get(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    } finally {
      restore();
      await own.close();
    }
    expect([subjects(stranger), subjects(bank)]).toEqual([[null], ['alice', 'alice']]);
  });

  it('with fetch, hosts that no rule names are left to the process’s own Agent', async () => {
    await using stranger = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await load();
    const api = axios.create({ adapter: 'fetch' });
    clientCertificates(api, credentials);
    const restore = keepGlobalDispatcher();
    const own = new UndiciAgent({ connect: { ca: authority.certificate } });
    try {
      setGlobalDispatcher(own);
      await api.get(stranger.url);
      await api.get(`${stranger.url}/redirect?to=${encodeURIComponent(bank.url)}`);
    } finally {
      restore();
      await own.close();
    }
    expect([subjects(stranger), subjects(bank)]).toEqual([[null, null], ['alice']]);
  });

  it('with fetch, a MockAgent answers, as the dispatcher of a call and as the global one', async () => {
    await using credentials = await load();
    const mock = new MockAgent();
    mock.get(bank.url).intercept({ path: '/', method: 'POST' }).reply(200, 'mocked').times(2);
    const api = axios.create({ adapter: 'fetch' });
    clientCertificates(api, credentials);
    const restore = keepGlobalDispatcher();
    const answers = [await api.post(bank.url, 'x', { fetchOptions: { dispatcher: mock } })];
    try {
      setGlobalDispatcher(mock);
      answers.push(await api.post(bank.url, 'x'));
    } finally {
      restore();
    }
    expect(answers.map(({ data }) => data)).toEqual(['mocked', 'mocked']);
    expect(bank.connections).toBe(0);
  });
});

async function loadFor(server: TestServer): Promise<Credentials> {
  const ca = authority.certificate;
  return await loadCredentials({
    certificates: {
      alice: { cert: alice.fullChain, key: alice.key, ca },
      bob: { cert: bob.fullChain, key: bob.key, ca },
    },
    hosts: { [`localhost:${server.port}`]: 'alice' },
    services: {
      'Billing.Invoices': { certificate: 'bob', hosts: [`localhost:${server.port}`] },
      Archive: 'bob',
    },
  });
}
