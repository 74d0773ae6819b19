import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { connect } from 'node:http2';
import { Agent, createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import got, { Options } from 'got';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { isBuilt } from '../../../test/built.ts';
import { type Credentials, clientCertificates, loadCredentials } from '../src/index.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
/** Demands a certificate, and lets its answers be cached. */
let bank: TestServer;
/** Another host, which asks for a certificate and takes none. */
let other: TestServer;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  bob = await authority.issue({ name: 'bob' });
});

beforeEach(async () => {
  bank = await startServer({
    authority,
    host: 'localhost',
    http2: true,
    handler: (_request, response, { path }) => {
      if (path.startsWith('/pages')) {
        if (path === '/pages/1') response.setHeader('link', `<${other.url}/pages/2>; rel="next"`);
        response.end('[]');
        return true;
      }
      if (path.startsWith('/cached')) response.setHeader('cache-control', 'max-age=3600');
      return false;
    },
  });
  other = await startServer({
    authority,
    clientCertificate: 'optional',
    http2: true,
    handler: (_request, response, { path }) => {
      if (path.startsWith('/cached')) response.setHeader('cache-control', 'max-age=3600');
      if (path !== '/pages/2') return false;
      response.setHeader('link', `<${bank.url}/pages/3>; rel="next"`).end('[]');
      return true;
    },
  });
});
afterEach(() => Promise.all([bank.close(), other.close()]));

/** alice at the bank, bob as its service; the other host is trusted and gets nothing. */
function load(): Promise<Credentials> {
  const ca = authority.certificate;
  return loadCredentials({
    certificates: {
      alice: { cert: alice.fullChain, key: alice.key, ca },
      bob: { cert: bob.fullChain, key: bob.key, ca },
    },
    hosts: { [`localhost:${bank.port}`]: 'alice', [`127.0.0.1:${other.port}`]: { ca } },
    services: {
      'Billing.Invoices': { certificate: 'bob', hosts: [`localhost:${bank.port}`] },
      Archive: 'bob',
    },
  });
}

const nothing = () => undefined;
const subjects = (server: TestServer) =>
  server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? null);
const asInvoices = { context: { clientCertificate: 'Billing.Invoices' } };
const options = { retry: { limit: 0 } };

describe('options for extend', () => {
  it('name nothing secret, and hold for every instance extended from them', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials)).extend({ headers: { 'x-y': 'z' } });
    await api(bank.url);
    await api.extend({ prefixUrl: bank.url } as object)('accounts');
    expect(subjects(bank)).toEqual(['alice', 'alice']);
    expect(bank.connections).toBe(1);
  });

  it('take a service, which the context of a call overrides', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials, { service: 'Billing.Invoices' }));
    await api(bank.url);
    await api(bank.url, { context: { clientCertificate: undefined } });
    await expect(api(bank.url, { context: { clientCertificate: false } })).rejects.toThrow();
    expect(subjects(bank)).toEqual(['bob', 'bob']);
  });

  it('refuse a config in place of credentials', async () => {
    const config = { certificates: {} } as unknown as Credentials;
    const error = { code: 'ERR_CLIENTCERT_CONFIG_INVALID' };
    expect(() => clientCertificates(config)).toThrow(expect.objectContaining(error));
    const api = got.extend(options, clientCertificates(Promise.resolve(config)));
    await expect(api(bank.url)).rejects.toMatchObject(error);
    expect(bank.connections).toBe(0);
  });

  it('keep a service without hosts at the origin of the call, on every redirect and retry', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials, { service: 'Archive' }));
    const there = encodeURIComponent(`${other.url}/redirect?to=${encodeURIComponent(`${bank.url}/back`)}`);
    await api(`${bank.url}/redirect?to=${there}`);
    expect([subjects(bank), subjects(other)]).toEqual([['bob', 'bob'], [null]]);
  });

  it('hold for every page', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials));
    const pages = api.paginate(`${bank.url}/1`, {
      ...asInvoices,
      responseType: 'json',
      pagination: {
        transform: (response: { url: string }) => [response.url],
        paginate: ({ response }: { response: { url: string } }) =>
          response.url.endsWith('/3')
            ? false
            : { url: new URL(`${response.url.slice(0, -1)}${Number(response.url.at(-1)) + 1}`) },
      },
    } as object);
    const seen = [];
    for await (const page of pages) seen.push(page);
    expect(seen).toHaveLength(3);
    expect(subjects(bank)).toEqual(['bob', 'bob', 'bob']);
  });

  it('keep a service without hosts at the origin of the first page', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials, { service: 'Archive' }));
    await api.paginate.all(`${bank.url}/pages/1`);
    await api.paginate.all(`${bank.url}/redirect?to=/pages/1`);
    expect(subjects(bank)).toEqual(['bob', 'bob', 'bob', 'bob', 'bob']);
    expect(subjects(other)).toEqual([null, null]);
  });

  it.each([true, false])(
    'hold whatever a hook of the caller’s own leaves (with http2: %s)',
    async (http2) => {
      await using credentials = await load();
      const hook = (left: object) => ({
        hooks: { beforeRequest: [(request: object) => void Object.assign(request, left)] },
      });
      const certified = got.extend(options, clientCertificates(credentials), { http2, cache: new Map() });
      const elsewhere = certified.extend(hook({ url: new URL(`${bank.url}/cached`) }));
      await elsewhere(other.url);
      await elsewhere(other.url, asInvoices);
      expect(subjects(bank)).toEqual(['alice', 'bob']);

      const https = new Agent({ cert: bob.fullChain, key: bob.key, ca: authority.certificate });
      const bringing = certified.extend(hook({ agent: { https } }));
      await expect(bringing(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      expect(bank.requests).toHaveLength(2);
      // got's HTTP/2 takes no agent.
      await certified.extend(hook({ agent: { https }, http2: false }))(other.url);
      expect(subjects(other)).toEqual(['bob']);
    },
  );

  it.skipIf(process.platform === 'win32')('present none over a Unix socket, which has no host', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-got-'));
    const socket = join(directory, 'socket');
    const { key, fullChain: cert } = await authority.issue({ name: 'unix', hosts: ['unix'] });
    const seen: (string | undefined)[] = [];
    const ca = authority.certificate;
    const server = createServer(
      { key, cert, ca, requestCert: true, rejectUnauthorized: false },
      (message, response) => {
        seen.push((message.socket as TLSSocket).getPeerX509Certificate()?.subject);
        response.end();
      },
    ).listen(socket);
    await once(server, 'listening');
    try {
      await using credentials = await load();
      const https = { certificateAuthority: ca };
      const api = got.extend(options, clientCertificates(credentials), { enableUnixSockets: true, https });
      await api(`https://unix:${socket}:/`);
      expect(seen).toEqual([undefined]);
      // Who names a service means its certificate.
      await expect(
        api(`https://unix:${socket}:/`, { context: { clientCertificate: 'Archive' } }),
      ).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      expect(seen).toEqual([undefined]);
    } finally {
      server.closeAllConnections();
      server.close();
      await rm(directory, { recursive: true });
    }
  });

  it('refuse a connection of the caller’s own at a pinned host', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials));
    const createConnection = () => {
      throw new Error('dialled');
    };
    await expect(api(bank.url, { createConnection } as object)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
    });
    const pool = { http2: true, agent: { http2: { request: createConnection } } };
    await expect(api(bank.url, pool as object)).rejects.toThrow('agent.http2'); // got 16 refuses it itself
    const h2session = connect(other.url, { ca: authority.certificate });
    await expect(api(bank.url, { h2session } as object)).rejects.toThrow('"h2session"');
    h2session.destroy();
    expect(bank.connections).toBe(0);
    expect(other.requests).toEqual([]);
  });
});

it('ends no process where a stream breaks beneath a body while certificates load, and sends what was read ahead', async () => {
  await using credentials = await load();
  const made = (file: Readable) =>
    Readable.from(
      (async function* () {
        yield* file;
      })(),
    );
  const send = (file: Readable) => {
    const later = new Promise<Credentials>((resolve) => setTimeout(resolve, 50, credentials));
    return got.extend(options, clientCertificates(later)).post(bank.url, { body: made(file) });
  };
  // got 16 calls it an upload that failed, with what it failed by as the cause.
  await expect(send(createReadStream(join(tmpdir(), 'clientcert-no-such-file')))).rejects.toThrow(/ENOENT/);
  await send(Readable.from([Buffer.from('one '), Buffer.from('two')]));
  expect(bank.requests.map(({ body }) => body)).toEqual(['one two']);
});

describe('the cache', () => {
  it('gives no answer of one certificate to another, and its own to each', async () => {
    await using credentials = await load();
    const cache = new Map();
    const api = got.extend(options, clientCertificates(credentials), { cache, responseType: 'json' });
    const url = `${bank.url}/cached`;
    const answers = [];
    for (const extra of [{}, asInvoices, {}, asInvoices]) answers.push(await api(url, extra));
    const names = answers.map(
      ({ body }) => (body as unknown as TestServer['requests'][number]).clientCertificate,
    );
    expect(names.map((name) => name?.commonName)).toEqual(['alice', 'bob', 'alice', 'bob']);
    expect(answers.map(({ isFromCache }) => isFromCache)).toEqual([false, false, true, true]);
    expect(subjects(bank)).toEqual(['alice', 'bob']);
    // Nor is it printed with the options of any call, as on errors.
    expect(inspect(answers.map(({ request }) => request.options.cache))).not.toContain(bank.url);
  });

  it('gives no answer of a certificate to a call without', async () => {
    const server = await startServer({
      authority,
      host: 'localhost',
      clientCertificate: 'optional',
      handler: (_request, response) => {
        response.setHeader('cache-control', 'max-age=3600');
        return false;
      },
    });
    await using _ = server;
    const ca = authority.certificate;
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca } },
      hosts: { [`localhost:${server.port}`]: 'alice' },
    });
    const api = got.extend(options, clientCertificates(credentials), { cache: true });
    await api(server.url);
    const { isFromCache } = await api(server.url, { context: { clientCertificate: false } });
    expect([isFromCache, subjects(server)]).toEqual([false, ['alice', null]]);
  });

  it('is the one of the new certificate after a redirect', async () => {
    await using credentials = await load();
    const cache = new Map();
    const api = got.extend(options, clientCertificates(credentials), { cache });
    await api(`${bank.url}/cached`);
    await api(`${other.url}/redirect?to=${encodeURIComponent(`${bank.url}/cached`)}`, asInvoices);
    expect(subjects(bank)).toEqual(['alice', 'bob']);
  });

  it('gives no answer of one routing agent to another, and its own to each', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials), { cache: new Map() });
    const agents = [credentials.agent(), credentials.agent({ service: 'Billing.Invoices' })];
    const hits = [];
    for (const https of [...agents, ...agents]) {
      hits.push((await api(`${bank.url}/cached`, { agent: { https } })).isFromCache);
    }
    expect(hits).toEqual([false, false, true, true]);
    expect(subjects(bank)).toEqual(['alice', 'bob']);
  });

  it('gives no answer to the certificate that a routing agent presented before a new config', async () => {
    const configOf = ({ fullChain: cert, key }: IssuedCertificate) => ({
      certificates: { client: { cert, key, ca: authority.certificate } },
      hosts: { [`localhost:${bank.port}`]: 'client' as const },
    });
    await using credentials = await loadCredentials(configOf(alice));
    const api = got.extend(options, clientCertificates(credentials), { cache: new Map() });
    const agent = { https: credentials.agent() };
    const hits = [];
    for (const person of [alice, bob, bob, alice]) {
      await credentials.reload(configOf(person));
      hits.push((await api(`${bank.url}/cached`, { agent })).isFromCache);
    }
    expect(hits).toEqual([false, false, true, true]);
    expect(subjects(bank)).toEqual(['alice', 'bob']);
  });

  it('asks for the one certificate of a call, and looks at no other', async () => {
    await using credentials = await load();
    const all = vi.spyOn(credentials, 'certificates');
    const api = got.extend(options, clientCertificates(credentials), { cache: new Map() });
    for (const _ of [1, 2]) await api(`${bank.url}/cached`, asInvoices);
    expect([all.mock.calls.length, subjects(bank)]).toEqual([0, ['bob']]);
  });

  it('is found again after a redirect within the host', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials), { cache: new Map() });
    await api(`${bank.url}/cached`);
    const { isFromCache } = await api(`${bank.url}/redirect?to=/cached`);
    expect(isFromCache).toBe(true);
  });

  it.each<object>([{}, { get: nothing }, { get: nothing, set: nothing }])(
    'that is none is refused, as by got: %j',
    async (cache) => {
      await using credentials = await load();
      const api = got.extend(clientCertificates(credentials), { cache: cache as never });
      await expect(api(`${bank.url}/cached`)).rejects.toThrow(/cache: it has no (get|set|delete)\(\)/);
      expect(bank.requests).toEqual([]);
    },
  );

  it('by an address is refused, because it cannot be kept apart', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials), { cache: 'redis://localhost' as never });
    await expect(api(bank.url)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
    expect(bank.connections).toBe(0);
  });
});

describe('http2: true', () => {
  it('serves a pinned host over HTTP/1.1, with its certificate', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials), { http2: true });
    await api(bank.url);
    await api(bank.url, asInvoices);
    expect(subjects(bank)).toEqual(['alice', 'bob']);
    expect(bank.requests.map(({ httpVersion }) => httpVersion)).toEqual(['1.1', '1.1']);
  });

  it('serves a routing agent of the caller’s as well', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials), { http2: true });
    await api(bank.url, { agent: { https: credentials.agent({ service: 'Billing.Invoices' }) } });
    expect(subjects(bank)).toEqual(['bob']);
  });

  it('leaves a host that no rule names to got, over HTTP/2 and without', async () => {
    await using stranger = await startServer({ authority, clientCertificate: 'optional', http2: true });
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials), {
      http2: true,
      https: { certificateAuthority: authority.certificate },
    });
    await api(stranger.url);
    expect([subjects(stranger), stranger.requests[0]?.httpVersion]).toEqual([[null], '2.0']);
  });
});

describe('attack: identities that mix', () => {
  it('nothing of ours stands on the context of a call, nor on options that are passed again', async () => {
    await using credentials = await load();
    const api = got.extend(clientCertificates(credentials));
    const context = Object.freeze({ mine: 1 });
    const seen: unknown[] = [];
    const options = Object.freeze({
      context,
      hooks: { beforeRequest: [(hop: { context: object }) => void seen.push(Reflect.ownKeys(hop.context))] },
    });
    for (const _ of [1, 2]) {
      const { request } = await api(
        `${bank.url}/redirect?to=${encodeURIComponent(bank.url)}`,
        options as never,
      );
      expect(Reflect.ownKeys(request.options.context)).toEqual(['mine']);
    }
    expect(seen).toEqual(Array(4).fill(['mine']));
    expect(options.hooks.beforeRequest).toHaveLength(1);
    expect(subjects(bank)).toEqual(Array(4).fill('alice'));
  });

  it('a routing agent beside the service of a call is that service’s, or the call is refused', async () => {
    await using credentials = await load();
    const api = got.extend(clientCertificates(credentials), { retry: { limit: 0 } });
    const https = credentials.agent({ maxSockets: 5 });
    await api(bank.url, { agent: { https } });
    for (const clientCertificate of [false, 'Archive'] as const) {
      const context = { clientCertificate };
      await expect(api(bank.url, { agent: { https }, context })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
      });
    }
    const archive = credentials.agent({ service: 'Archive', origin: bank.url });
    await api(bank.url, { agent: { https: archive }, context: { clientCertificate: 'Archive' } });
    expect(subjects(bank)).toEqual(['alice', 'bob']);
  });

  it('an extension of an extension decides as the last of them, at every hop, and comes to an end', async () => {
    await using credentials = await load();
    await using others = await load();
    const late = vi.fn();
    const append = (hop: { hooks: { beforeRequest: unknown[] } }) => {
      if (late.mock.calls.length === 0) hop.hooks.beforeRequest.push(late);
    };
    const api = got
      .extend(clientCertificates(others))
      .extend({ hooks: { beforeRequest: [append as never] } })
      .extend(clientCertificates(credentials, { service: 'Billing.Invoices' }));
    await api(`${bank.url}/redirect?to=${encodeURIComponent(bank.url)}`);
    expect(subjects(bank)).toEqual(['bob', 'bob']);
    expect(late).toHaveBeenCalled();
    expect(late.mock.calls.length).toBeLessThan(5);
    await api.extend(clientCertificates(others))(bank.url, { retry: { limit: 0 } });
    expect(subjects(bank).at(-1)).toBe('alice');
  });

  it.skipIf(isBuilt)(
    'nor is the other copy of this package, which a library brings, asked in its place',
    async () => {
      vi.resetModules();
      const other: typeof import('../src/index.ts') = await import('../src/index.ts');
      expect(other.clientCertificates).not.toBe(clientCertificates);
      await using hers = await load();
      const ca = authority.certificate;
      await using nobodys = await other.loadCredentials({
        certificates: {},
        hosts: { [`localhost:${bank.port}`]: { ca } },
      });
      const copies = [other.clientCertificates(nobodys), clientCertificates(hers)] as const;
      const cache = new Map();
      await got.extend(options, ...copies, { cache })(bank.url);
      await got.extend(options, ...copies, { cache })(`${bank.url}/redirect?to=/there`);
      await expect(got.extend(options, ...copies.toReversed())(bank.url)).rejects.toThrow();
      expect(subjects(bank)).toEqual(['alice', 'alice', 'alice']);
    },
  );

  it('a service without hosts goes to no page elsewhere that the options of the last answer were turned to', async () => {
    await using credentials = await load();
    const api = got.extend(options, clientCertificates(credentials, { service: 'Archive' }));
    const paginate = ({
      response,
    }: {
      response: { headers: { link?: string }; request: { options: object } };
    }) => {
      const [, next] = /<(.*)>/.exec(response.headers.link ?? '') ?? [];
      return next ? Object.assign(response.request.options, { url: new URL(next) }) : false;
    };
    await api.paginate.all(`${bank.url}/pages/1`, { pagination: { paginate: paginate as never } });
    expect([subjects(bank), subjects(other)]).toEqual([['bob', 'bob'], [null]]);
  });

  it.each([true, false])(
    'a context that every object inherits names no service (in loops: %s)',
    async (enumerable) => {
      await using credentials = await load();
      const api = got.extend({ retry: { limit: 0 } }, clientCertificates(credentials));
      const value = { clientCertificate: 'Billing.Invoices' };
      const prototype = Object.prototype as { context?: unknown };
      Object.defineProperty(prototype, 'context', { value, enumerable, configurable: true, writable: true });
      const codes: (string | undefined)[] = [];
      const send = async (call: () => PromiseLike<unknown>) => {
        try {
          await call();
          codes.push('sent');
        } catch (error) {
          codes.push((error as NodeJS.ErrnoException).code);
        }
      };
      let isCopied: boolean;
      try {
        isCopied = Object.hasOwn(new Options({}).context, 'clientCertificate');
        await send(() => api(bank.url));
        await send(() => api(bank.url, { context: {} }));
        await send(() => api(bank.url, { http2: false }));
        await send(() => got.extend(clientCertificates(credentials))(bank.url));
      } finally {
        delete prototype.context;
      }
      // got 14 and 15 copy it: then ours refuse. got itself has no option of this name where it loops over groups of options.
      const refused = 'ERR_CLIENTCERT_CONFIG_INVALID';
      const later = isCopied ? [refused, enumerable ? undefined : refused] : ['sent', 'sent'];
      expect(codes).toEqual(['sent', 'sent', ...later]);
      expect(subjects(bank)).toEqual(codes.filter((code) => code === 'sent').map(() => 'alice'));
    },
  );

  it.each([true, false])(
    'a hook before a retry may name another service (keepAlive: %s)',
    async (keepAlive) => {
      await using server = await startServer({
        authority,
        host: 'localhost',
        handler: (incoming, answer) => {
          answer.statusCode = incoming.url === '/again' ? 503 : 200;
          if (!keepAlive) answer.setHeader('connection', 'close');
          answer.end();
        },
      });
      const ca = authority.certificate;
      await using credentials = await loadCredentials({
        certificates: {
          alice: { cert: alice.fullChain, key: alice.key, ca },
          bob: { cert: bob.fullChain, key: bob.key, ca },
        },
        hosts: { [`localhost:${server.port}`]: 'alice' },
        services: { 'Billing.Invoices': { certificate: 'bob', hosts: [`localhost:${server.port}`] } },
      });
      const named = ['Billing.Invoices', undefined, 'Billing.Invoices'];
      const api = got.extend(clientCertificates(credentials), {
        retry: { limit: 3, calculateDelay: ({ attemptCount }) => (attemptCount > 3 ? 0 : 1) },
        hooks: {
          beforeRetry: [
            ({ options }) => {
              options.context = { clientCertificate: named.shift() };
            },
          ],
        },
      });
      await expect(api(`${server.url}/again`)).rejects.toThrow(/503/);
      expect(subjects(server)).toEqual(['alice', 'bob', 'alice', 'bob']);
    },
  );

  it('a polluted Object.prototype does not say as whom', async () => {
    await using credentials = await load();
    const pollution = { service: 'Archive', clientCertificate: 'Archive', proxy: 'http://127.0.0.1:1' };
    for (const [name, value] of Object.entries(pollution)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
    }
    try {
      await got.extend(clientCertificates(credentials))(bank.url);
    } finally {
      for (const name of Object.keys(pollution)) delete (Object.prototype as Record<string, unknown>)[name];
    }
    expect(subjects(bank)).toEqual(['alice']);
  });
});

describe('attack: rules that are weakened', () => {
  it('options in the place of the instance’s own, which got takes with hooks of theirs, bring the certificate', async () => {
    await using credentials = await load();
    const api = got.extend(clientCertificates(credentials, { service: 'Billing.Invoices' }));
    const options = new Options(bank.url, { https: { certificateAuthority: authority.certificate } });
    await api(undefined, undefined, options);
    await api(undefined, undefined, new Options(bank.url, { context: { clientCertificate: 'Archive' } }));
    expect(options.hooks.beforeRequest).toEqual([]);
    expect(subjects(bank)).toEqual(['bob', 'bob']);
  });

  it('what the config says of every host holds where no rule names it, with http2: true as well', async () => {
    await using stranger = await startServer({ authority, clientCertificate: 'optional', http2: true });
    const certificates = { alice: { cert: alice.fullChain, key: alice.key } };
    const trusting = { http2: true, https: { certificateAuthority: authority.certificate } };

    await using strict = await loadCredentials({ certificates, tls: 'TLSv1.2' });
    await got.extend(trusting, clientCertificates(strict))(stranger.url);
    expect(stranger.requests[0]).toMatchObject({ protocol: 'TLSv1.2', clientCertificate: null });

    await using proxy = await startProxy();
    await using proxied = await loadCredentials({ certificates, proxy: proxy.url });
    await got.extend(trusting, clientCertificates(proxied))(stranger.url);
    expect(proxy.connects.map(({ port }) => port)).toEqual([stranger.port]);
    expect(stranger.requests).toHaveLength(2);
  });

  it('a request function of the caller’s own is refused at a pinned host only', async () => {
    await using credentials = await load();
    const own = { ca: authority.certificate, cert: bob.fullChain, key: bob.key };
    const theirs = (url: URL, options: object, callback: () => void) =>
      request(url, { ...options, agent: undefined, ...own }, callback);
    const api = got.extend(clientCertificates(credentials), { request: theirs as never });
    await expect(api(bank.url)).rejects.toThrow(/own "request"/);
    expect(bank.connections).toBe(0);
    await api(other.url);
    expect(subjects(other)).toEqual(['bob']);
  });

  it.each(['before', 'after'])(
    'a hook that appends a later hook, %s ours, brings no agent',
    async (place) => {
      await using credentials = await load();
      const https = new Agent({ ca: authority.certificate, cert: bob.fullChain, key: bob.key });
      const late = (hop: { agent: object }) => void Object.assign(hop.agent, { https });
      const append = (hop: { hooks: { beforeRequest: unknown[] } }) =>
        void hop.hooks.beforeRequest.push((inner: typeof hop) => void inner.hooks.beforeRequest.push(late));
      const theirs = { hooks: { beforeRequest: [append as never] } };
      const ours = clientCertificates(credentials);
      const api = place === 'before' ? got.extend(theirs, ours) : got.extend(ours, theirs);
      await expect(api(bank.url)).rejects.toThrow(/own "agent.https"/);
      expect(bank.connections).toBe(0);
    },
  );

  it.each(['beforeRedirect', 'beforeRequest'] as const)(
    'a hop that a %s hook, before ours or after, turns to plain HTTP is refused',
    async (name) => {
      const heard: string[] = [];
      const plain = createHttpServer((incoming, answer) => {
        heard.push(incoming.url!);
        answer.setHeader('connection', 'close').end();
      });
      await once(plain.listen(0, '127.0.0.1'), 'listening');
      const { port } = plain.address() as { port: number };
      await using credentials = await load();
      const turn = (hop: { url?: unknown }) => {
        if (String(hop.url).endsWith('/next')) hop.url = new URL(`http://127.0.0.1:${port}/`);
      };
      const theirs = { hooks: { [name]: [turn] } };
      const ours = clientCertificates(credentials);
      for (const api of [got.extend(theirs as never, ours), got.extend(ours, theirs as never)]) {
        const sent = api(`${bank.url}/redirect?to=${encodeURIComponent(`${bank.url}/next`)}`);
        await expect(sent).rejects.toThrow(/redirects a call that presented/);
      }
      plain.close();
      expect(heard).toEqual([]);
    },
  );

  describe('nothing leads a call that presented a certificate to plain HTTP', () => {
    let plain: Server;
    let heard: (string | undefined)[];
    let elsewhere: string;
    beforeEach(async () => {
      heard = [];
      plain = createHttpServer((incoming, answer) => {
        heard.push(incoming.url);
        answer.setHeader('connection', 'close').end('[]');
      });
      await once(plain.listen(0, '127.0.0.1'), 'listening');
      elsewhere = `http://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    });
    afterEach(() => void plain.close());
    const refused = { code: 'ERR_CLIENTCERT_DOWNGRADE' };

    it.each(['/first', '/second'])('the link of the page %s', async (page) => {
      await using server = await startServer({
        authority,
        host: 'localhost',
        handler: (_request, response, { path }) => {
          const next = path === '/first' ? '/second' : `${elsewhere}/third`;
          response.setHeader('link', `<${next}>; rel="next"`).end('[]');
        },
      });
      const ca = authority.certificate;
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca } },
        hosts: { [`localhost:${server.port}`]: 'alice' },
      });
      const api = got.extend(options, clientCertificates(credentials));
      await expect(api.paginate.all(server.url + page)).rejects.toMatchObject(refused);
      expect(server.requests.at(-1)?.path).toBe('/second');
      expect(heard).toEqual([]);
    });

    it('the redirect of one of several calls that share their options, when another of them is elsewhere', async () => {
      const ways = [`${other.url}/delay?ms=200`, elsewhere];
      await using server = await startServer({
        authority,
        host: 'localhost',
        handler: (_request, response) => {
          const location = ways.shift();
          setTimeout(() => response.writeHead(302, { location }).end(), location === elsewhere ? 100 : 0);
        },
      });
      const ca = authority.certificate;
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca } },
        hosts: { [`localhost:${server.port}`]: 'alice', [`127.0.0.1:${other.port}`]: { ca } },
      });
      const api = got.extend(options, clientCertificates(credentials));
      const shared = new Options(server.url, undefined, api.defaults.options);
      shared.merge({ headers: { 'x-y': 'z' } });
      const sent = await Promise.allSettled([1, 2].map(() => api(undefined, undefined, shared)));
      expect(sent.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect([subjects(other), heard]).toEqual([[null], []]);
    });

    it('the redirect of a call over an agent of the caller’s own', async () => {
      await using credentials = await load();
      const api = got.extend(options, clientCertificates(credentials));
      const https = credentials.agent({ service: 'Archive', origin: other.url });
      const sent = api(`${other.url}/redirect?to=${elsewhere}`, { agent: { https } });
      await expect(sent).rejects.toMatchObject(refused);
      expect([subjects(other), heard]).toEqual([['bob'], []]);
    });

    it('the redirect of a call that a hook takes the service off then', async () => {
      await using credentials = await load();
      const takeOff = (hop: { context: object }) => Object.assign(hop.context, { clientCertificate: false });
      const theirs = { hooks: { beforeRedirect: [takeOff as never] } };
      const ours = clientCertificates(credentials);
      for (const api of [got.extend(theirs, ours), got.extend(ours, theirs)]) {
        await expect(api(`${bank.url}/redirect?to=${elsewhere}`)).rejects.toMatchObject(refused);
      }
      expect([subjects(bank), heard]).toEqual([['alice', 'alice'], []]);
    });
  });

  it('where the certificate could not be read no answer comes from a cache', async () => {
    await using credentials = await loadCredentials({
      allowBroken: true,
      certificates: {
        bob: { cert: bob.fullChain, key: bob.key, ca: authority.certificate },
        gone: { pfx: '/nonexistent/gone.p12' },
      },
      hosts: { [`localhost:${bank.port}`]: 'bob' },
      services: { Gone: { certificate: 'gone', hosts: [`127.0.0.1:${other.port}`] } },
      default: { ca: authority.certificate },
    });
    const api = got.extend(clientCertificates(credentials), {
      cache: new Map() as never,
      retry: { limit: 0 },
    });
    await api(`${other.url}/cached`);
    const asGone = api(`${other.url}/cached`, { context: { clientCertificate: 'Gone' } });
    await expect(asGone).rejects.toThrow(/gone/);
  });

  it('a service that a hook names at a redirect begins at the call’s own origin', async () => {
    await using credentials = await load();
    const api = got.extend(clientCertificates(credentials), {
      hooks: { beforeRedirect: [(hop) => void Object.assign(hop.context, { clientCertificate: 'Archive' })] },
    });
    await api(`${other.url}/redirect?to=${encodeURIComponent(bank.url)}`);
    expect(subjects(bank)).toEqual(['alice']);
  });
});
