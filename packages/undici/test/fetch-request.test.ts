import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { startServer, type TestServer } from '@clientcert/testing';
import * as undici from 'undici';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { isBuilt } from '../../../test/built.ts';
import { type Credentials, createFetch } from '../src/index.ts';
import { codesOf, createPeople, load, type People, startBank, subjects } from './ground.ts';

const kinds = [
  ['Node’s fetch', { fetch, Request, Headers, FormData }],
  ['undici’s fetch', undici],
] as const;

let people: People;
let bank: TestServer;
/** Over plain HTTP, for the fetch without us. */
let plain: TestServer;

beforeAll(async () => {
  people = await createPeople();
});
beforeEach(async () => {
  bank = await startBank(people);
  plain = await startServer({ tls: false });
});
afterEach(() => Promise.all([bank.close(), plain.close()]));

type Arguments = readonly [input: unknown, init?: object];

/** One call of fetch, whose every message is to be the same with us and without. */
type Call = (url: string, kit: (typeof kinds)[number][1]) => Arguments;

class Deferred {
  get method() {
    return 'PUT';
  }
  get headers() {
    return { 'x-a': 'getter' };
  }
  get body() {
    return 'from a getter';
  }
}

const calls: Readonly<Record<string, Call>> = {
  'a Request': (url, { Request }) => [
    new Request(url, { method: 'PUT', body: 'text', headers: { 'x-a': 'b' } }),
  ],
  'a URL and a Request': (url, { Request }) => [
    url,
    new Request('http://elsewhere.example', { method: 'POST', body: 'text', headers: { 'x-a': 'b' } }),
  ],
  'a Request and a Request': (url, { Request }) => [
    new Request(url, { method: 'PUT', body: 'one', headers: { 'x-a': 'one' } }),
    new Request('http://elsewhere.example', { method: 'PATCH', body: 'two', headers: { 'x-a': 'two' } }),
  ],
  'a Request and a body': (url, { Request }) => [new Request(url, { method: 'PUT' }), { body: 'two' }],
  'getters on a prototype': (url) => [url, new Deferred()],
  'a function': (url) => [url, Object.assign(() => {}, { method: 'PUT', body: 'of a function' })],
  'an object that inherits': (url) => [url, Object.create({ method: 'PUT', body: 'inherited' })],
  'an object of no prototype': (url) => [
    url,
    Object.assign(Object.create(null), { method: 'PUT', body: 'x' }),
  ],
  'a URL object': (url) => [new URL('/path?a=b', url), { method: 'DELETE' }],
  'a stream': (url) => [
    url,
    {
      method: 'POST',
      duplex: 'half',
      body: Readable.toWeb(Readable.from([Buffer.from('ab'), Buffer.from('cd')])),
    },
  ],
  'pairs of headers': (url) => [
    url,
    {
      headers: [
        ['x-a', '1'],
        ['x-a', '2'],
      ],
    },
  ],
  Headers: (url, { Headers }) => [url, { headers: new Headers({ 'x-a': 'b' }) }],
  URLSearchParams: (url) => [url, { method: 'POST', body: new URLSearchParams({ a: 'b' }) }],
  bytes: (url) => [url, { method: 'POST', body: new Uint8Array([65, 66]) }],
  'referrer, redirect, credentials, mode, cache': (url) => [
    url,
    { referrer: 'about:client', redirect: 'manual', credentials: 'omit', mode: 'cors', cache: 'no-store' },
  ],
};

/** Loaded, and while it is being loaded. */
const loads = [
  ['loaded', (credentials: Credentials) => credentials],
  [
    'a promise',
    (credentials: Credentials) => new Promise<Credentials>((done) => setTimeout(done, 5, credentials)),
  ],
] as const;

describe.each(kinds)('createFetch over %s sends what it sends', (_, kit) => {
  it.each(
    loads.flatMap(([when, given]) =>
      Object.entries(calls).map(([name, call]) => [when, name, call, given] as const),
    ),
  )('credentials: %s: %s', async (_, __, call, given) => {
    await using credentials = await load(people, bank);
    const fetch = kit.fetch as (input: unknown, init?: object) => Promise<Response>;
    const ours = createFetch(given(credentials), { fetch });
    await (await fetch(...call(plain.url, kit))).text();
    await (await ours(...(call(bank.url, kit) as [string, object]))).text();
    // Over TLS fetch accepts one encoding more.
    const sent = [plain, bank].map(({ requests }) =>
      requests.map(({ method, path, body, headers: { host: _, 'accept-encoding': __, ...headers } }) => ({
        method,
        path,
        body,
        headers,
      })),
    );
    expect(sent[1]).toEqual(sent[0]);
    expect(sent[1]).toHaveLength(1);
    expect(subjects(bank)).toEqual(['alice']);
  });

  it.each(loads)('credentials: %s: and ends with the signal of a Request given as init', async (_, given) => {
    await using credentials = await load(people, bank);
    const ours = createFetch(given(credentials), { fetch: kit.fetch as typeof fetch });
    for (const before of [true, false]) {
      const wanted = new AbortController();
      const reason = new Error('no longer wanted');
      const init = new kit.Request('http://elsewhere.example', { signal: wanted.signal });
      if (before) wanted.abort(reason);
      const sent = ours(`${bank.url}/delay?ms=10000`, init as RequestInit);
      setTimeout(() => wanted.abort(reason), 50);
      await expect(sent).rejects.toBe(reason);
    }
  });

  it.each(loads)('credentials: %s: nor does it mix messages whose parts are used again', async (_, given) => {
    await using credentials = await load(people, bank);
    const ours = createFetch(given(credentials), { fetch: kit.fetch as typeof fetch });
    const params = new URLSearchParams();
    const form = new kit.FormData();
    const bytes = Buffer.alloc(5, 'for 1');
    const parts: [body: RequestInit['body'], use: (user: string) => unknown][] = [
      [params, (user) => params.set('for', user)],
      [form, (user) => form.set('for', user)],
      [bytes, (user) => bytes.write(user, 4)],
      [bytes.buffer, (user) => bytes.write(user, 4)],
    ];
    const sent: Promise<Response>[] = [];
    for (const [body, use] of parts) {
      for (const user of ['1', '2']) {
        use(user);
        sent.push(ours(bank.url, { method: 'POST', body, headers: { 'x-for': user } }));
      }
      use('3');
    }
    const request = new kit.Request(bank.url, { method: 'POST', body: 'for 1', headers: { 'x-for': '1' } });
    sent.push(ours(request as Request));
    request.headers.set('x-for', '3');
    for (const answer of await Promise.all(sent)) await answer.text();
    expect(bank.requests).toHaveLength(9);
    for (const { headers, body } of bank.requests) {
      expect(`${body}`).toMatch(new RegExp(`^(.*for[^\\d]+)${headers['x-for']}\\b`, 's'));
    }
  });

  it.each(loads)('credentials: %s: nor lists and URLs that fetch makes a text of', async (_, given) => {
    await using credentials = await load(people, bank);
    const ours = createFetch(given(credentials), { fetch: kit.fetch as typeof fetch });
    const list = ['1'];
    const url = new URL('/1', bank.url);
    const inits: object[] = [
      { headers: { 'x-for': list } },
      { headers: { 'x-for': url } },
      { headers: [['x-for', url]] },
      { referrer: url, referrerPolicy: 'unsafe-url' },
      { method: 'POST', body: list },
      { method: 'POST', body: url },
    ];
    const sent = inits.map((init) => ours(bank.url, init));
    list[0] = '2';
    url.pathname = '/2';
    for (const answer of await Promise.all(sent)) await answer.text();
    const said = bank.requests.map(({ headers, body }) => headers['x-for'] ?? headers.referer ?? `${body}`);
    expect(said.sort()).toEqual(['1', '1', ...Array(4).fill(`${bank.url}/1`)]);
  });

  it('waits for certificates whatever becomes of the signal of a Request, where the init says null', async () => {
    await using credentials = await load(people, bank);
    const wanted = new AbortController();
    const loading = new Promise<Credentials>((resolve) => setTimeout(resolve, 50, credentials));
    const ours = createFetch(loading, { fetch: kit.fetch as typeof fetch });
    const request = new kit.Request(bank.url, { signal: wanted.signal }) as Request;
    const sent = ours(request, { signal: null });
    wanted.abort();
    expect((await sent).status).toBe(200);
  });

  it('ends the stream that it does not come to read, because the certificates do not load or nobody waits for them', async () => {
    const signal = AbortSignal.timeout(50);
    const ours = createFetch(new Promise<Credentials>(() => {}), { fetch: kit.fetch as typeof fetch });
    const broken = Promise.reject<Credentials>(new Error('no such file'));
    const failing = createFetch(broken, { fetch: kit.fetch as typeof fetch });
    const open = new Set<unknown>();
    const streamOf = () => {
      const body = new ReadableStream({ cancel: () => void open.delete(body) });
      open.add(body);
      return body;
    };
    const init = () => ({ method: 'POST', body: streamOf(), duplex: 'half', signal }) as RequestInit;
    const request = () => new kit.Request(bank.url, init() as undici.RequestInit & RequestInit) as Request;
    const node = new Readable({ read() {} });
    const calls = [ours(bank.url, init()), ours(request()), failing(bank.url, init()), failing(request())];
    calls.push(ours(bank.url, Object.assign(init(), { body: node })));
    for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected');
    expect([open.size, node.destroyed, bank.connections]).toEqual([1, true, 0]); // one was not given
  });

  it('fails with a stream that breaks while certificates load, and ends no process', async () => {
    const ours = createFetch(new Promise<Credentials>(() => {}), { fetch: kit.fetch as typeof fetch });
    const body = new Readable({ read() {} });
    setTimeout(() => body.destroy(new Error('gone')), 10);
    const init = { method: 'POST', body, duplex: 'half' } as unknown as RequestInit;
    await expect(ours(bank.url, init)).rejects.toThrow('gone');
    const file = createReadStream(join(tmpdir(), 'clientcert-no-such-file'));
    const closed = new Promise<void>((resolve) => file.once('close', resolve));
    const unwanted = { ...init, body: file, signal: AbortSignal.abort() } as unknown as RequestInit;
    await expect(ours(bank.url, unwanted)).rejects.toThrow('aborted');
    await closed;
    expect(bank.connections).toBe(0);
  });

  it('ends no process where a stream breaks beneath a Request or a generator, and sends what was read ahead', async () => {
    await using credentials = await load(people, bank);
    const later = () => new Promise<Credentials>((resolve) => setTimeout(resolve, 50, credentials));
    const give = async function* (body: Readable) {
      yield* body;
    };
    const makes: ((body: Readable) => [input: Request | string, init?: object])[] = [
      (body) => [new kit.Request(bank.url, { method: 'POST', body, duplex: 'half' } as object) as Request],
      (body) => [bank.url, { method: 'POST', body: give(body), duplex: 'half' }],
      (body) => [bank.url, { method: 'POST', body: Readable.from(give(body)), duplex: 'half' }],
    ];
    for (const make of makes) {
      const broken = new Readable({ read() {} });
      setTimeout(() => broken.destroy(new Error('gone')), 10);
      const ours = createFetch(later(), { fetch: kit.fetch as typeof fetch });
      await expect(ours(...make(broken))).rejects.toThrow();
      const whole = Readable.from([Buffer.from('one '), Buffer.from('two')]);
      await (await createFetch(later(), { fetch: kit.fetch as typeof fetch })(...make(whole))).text();
      expect(`${bank.requests.at(-1)?.body}`).toBe('one two');
    }
  });

  it('ends a generator that it has begun where the call fails, whether fetch came to it or not', async () => {
    await using credentials = await load(people, bank);
    let open = 0;
    const give = async function* () {
      open += 1;
      try {
        yield Buffer.from('one ');
        yield Buffer.from('two');
      } finally {
        open -= 1;
      }
    };
    const later = () => new Promise<Credentials>((resolve) => setTimeout(resolve, 20, credentials));
    const failing: [url: string, init?: object, loading?: () => Promise<Credentials>][] = [
      ['https://localhost:1'],
      [bank.url, { redirect: 'nonsense' }],
      [bank.url, { method: 'GET' }],
      [bank.url, {}, () => Promise.reject(new Error('no certificates'))],
      [bank.url, { signal: AbortSignal.abort() }],
    ];
    for (const [url, init, loading = later] of failing) {
      const ours = createFetch(loading(), { fetch: kit.fetch as typeof fetch });
      const call = ours(url, { method: 'POST', body: give(), duplex: 'half', ...init } as object);
      await expect(call).rejects.toThrow();
      await vi.waitFor(() => expect(open).toBe(0));
    }
  });

  it('sends, and ends, what an iterator made by hand gives, which answers at once', async () => {
    await using credentials = await load(people, bank);
    const end = vi.fn(() => ({ done: true }));
    const give = () => {
      const parts = ['one ', 'two'].map((part) => ({ done: false, value: Buffer.from(part) }));
      const next = () => parts.shift() ?? { done: true };
      return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
    };
    const init = () => ({ method: 'POST', body: give(), duplex: 'half' }) as unknown as RequestInit;
    const later = new Promise<Credentials>((resolve) => setTimeout(resolve, 20, credentials));
    const answer = await createFetch(later, { fetch: kit.fetch as typeof fetch })(bank.url, init());
    expect([answer.status, bank.requests.at(-1)?.body]).toEqual([200, 'one two']);
    end.mockClear();
    const broken = Promise.reject<Credentials>(new Error('no certificates'));
    const failing = createFetch(broken, { fetch: kit.fetch as typeof fetch })(bank.url, init());
    await expect(failing).rejects.toThrow('no certificates');
    expect(end).toHaveBeenCalledOnce();
  });

  it('refuses what is no init, as fetch does', async () => {
    await using credentials = await load(people, bank);
    const ours = createFetch(credentials, { fetch: kit.fetch as typeof fetch });
    for (const init of ['POST', 5, true]) {
      await expect(ours(bank.url, init as unknown as object)).rejects.toThrow(TypeError);
    }
    expect(bank.requests).toEqual([]);
  });

  it('refuses a dispatcher that an init inherits, and takes no certificate from it unasked', async () => {
    await using credentials = await load(people, bank);
    const ours = createFetch(credentials, { fetch: kit.fetch as typeof fetch });
    const dispatcher = new undici.Agent();
    const sent = ours(bank.url, Object.create({ dispatcher }));
    expect(await codesOf(sent)).toContain('ERR_CLIENTCERT_AGENT_CONFLICT');
    await (await ours(bank.url, Object.create({ clientCertificate: 'Archive' }))).text();
    expect(subjects(bank)).toEqual(['bob']);
    await dispatcher.close();
  });
});

describe('in the place of Node’s own fetch', () => {
  afterEach(() => void vi.unstubAllGlobals());

  it.each(loads)('credentials: %s: goes over what was there before', async (_, given) => {
    await using credentials = await load(people, bank);
    vi.stubGlobal('fetch', createFetch(given(credentials)));
    await (await fetch(bank.url)).text();
    await (await fetch(bank.url, { clientCertificate: 'Archive' } as RequestInit)).text();
    expect(subjects(bank)).toEqual(['alice', 'bob']);
  });

  it('and so does what wraps it', async () => {
    await using credentials = await load(people, bank);
    const ours = createFetch(credentials);
    vi.stubGlobal('fetch', async (input: string, init?: RequestInit) => {
      await null;
      return ours(input, { ...init, headers: { 'x-by': 'wrapper' } });
    });
    await (await fetch(bank.url)).text();
    expect(bank.requests.map(({ headers }) => headers['x-by'])).toEqual(['wrapper']);
    expect(subjects(bank)).toEqual(['alice']);
  });

  it('and a second one over the first, each by its own rules', async () => {
    await using credentials = await load(people, bank);
    const other = await startBank(people);
    await using others = await load(people, other);
    vi.stubGlobal('fetch', createFetch(others));
    vi.stubGlobal('fetch', createFetch(credentials));
    await (await fetch(bank.url)).text();
    const refused = codesOf(fetch(other.url));
    expect(await refused).toContain('ERR_CLIENTCERT_AGENT_CONFLICT');
    expect([subjects(bank), other.connections]).toEqual([['alice'], 0]);
    await other.close();
  });

  it.skipIf(isBuilt)('and one over that of another copy of this package', async () => {
    await using credentials = await load(people, bank);
    const other = await startBank(people);
    await using others = await load(people, other);
    vi.resetModules();
    const copy = await import('../src/index.ts');
    expect(copy.createFetch).not.toBe(createFetch);
    vi.stubGlobal('fetch', copy.createFetch(others));
    vi.stubGlobal('fetch', createFetch(credentials));
    await (await fetch(bank.url)).text();
    expect(subjects(bank)).toEqual(['alice']);
    await other.close();
  });
});
