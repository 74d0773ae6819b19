import { AsyncResource } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  type RequestHandler,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { Agent, type Dispatcher, interceptors, request } from 'undici';
import manifest from 'undici/package.json' with { type: 'json' };
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, clientCertificates, createDispatcher, loadCredentials } from '../src/index.ts';
import { subjects } from './ground.ts';

type Interceptor = Dispatcher.DispatcherComposeInterceptor;

/** Not all of them are in the oldest undici. */
const { cache, deduplicate, decompress } = interceptors as {
  cache?: (options?: object) => Interceptor;
  deduplicate?: () => Interceptor;
  decompress?: (options?: object) => Interceptor;
};
const redirect = interceptors.redirect({ maxRedirections: 5 });
/** Whether `interceptors.dns` hands errors on to `interceptors.redirect`: at first it called what that does not have. */
const dnsFails = !/^7\.[0-2]\./.test(manifest.version);

const kinds = [
  [
    'the interceptor over an Agent',
    (credentials: Credentials, ...following: Interceptor[]) =>
      new Agent().compose(clientCertificates(credentials), ...following),
  ],
  [
    'the dispatcher',
    (credentials: Credentials, ...following: Interceptor[]) =>
      createDispatcher(credentials).compose(...following),
  ],
] as const;

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
let bank: TestServer;
/** What the bank redirects to. */
let elsewhere: string;

beforeAll(async () => {
  authority = await createAuthority();
  [alice, bob] = await Promise.all([authority.issue({ name: 'alice' }), authority.issue({ name: 'bob' })]);
});
beforeEach(async () => {
  bank = await startServer({
    authority,
    host: 'localhost',
    clientCertificate: 'optional',
    http2: true,
    handler,
  });
});
afterEach(() => bank.close());

/** Anybody may keep what it answers, as far as it is concerned. */
const handler: RequestHandler = (incoming, answer, { clientCertificate }) => {
  if (incoming.url === '/elsewhere') {
    answer.writeHead(307, { location: elsewhere, 'content-encoding': 'gzip' });
    answer.end(gzipSync('x'.repeat(100_000)));
    return;
  }
  if (incoming.url === '/statement') {
    answer.writeHead(307, { location: `${elsewhere}?of=${clientCertificate?.commonName}` }).end();
    return;
  }
  answer.writeHead(200, { 'cache-control': 'public, max-age=60', 'content-type': 'text/plain' });
  setTimeout(() => answer.end(clientCertificate?.commonName ?? 'nobody'), 20);
};

function load(
  rule: 'alice' | { ca: string } | { certificate: 'alice'; allowDowngrade: true } = 'alice',
): Promise<Credentials> {
  return loadCredentials({
    certificates: {
      alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate },
      bob: { cert: bob.fullChain, key: bob.key, ca: authority.certificate },
    },
    hosts: { [`localhost:${bank.port}`]: rule },
    services: { Archive: 'bob' },
  });
}

/** Who the bank takes each of these for, by its answers. */
const identities = () =>
  [
    [undefined, 'alice'],
    [{ service: 'Archive', origin: bank.url }, 'bob'],
    [false, 'nobody'],
    [undefined, 'alice'],
  ] as const;

/** Goes where it is redirected to, by a handler that is given headers as they came. */
const followingAsBefore = ((dispatch) => (options, handler) => {
  let location: string | undefined;
  const before = {
    onConnect() {},
    onHeaders(_: number, headers: Buffer[]) {
      const at = headers.findIndex((each) => `${each}`.toLowerCase() === 'location');
      location = `${headers[at + 1]}`;
      return true;
    },
    onData: () => true,
    onComplete: () => dispatch({ ...options, origin: new URL(location!).origin, path: '/' }, handler),
    onError: (error: Error) => handler.onResponseError!(undefined as never, error),
  };
  return dispatch(options, before as object as Dispatcher.DispatchHandler);
}) satisfies Interceptor;

const names = ['onRequestStart', 'onResponseStart', 'onResponseData', 'onResponseEnd', 'onResponseError'];
const namesBefore = ['onConnect', 'onHeaders', 'onData', 'onComplete', 'onError'];

/** Passes everything on, as what is made for undici 6 and for later ones does. */
const ofBothKinds = ((dispatch) => (options, handler) => {
  const next = handler as Record<string, ((...args: unknown[]) => unknown) | undefined>;
  const both = [...names, ...namesBefore].map((name) => [
    name,
    (...args: unknown[]) => next[name]?.(...args),
  ]);
  return dispatch(options, Object.fromEntries(both));
}) satisfies Interceptor;

/** Has what comes of an answer happen in the context of the request. */
const inContext = ((dispatch) => (options, handler) => {
  const next = handler as Record<string, (...args: unknown[]) => void>;
  const own = new AsyncResource('request');
  for (const name of names) {
    Object.assign(own, { [name]: (...args: unknown[]) => own.runInAsyncScope(() => next[name]!(...args)) });
  }
  return dispatch(options, own as object);
}) satisfies Interceptor;

async function ask(dispatcher: Dispatcher, clientCertificate: ReturnType<typeof identities>[number][0]) {
  return (await request(bank.url, { dispatcher, clientCertificate })).body.text();
}

describe.each(kinds)('over %s', (_, compose) => {
  it.runIf(cache).each(['shared', 'private'])(
    'interceptors.cache, %s, gives no identity the answer to another',
    async (type) => {
      await using credentials = await load();
      const dispatcher = compose(credentials, cache!({ type }));
      for (const [identity, name] of [...identities(), ...identities().toReversed()]) {
        expect(await ask(dispatcher, identity)).toBe(name);
      }
      await dispatcher.close();
    },
  );

  it.runIf(cache)('nor where an interceptor in between keeps the context of a request', async () => {
    await using credentials = await load();
    const dispatcher = compose(credentials, inContext, cache!());
    for (const [identity, name] of identities()) expect(await ask(dispatcher, identity)).toBe(name);
    await dispatcher.close();
  });

  it('handlers that are of the kind of undici 6 as well pass answers on to those that are not', async () => {
    elsewhere = `${bank.url}/`;
    await using credentials = await load();
    const dispatcher = compose(credentials, ofBothKinds, redirect);
    const { body } = await request(`${bank.url}/statement`, { dispatcher });
    expect(await body.text()).toBe('alice');
    await dispatcher.close();
  });

  it.runIf(cache)(
    'interceptors.cache gives no service the answer to nobody, where a rule that names none names the host',
    async () => {
      await using credentials = await load({ ca: authority.certificate });
      const dispatcher = compose(credentials, cache!());
      const archive = { service: 'Archive', origin: bank.url } as const;
      expect(await ask(dispatcher, undefined)).toBe('nobody');
      expect(await ask(dispatcher, archive)).toBe('bob');
      expect(await ask(dispatcher, undefined)).toBe('nobody');
      await dispatcher.close();
    },
  );

  describe.runIf(cache)('attack: identities that mix', () => {
    it('interceptors.cache keeps nothing that the answer to one of them led to by a redirect', async () => {
      await using files = await startServer({
        tls: false,
        handler: (incoming, answer) => {
          answer.setHeader('cache-control', 'public, max-age=60');
          if (incoming.url === '/') answer.writeHead(307, { location: `${bank.url}/statement` });
          else if (incoming.url?.startsWith('/signed'))
            answer.writeHead(307, { location: incoming.url.slice(7) });
          answer.end(incoming.url);
        },
      });
      elsewhere = `${files.url}/signed/file`;
      await using credentials = await load({ certificate: 'alice', allowDowngrade: true });
      const dispatcher = compose(credentials, redirect, cache!());
      for (const url of [`${bank.url}/statement`, files.url]) {
        for (const [identity, name] of [...identities(), ...identities().toReversed()]) {
          const { body, headers } = await request(url, { dispatcher, clientCertificate: identity });
          const of = name === 'nobody' ? undefined : name;
          expect([await body.text(), headers.vary]).toEqual([`/file?of=${of}`, '*']);
        }
      }
      // What comes over one of these connections later is not of them.
      const { body, headers } = await request(`${files.url}/signed/other`, { dispatcher });
      expect([await body.text(), headers.vary]).toEqual(['/other', undefined]);
      await dispatcher.close();
    });
  });

  describe.runIf(cache)('attack: identities that mix', () => {
    it('nor where interceptors.retry has it asked for again', async () => {
      const asked = new Set<string>();
      await using files = await startServer({
        tls: false,
        handler: (incoming, answer) => {
          const isFirst = !asked.has(incoming.url!);
          asked.add(incoming.url!);
          answer.writeHead(isFirst ? 503 : 200, { 'cache-control': 'public, max-age=60' }).end(incoming.url);
        },
      });
      elsewhere = `${files.url}/file`;
      await using credentials = await load({ certificate: 'alice', allowDowngrade: true });
      const retry = interceptors.retry({ minTimeout: 1, timeoutFactor: 1 });
      const dispatcher = compose(credentials, retry, redirect, cache!());
      for (const [clientCertificate, name] of identities()) {
        const { body, headers } = await request(`${bank.url}/statement`, { dispatcher, clientCertificate });
        const of = name === 'nobody' ? undefined : name;
        expect([await body.text(), headers.vary]).toEqual([`/file?of=${of}`, '*']);
      }
      await dispatcher.close();
    });
  });

  it('other credentials over these hide no redirect to plain HTTP', async () => {
    await using plain = await startServer({ tls: false });
    await using server = await startServer({
      authority,
      host: 'localhost',
      handler: ({ url }, answer) => answer.writeHead(307, { location: url === '/' ? plain.url : '/' }).end(),
    });
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      services: { Billing: { certificate: 'alice', hosts: [`localhost:${server.port}`] } },
    });
    await using others = await loadCredentials({
      certificates: { bob: { cert: bob.fullChain, key: bob.key } },
      hosts: { 'elsewhere.example': 'bob' },
    });
    const own = clientCertificates(credentials, { service: 'Billing' });
    const dispatcher = compose(others, own, clientCertificates(others), redirect);
    for (const path of ['/', '/first']) {
      const sent = request(`${server.url}${path}`, { dispatcher, method: 'POST', body: 'IBAN' });
      await expect(sent).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_DOWNGRADE' });
    }
    expect(subjects(server)).toEqual(Array(3).fill('alice'));
    expect(plain.requests).toEqual([]);
    await dispatcher.close();
  });

  it('an answer is what an Agent gives: names as the server writes them, trailers, and no more than is read', async () => {
    await using server = await startServer({
      authority,
      host: 'localhost',
      handler: (incoming, answer) => {
        answer.writeHead(200, { 'X-Account': ['1', '2'], Vary: 'Accept', Trailer: 'X-Sum' });
        answer.addTrailers({ 'X-Sum': '7' });
        answer.end(incoming.url === '/long' ? 'x'.repeat(1_000_000) : 'short');
      },
    });
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      default: 'alice',
    });
    const dispatcher = compose(credentials);
    const raw = { dispatcher, responseHeaders: 'raw' } as const;
    const { headers, body, trailers } = await request(server.url, raw);
    const names = (headers as unknown as string[]).filter((_, at) => at % 2 === 0);
    expect(names.filter((name) => /^(x-account|vary)$/i.test(name))).toEqual([
      'X-Account',
      'X-Account',
      expect.stringMatching(/^vary$/i),
    ]);
    expect([await body.text(), trailers]).toEqual(['short', { 'x-sum': '7' }]);

    const long = await request(`${server.url}/long`, { dispatcher, highWaterMark: 1000 });
    await pause(50);
    expect(long.body.readableLength).toBeLessThan(500_000);
    expect(await long.body.text()).toHaveLength(1_000_000);

    const abort = new AbortController();
    const aborted = await request(`${server.url}/long`, { dispatcher, signal: abort.signal });
    abort.abort();
    await expect(aborted.body.text()).rejects.toThrow(/abort/);
    expect(subjects(server)).toEqual(Array(3).fill('alice'));
    await dispatcher.close();
  });

  // What undici 8 does not take.
  it.runIf(manifest.version.startsWith('7.'))(
    'a handler as undici 6 had them leads to no plain HTTP either',
    async () => {
      await using plain = await startServer({ tls: false });
      await using server = await startServer({
        authority,
        host: 'localhost',
        handler: ({ url }, answer) => {
          const others = url === '/' ? [] : ['location', 'https://localhost'];
          answer.writeHead(307, ['location', plain.url, ...others]).end();
        },
      });
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        default: 'alice',
      });
      const dispatcher = compose(credentials, followingAsBefore);
      for (const path of ['/', '/several']) {
        const sent = request(`${server.url}${path}`, { dispatcher, method: 'POST', body: 'IBAN' });
        await expect(sent).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_DOWNGRADE' });
      }
      expect(subjects(server)).toEqual(Array(2).fill('alice'));
      expect(plain.requests).toEqual([]);
      await dispatcher.close();
    },
  );

  it.runIf(deduplicate)('interceptors.deduplicate is refused at a pinned host', async () => {
    await using credentials = await load();
    const dispatcher = compose(credentials, deduplicate!());
    const conflict = { code: 'ERR_CLIENTCERT_AGENT_CONFLICT', message: /deduplicate/ };
    for (const sent of identities().map(([identity]) => ask(dispatcher, identity))) {
      await expect(sent).rejects.toMatchObject({
        code: conflict.code,
        message: expect.stringMatching(conflict.message),
      });
    }
    expect(bank.requests).toEqual([]);
    await dispatcher.close();
  });

  describe.runIf(deduplicate)('attack: identities that mix', () => {
    const between: [string, Interceptor][] = [
      ['retry', interceptors.retry()],
      ['redirect', redirect],
      ['dump', interceptors.dump()],
      ...(cache ? ([['cache', cache()]] as [string, Interceptor][]) : []),
    ];
    it('nor behind dns, where name and address are presented with the same', async () => {
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        default: 'alice',
      });
      const dispatcher = compose(credentials, interceptors.dns({ affinity: 4 }), deduplicate!());
      const sent = [undefined, false as const].map((clientCertificate) =>
        request(bank.url, { dispatcher, clientCertificate }),
      );
      for (const each of await Promise.allSettled(sent)) {
        expect(each).toMatchObject({ reason: { code: 'ERR_CLIENTCERT_AGENT_CONFLICT' } });
      }
      expect(bank.requests).toEqual([]);
      await dispatcher.close();
    });
    it.each(between)('nor does interceptors.deduplicate give answers on behind %s', async (_, inner) => {
      await using credentials = await load();
      const dispatcher = compose(credentials, inner, deduplicate!());
      for (const path of ['/', '/?a=b']) {
        const sent = identities().map(([clientCertificate]) =>
          request(`${bank.url}${path}`, { dispatcher, clientCertificate }),
        );
        for (const each of await Promise.allSettled(sent)) {
          expect(each).toMatchObject({ reason: { code: 'ERR_CLIENTCERT_AGENT_CONFLICT' } });
        }
      }
      expect(bank.requests).toEqual([]);
      await dispatcher.close();
    });

    it('nor where interceptors.retry has what leads there asked for again', async () => {
      let asked = 0;
      await using other = await startServer({
        tls: false,
        handler: ({ url }, answer) => {
          if (url === '/') return answer.writeHead(307, { location: '/next' }).end();
          asked += 1;
          return answer.writeHead(asked === 1 ? 503 : 307, asked > 1 ? { location: bank.url } : {}).end();
        },
      });
      await using credentials = await load();
      const retry = interceptors.retry({ minTimeout: 1, timeoutFactor: 1 });
      const dispatcher = compose(credentials, retry, redirect, deduplicate!());
      const sent = identities().map(([clientCertificate]) =>
        request(other.url, { dispatcher, clientCertificate }),
      );
      for (const each of await Promise.allSettled(sent)) {
        expect(each).toMatchObject({ reason: { code: 'ERR_CLIENTCERT_AGENT_CONFLICT' } });
      }
      expect(asked).toBe(2);
      expect(bank.requests).toEqual([]);
      await dispatcher.close();
    });

    it('nor does it after a redirect from a host that no rule names, where answers are shared', async () => {
      await using other = await startServer({
        tls: false,
        handler: (incoming, answer) => {
          if (incoming.url === '/here') return answer.end('here');
          return answer.writeHead(307, { location: bank.url }).end();
        },
      });
      await using credentials = await load();
      const dispatcher = compose(credentials, redirect, deduplicate!());
      const sent = identities().map(([clientCertificate]) =>
        request(other.url, { dispatcher, clientCertificate }),
      );
      for (const each of await Promise.allSettled(sent)) {
        expect(each).toMatchObject({ reason: { code: 'ERR_CLIENTCERT_AGENT_CONFLICT' } });
      }
      const shared = [1, 2].map(async () => {
        const { body } = await request(`${other.url}/here`, { dispatcher });
        return await body.text();
      });
      expect(await Promise.all(shared)).toEqual(['here', 'here']);
      expect(bank.requests).toEqual([]);
      expect(other.requests.map(({ path }) => path)).toEqual(['/', '/here']);
      await dispatcher.close();
    });
  });

  it.runIf(decompress)('interceptors.decompress hides no redirect to plain HTTP', async () => {
    const heard: string[] = [];
    const plain = createServer((incoming, answer) => {
      heard.push(incoming.url!);
      answer.end();
    }).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    elsewhere = `http://127.0.0.1:${(plain.address() as AddressInfo).port}/statement`;
    await using credentials = await load();
    const dispatcher = compose(credentials, decompress!(), redirect);
    const sent = request(`${bank.url}/elsewhere`, { dispatcher, method: 'POST', body: 'IBAN' });
    await expect(sent).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_DOWNGRADE' });
    // A caller who reads the address and goes there does so on their own account.
    const { body, headers } = await request(`${bank.url}/elsewhere`, { dispatcher: compose(credentials) });
    await body.dump();
    await (await request(String(headers.location), { dispatcher })).body.dump();
    expect(heard).toEqual(['/statement']);
    await dispatcher.close();
    plain.close();
  });

  it.runIf(dnsFails)(
    'nor does interceptors.dns, which puts an address in the place of what it leads to',
    async () => {
      await using plain = await startServer({ tls: false, host: 'localhost' });
      await using server = await startServer({
        authority,
        host: '127.0.0.1',
        handler: (_, answer) =>
          answer.writeHead(307, { location: plain.url.replace('127.0.0.1', 'localhost') }).end(),
      });
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
      });
      const dispatcher = compose(credentials, interceptors.dns(), redirect);
      const sent = request(server.url, { dispatcher, method: 'POST', body: 'IBAN' });
      await expect(sent).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_DOWNGRADE' });
      expect([server.requests.length, plain.requests]).toEqual([1, []]);
      await dispatcher.close();
    },
  );

  it('interceptors.dns takes no request past a rule that pins something else than a certificate', async () => {
    const ca = authority.certificate;
    const rules = [{ ca, tls: 'TLSv1.2' }, { ca, spki: [`sha256/${'A'.repeat(43)}=`] }, false] as const;
    for (const rule of rules) {
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key } },
        hosts: { [`localhost:${bank.port}`]: rule },
      });
      const trusting = new Agent({ connect: { ca, cert: alice.fullChain, key: alice.key } });
      const dispatcher = trusting.compose(clientCertificates(credentials), interceptors.dns());
      await expect(request(bank.url, { dispatcher })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      });
      await trusting.close();
    }
    expect(bank.requests).toEqual([]);
  });
});

it.runIf(deduplicate)(
  'interceptors.deduplicate serves hosts without a rule, behind a proxy of the config as well',
  async () => {
    await using proxy = await startProxy();
    await using credentials = await loadCredentials({ proxy: proxy.url });
    const connect = { ca: authority.certificate };
    const dispatcher = createDispatcher(credentials, { connect }).compose(deduplicate!());
    const answers = await Promise.all([request(bank.url, { dispatcher }), request(bank.url, { dispatcher })]);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    expect([bank.requests.length, proxy.connects.length]).toEqual([1, 1]);
    await dispatcher.close();
  },
);
