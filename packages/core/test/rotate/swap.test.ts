import { writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  type ServerOptions,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { type Config, type Credentials, loadCredentials } from '../../src/index.ts';
import { SecureContexts } from '../../src/tls/profile.ts';
import { sourceOf } from '../support.ts';
import { issue, request, scratch, seen } from './scene.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a swap over %s', (tls) => {
  let server: TestServer;
  let old: IssuedCertificate;
  let renewed: IssuedCertificate;
  beforeAll(async () => {
    server = await startServer({ authority, host: 'localhost', tls, handler: holdFirst });
    [old, renewed] = await Promise.all([issue(authority, 'old'), issue(authority, 'renewed')]);
  });
  afterAll(() => server.close());
  beforeEach(() => {
    server.requests.length = 0;
    held = new Promise((resolve) => {
      letGo = resolve;
    });
  });

  /** `/held` is answered once a test lets go of it: however long a renewal takes, it is in flight. */
  let held: Promise<void>;
  let letGo: () => void;
  const holdFirst: ServerOptions['handler'] = async (request, response) => {
    if (request.url !== '/held') return false;
    await held;
    response.end('{}');
    return undefined;
  };

  /** Credentials whose source turns from the old to the renewed certificate. */
  async function load(): Promise<{ credentials: Credentials; renew: () => Promise<unknown> }> {
    let current = old;
    const credentials = await loadCredentials({
      certificates: {
        bank: () => ({ cert: current.fullChain, key: current.key, ca: authority.certificate }),
      },
      hosts: { [`localhost:${server.port}`]: 'bank' },
    });
    return {
      credentials,
      renew: () => {
        current = renewed;
        return credentials.reload();
      },
    };
  }

  it('closes idle connections: the next request is made as the new one, with no old session', async () => {
    const { credentials, renew } = await load();
    await using _ = credentials;
    const agent = credentials.agent();
    await request(credentials, server.url, agent);
    await renew();
    letGo();
    await request(credentials, server.url, agent);
    expect(seen(server)).toEqual([old.fingerprint256, renewed.fingerprint256]);
    expect(server.requests[1]!.resumed).toBe(false);
  });

  it('lets a request in flight finish, and closes its connection then', async () => {
    const { credentials, renew } = await load();
    await using _ = credentials;
    const agent = credentials.agent();
    const slow = request(credentials, `${server.url}/held`, agent);
    await expect.poll(() => server.requests.length).toBe(1);
    await renew();
    letGo();
    await slow;
    await request(credentials, server.url, agent);
    expect(seen(server)).toEqual([old.fingerprint256, renewed.fingerprint256]);
    await expect.poll(() => Object.values(agent.sockets).flat().length).toBe(0);
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
  });

  it('lets queued requests finish; each new connection is the new certificate’s', async () => {
    const { credentials, renew } = await load();
    await using _ = credentials;
    const agent = credentials.agent({ maxSockets: 1 });
    const waiting = Array.from({ length: 5 }, () => request(credentials, `${server.url}/held`, agent));
    await expect.poll(() => server.requests.length).toBe(1);
    await renew();
    letGo();
    await Promise.all(waiting);
    await request(credentials, server.url, agent);
    expect(server.requests).toHaveLength(6);
    const identities = new Map<number, Set<string | undefined>>();
    for (const { connection, clientCertificate } of server.requests) {
      const known = identities.get(connection) ?? new Set();
      identities.set(connection, known.add(clientCertificate?.fingerprint256));
    }
    for (const seenThere of identities.values()) expect(seenThere.size).toBe(1);
    expect(seen(server).at(-1)).toBe(renewed.fingerprint256);
    await expect.poll(() => Object.values(agent.sockets).flat().length).toBe(0);
    expect(Object.keys(agent.requests)).toEqual([]);
  });

  it('without keep-alive, queued requests that open connections present the new certificate', async () => {
    const { credentials, renew } = await load();
    await using _ = credentials;
    const agent = credentials.agent({ maxSockets: 1 });
    const waiting = Array.from({ length: 4 }, () =>
      request(credentials, `${server.url}/held`, agent, { connection: 'close' }),
    );
    await expect.poll(() => server.requests.length).toBe(1);
    await renew();
    letGo();
    await Promise.all(waiting);
    expect(seen(server)).toEqual([old, renewed, renewed, renewed].map((each) => each.fingerprint256));
    expect(server.requests.slice(1).every(({ resumed }) => !resumed)).toBe(true);
    expect(Object.values(agent.freeSockets).flat()).toEqual([]);
  });

  it('and a close after it: queued requests open no connection as the old one', async () => {
    const { credentials, renew } = await load();
    await using _ = credentials;
    const agent = credentials.agent({ maxSockets: 1 });
    const [first, ...queued] = Array.from({ length: 3 }, () =>
      request(credentials, `${server.url}/held`, agent, { connection: 'close' }),
    );
    const ended = Promise.allSettled(queued);
    await expect.poll(() => server.requests.length).toBe(1);
    await renew();
    await credentials.close();
    letGo();
    await first;
    expect(await ended).toMatchObject(queued.map(() => ({ reason: { code: 'ERR_CLIENTCERT_CLOSED' } })));
    expect(seen(server)).toEqual([old.fingerprint256]);
  });

  it('never resumes a session of the old one, also for clients that pool themselves', async () => {
    const { credentials, renew } = await load();
    await using _ = credentials;
    const agent = credentials.agent({ keepAlive: false });
    const before = adapterOf(credentials).profileId(server.url);
    await request(credentials, server.url, agent);
    await request(credentials, server.url, agent);
    await renew();
    expect(adapterOf(credentials).profileId(server.url)).not.toBe(before);
    for (let round = 0; round < 3; round++) await request(credentials, server.url, agent);
    const old_ = old.fingerprint256;
    expect(seen(server)).toEqual([old_, old_, ...Array(3).fill(renewed.fingerprint256)]);
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true, false, true, true]);
  });
});

describe('a swap elsewhere', () => {
  it('of the certificate that a proxy is shown closes the tunnels made with it', async () => {
    const [first, second, client] = await Promise.all(['p1', 'p2', 'client'].map((n) => issue(authority, n)));
    let current = first!;
    await using proxy = await startProxy({ authority, tls: true, clientCertificate: 'required' });
    await using server = await startServer({ authority, host: 'localhost' });
    await using credentials = await loadCredentials({
      certificates: {
        gate: () => ({ cert: current.fullChain, key: current.key, ca: authority.certificate }),
        bank: { cert: client!.fullChain, key: client!.key, ca: authority.certificate },
      },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      proxy: { url: proxy.url, certificate: 'gate' },
    });
    const agent = credentials.agent();
    await request(credentials, server.url, agent);
    current = second!;
    await credentials.reload();
    await request(credentials, server.url, agent);
    expect(proxy.connects.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual([
      'p1',
      'p2',
    ]);
    expect(seen(server)).toEqual([client!.fingerprint256, client!.fingerprint256]);
  });

  it('of what is said to a proxy reads the file again, and goes through it anew', async () => {
    await using directory = await scratch();
    const file = join(directory.path, 'authorization');
    await writeFile(file, 'Bearer first');
    await using proxy = await startProxy();
    await using server = await startServer({ authority, host: 'localhost' });
    await using credentials = await loadCredentials({
      certificates: { bank: sourceOf(await issue(authority, 'client'), authority) },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      proxy: { url: proxy.url, authorization: { file } },
      watch: false,
    });
    const agent = credentials.agent();
    await request(credentials, server.url, agent);
    await writeFile(file, 'Bearer second');
    expect((await credentials.reload()).changed).toEqual(['proxy: authorization']);
    await request(credentials, server.url, agent);
    expect(proxy.connects.map(({ headers }) => headers['proxy-authorization'])).toEqual([
      'Bearer first',
      'Bearer second',
    ]);
    expect(inspect(credentials, { depth: 12, showHidden: true })).not.toContain('Bearer');
  });

  it.each([
    ['is empty, as one that is being written', ''],
    ['has a second line', 'Bearer second\nx-injected: 1'],
  ])('of what is said to a proxy keeps the old where the file %s', async (_, written) => {
    await using directory = await scratch();
    const file = join(directory.path, 'authorization');
    await writeFile(file, 'Bearer first');
    await using proxy = await startProxy();
    await using server = await startServer({ authority, host: 'localhost' });
    const config: Config = {
      certificates: { bank: sourceOf(await issue(authority, 'client'), authority) },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      proxy: { url: proxy.url, authorization: { file } },
      watch: false,
    };
    await using credentials = await loadCredentials(config);
    credentials.on('error', () => {});
    await writeFile(file, written);
    const { failed } = await credentials.reload();
    expect(failed).toMatchObject([
      { name: 'proxy: authorization', error: { code: 'ERR_CLIENTCERT_CONFIG_INVALID' } },
    ]);
    await expect(credentials.reload(config)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
    await expect(loadCredentials(config)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
    await request(credentials, server.url, credentials.agent());
    expect(proxy.connects.map(({ headers }) => headers['proxy-authorization'])).toEqual(['Bearer first']);
  });

  describe('by a certificate that OpenSSL refuses', () => {
    const load = async (rule: 'bank' | RuleOf, first: IssuedCertificate) => {
      const server = await startServer({
        authority,
        host: 'localhost',
        tls: { ciphers: 'DEFAULT@SECLEVEL=0' },
      });
      const state = { current: first };
      const credentials = await loadCredentials({
        certificates: { bank: () => sourceOf(state.current, authority) },
        hosts: { [`localhost:${server.port}`]: rule },
      });
      credentials.on('error', () => {});
      return { server, credentials, state };
    };
    type RuleOf = { certificate: 'bank'; tls: { min: 'TLSv1'; legacy: true } };
    const legacy: RuleOf = { certificate: 'bank', tls: { min: 'TLSv1', legacy: true } };
    let good: IssuedCertificate;
    let weak: IssuedCertificate;
    beforeAll(async () => {
      good = await issue(authority, 'good');
      weak = await authority.issue({ name: 'weak', keyType: { rsa: 768 } });
    });

    it.each([true, false])('is none, whether it has been presented before: %s', async (before) => {
      const { server, credentials, state } = await load('bank', good);
      await using _ = server;
      await using __ = credentials;
      if (before) await request(credentials, server.url);
      server.requests.length = 0;
      state.current = weak;
      expect((await credentials.reload()).failed).toMatchObject([
        { name: 'bank', error: { code: 'ERR_CLIENTCERT_CERTIFICATE_REFUSED' } },
      ]);
      await request(credentials, server.url);
      expect(seen(server)).toEqual([good.fingerprint256]);
    });

    it('is one where a rule allows old cryptography, and in place of one that it refuses as well', async () => {
      const allowing = await load(legacy, good);
      await using _ = allowing.server;
      await using __ = allowing.credentials;
      allowing.state.current = weak;
      expect(await allowing.credentials.reload()).toMatchObject({ changed: ['bank'] });
      await request(allowing.credentials, allowing.server.url);
      expect(seen(allowing.server)).toEqual([weak.fingerprint256]);

      const useless = await load('bank', weak);
      await using ___ = useless.server;
      await using ____ = useless.credentials;
      useless.state.current = await authority.issue({ name: 'weaker', keyType: { rsa: 512 } });
      expect(await useless.credentials.reload()).toMatchObject({ changed: ['bank'] });
    });

    it.each(['with it', 'later'])(
      'is one by a new config that allows it, %s, whatever was presented by the one before',
      async (when) => {
        const { server, credentials } = await load('bank', good);
        await using _ = server;
        await using __ = credentials;
        await request(credentials, server.url);
        server.requests.length = 0;
        let current = when === 'later' ? await issue(authority, 'other') : weak;
        const config = {
          certificates: { bank: () => sourceOf(current, authority) },
          hosts: { [`localhost:${server.port}`]: legacy },
        };
        expect(await credentials.reload(config)).toMatchObject({ changed: ['bank'] });
        current = weak;
        expect(await credentials.reload()).toMatchObject({ failed: [] });
        await request(credentials, server.url);
        expect(seen(server)).toEqual([weak.fingerprint256]);
      },
    );
  });

  it('leaves nothing secret on agents and events', async () => {
    const [first, second] = await Promise.all([issue(authority, 'first'), issue(authority, 'second')]);
    let current = first;
    await using server = await startServer({ authority, host: 'localhost' });
    await using credentials = await loadCredentials({
      certificates: {
        bank: () => ({ cert: current.fullChain, key: current.key, ca: authority.certificate }),
      },
      hosts: { [`localhost:${server.port}`]: 'bank' },
    });
    const told: unknown[] = [];
    for (const event of ['rotate', 'handshake', 'failure', 'warning', 'error'] as const) {
      credentials.on(event, (...args) => told.push(args));
    }
    const agent = credentials.agent();
    expect(agent).toBeInstanceOf(Agent);
    await request(credentials, server.url, agent);
    current = second;
    await credentials.reload();
    await request(credentials, server.url, agent);
    const shown = inspect([told, agent, credentials, credentials.certificates(), credentials.health()], {
      depth: 12,
      showHidden: true,
      getters: true,
    });
    for (const { key } of [first, second]) expect(shown).not.toContain(key.split('\n')[1]);
  });
});

describe('attack: files that stop the process', () => {
  const count = 60;
  const named = <Value>(letter: string, entry: (index: number) => Value) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`${letter}${n}`, entry(n)]));

  it.each([
    ['a new config with other versions of many certificates that are in use', count],
    ['a renewal of one that is in use under many rules', 1],
  ])('%s holds the event loop for no more of them', async (_, used) => {
    const [first, second] = await Promise.all([issue(authority, 'first'), issue(authority, 'second')]);
    let current = first;
    const configOf = (issued: IssuedCertificate) => ({
      certificates: named('c', () =>
        used > 1 ? sourceOf(issued, authority) : () => sourceOf(current, authority),
      ),
      hosts: named('h', (n) => ({ certificate: `c${n % used}`, servername: `s${n}.example` })),
    });
    await using credentials = await loadCredentials(configOf(first));
    credentials.on('warning', () => {});
    for (let n = 0; n < count; n++) credentials.connectOptions({ host: `h${n}` });
    const { get } = SecureContexts.prototype;
    const built = vi.spyOn(SecureContexts.prototype, 'get').mockImplementation(function (
      this: SecureContexts,
    ) {
      // Two milliseconds each, however quick the machine is.
      for (const end = performance.now() + 2; performance.now() < end; );
      return get.call(this);
    });
    try {
      current = second;
      const reloading = used > 1 ? credentials.reload(configOf(second)) : credentials.reload();
      expect((await reloading).changed).toHaveLength(count);
      // A new config is judged by itself: what it is used for comes later.
      expect(built.mock.calls.length > 0).toBe(used === 1);
      expect(built.mock.calls.length).toBeLessThan(15);
    } finally {
      built.mockRestore();
    }
  });
});
