import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import { type AddressInfo, createServer as createTcpServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { pathToFileURL } from 'node:url';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
} from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { parseAnswer } from '../../src/agent/connect-request.ts';
import { Dispatchers } from '../../src/agent/dispatchers.ts';
import { fromEnvironment } from '../../src/config/environment.ts';
import { type Credentials, loadCredentials } from '../../src/credentials/credentials.ts';
import type { Config, FileSource, HostPin } from '../../src/types.ts';
import { certificateFor, get, sourceOf, subjects, withPolluted } from '../support.ts';

// Where one feature meets another: a caller's option and a rule, a proxy and a source's trust, a listener and a renewal.

let authority: Authority;
let stranger: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;

beforeAll(async () => {
  [authority, stranger] = await Promise.all([createAuthority(), createAuthority()]);
  [alice, bob] = await Promise.all([authority.issue({ name: 'alice' }), authority.issue({ name: 'bob' })]);
});

const load = (port: number, rule: Exclude<HostPin<'alice'>, string | false> = {}, more: object = {}) =>
  loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${port}`]: { certificate: 'alice', ...rule } },
    ...more,
  });

const code = (error: unknown) => (error as { code?: string }).code ?? `${error}`;
const outcome = (call: Promise<unknown>) => call.then(() => 'served', code);

describe('attack: rules that are weakened', () => {
  it('a host with the zone of an address is verified by the address, and the process goes on', async () => {
    await using server = await startServer({ authority, host: '::1', clientCertificate: 'optional' });
    await using elsewhere = await startServer({
      authority,
      host: '::1',
      certificate: await certificateFor('elsewhere.example', authority),
    });
    const ca = authority.certificate;
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      default: { certificate: 'alice', ca },
    });
    const agent = credentials.agent();
    const ask = ({ port }: { port: number }) => get('https://[::1]', { hostname: '::1%lo', port, agent });
    expect(await outcome(ask(server))).toBe('served');
    expect(await outcome(ask(elsewhere))).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    expect([subjects(server), subjects(elsewhere)]).toEqual([['alice'], []]);
  });

  it('what a rule says of an address holds whichever zone it is dialled with, `false` before the default too', async () => {
    await using denied = await startServer({ authority, host: '::1', clientCertificate: 'optional' });
    await using pinned = await startServer({ authority, host: '::1', clientCertificate: 'optional' });
    await using refused = await startServer({ authority, host: '::1', clientCertificate: 'optional' });
    const ca = authority.certificate;
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: {
        [`[::1]:${denied.port}`]: { certificate: false, ca },
        [`[::1]:${pinned.port}`]: 'alice',
        [`[::1]:${refused.port}`]: { certificate: 'alice', spki: [`sha256/${'A'.repeat(43)}=`] },
      },
      default: { certificate: 'alice', ca },
    });
    const agent = credentials.agent();
    const ask = ({ port }: { port: number }) => get('https://[::1]', { hostname: '::1%lo', port, agent });
    expect(await outcome(ask(denied))).toBe('served');
    expect(await outcome(ask(pinned))).toBe('served');
    expect(await outcome(ask(refused))).toBe('ERR_CLIENTCERT_SERVER_KEY_MISMATCH');
    expect([denied, pinned, refused].map(subjects)).toEqual([[null], ['alice'], []]);
  });

  describe('a server whose certificate is for another name is not believed', () => {
    const start = async () => {
      const certificate = await certificateFor('evil.example', authority);
      return startServer({ authority, certificate });
    };

    it.each([
      ['by the Host header, which may be that of a stranger', { headers: { host: 'evil.example' } }],
      ['by a request', { servername: 'evil.example' }],
    ])('whoever names it: %s', async (_, options) => {
      await using server = await start();
      await using credentials = await load(server.port);
      const call = get(server.url, { agent: credentials.agent(), ...options });
      await expect(call).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
      expect(server.requests).toEqual([]);
    });

    it('whoever names it: by an agent, by connect', async () => {
      await using server = await start();
      await using credentials = await load(server.port);
      const agent = credentials.agent({ servername: 'evil.example' });
      expect(await outcome(get(server.url, { agent }))).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
      const socket = adapterOf(credentials).connect({
        host: '127.0.0.1',
        port: server.port,
        servername: 'evil.example',
      });
      expect(await outcome(once(socket, 'secureConnect'))).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    });

    it('but where the rule names it, and the name that a caller adds is asked for as well', async () => {
      await using server = await start();
      await using credentials = await load(server.port, { servername: 'evil.example' });
      expect(await outcome(get(server.url, { agent: credentials.agent() }))).toBe('served');
      await using both = await startServer({ authority, hosts: ['127.0.0.1'] });
      await using strict = await load(both.port);
      const call = get(both.url, { agent: strict.agent(), servername: 'other.example' });
      expect(await outcome(call)).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    });
  });

  it.each([
    ['a text', '4'],
    ['a list', [4]],
    ['an object', { valueOf: (): number => 4 }],
  ])('legacy renegotiation, written as %s', async (_, secureOptions) => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const options = { agent: credentials.agent(), secureOptions: secureOptions as number };
    expect(await outcome(get(server.url, options))).toBe('ERR_CLIENTCERT_AGENT_CONFLICT');
    // With that Node makes a number of whatever it is.
    const ordered = { ...options, honorCipherOrder: true };
    expect(await outcome(get(server.url, ordered))).toBe('ERR_CLIENTCERT_AGENT_CONFLICT');
    expect(server.connections).toBe(0);
  });

  it.each(['eNULL:@SECLEVEL=0', 'aNULL:@SECLEVEL=0', 'ECDHE-RSA-NULL-SHA,@SECLEVEL=0'])(
    'a caller’s ciphers without encryption where the rule allows old ones: %s',
    async (ciphers) => {
      const { key, fullChain } = await authority.issue({
        name: 'server',
        hosts: ['127.0.0.1'],
        usage: 'server',
        keyType: 'rsa',
      });
      const spoken: string[] = [];
      const version = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
      const server = createTlsServer({ key, cert: fullChain, ciphers, ...version }, (socket) => {
        spoken.push(socket.getCipher().name);
        socket.destroy();
      }).on('tlsClientError', () => {});
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      await using credentials = await load(port, { tls: { min: 'TLSv1.2', max: 'TLSv1.2', legacy: true } });
      await expect(
        get(`https://127.0.0.1:${port}`, { agent: credentials.agent(), ciphers }),
      ).rejects.toThrow();
      expect(spoken).toEqual([]);
      server.close();
    },
  );

  it('a certificate whose source trusts its own roots alone, presented to a proxy that others vouch for', async () => {
    await using server = await startServer({ authority });
    await using proxy = await startProxy({ authority: stranger, tls: true, clientCertificate: 'optional' });
    const loadWith = (trust?: 'only') =>
      loadCredentials({
        certificates: { alice: { ...sourceOf(alice, authority), trust } },
        hosts: {
          [`127.0.0.1:${server.port}`]: 'alice',
          [`127.0.0.1:${proxy.port}`]: { ca: stranger.certificate },
        },
        proxy: { url: proxy.url, certificate: 'alice' },
      });
    await using lax = await loadWith();
    expect(await outcome(get(server.url, { agent: lax.agent() }))).toBe('served');
    expect(proxy.connects.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual(['alice']);
    await using strict = await loadWith('only');
    expect(await outcome(get(server.url, { agent: strict.agent() }))).toBe('ERR_CLIENTCERT_PROXY_FAILED');
    expect(proxy.connects).toHaveLength(1);
  });

  it.each([false, true])(
    'the roots that came with a certificate, where another rule trusts them (called before: %s)',
    async (isCalledBefore) => {
      await using server = await startServer({ authority });
      await using other = await startServer({ authority });
      const strict = { trust: 'only', ca: stranger.certificate } as const;
      const place = `127.0.0.1:${server.port}`;
      await using credentials = await loadCredentials({
        certificates: { alice: sourceOf(alice, authority) },
        hosts: { [`127.0.0.1:${other.port}`]: { certificate: 'alice', ...strict }, [place]: 'alice' },
        services: { strict: { ...strict, hosts: [place] } },
      });
      if (isCalledBefore)
        expect(await outcome(get(other.url, { agent: credentials.agent() }))).toBe('served');
      // The service trusts its own roots alone, and so none of the certificate that the host's rule names.
      const agent = credentials.agent({ service: 'strict' });
      expect(await outcome(get(server.url, { agent }))).toMatch(/SELF_SIGNED|ISSUER|LEAF/);
      expect(await outcome(get(other.url, { agent: credentials.agent() }))).toBe('served');
      expect(server.requests).toEqual([]);
    },
  );

  it('an intermediate that came with a client certificate vouches for no server', async () => {
    const root = await createAuthority();
    const intermediate = await root.issueAuthority({ name: 'intermediate' });
    const client = await intermediate.issue({ name: 'carol' });
    const certificate = await intermediate.issue({ name: 'rogue', hosts: ['127.0.0.1'], usage: 'server' });
    await using server = await startServer({ authority: root, certificate, clientCertificate: 'optional' });
    const pfx = await client.pfx('secret');
    for (const rule of [
      {},
      { ca: stranger.certificate },
      { ca: stranger.certificate, trust: 'only' },
    ] as const) {
      await using credentials = await loadCredentials({
        certificates: { carol: { pfx, passphrase: 'secret' } },
        hosts: { [`127.0.0.1:${server.port}`]: { certificate: 'carol', ...rule } },
      });
      expect(credentials.certificates()[0]!.chainLength).toBeGreaterThan(1);
      expect(await outcome(get(server.url, { agent: credentials.agent() }))).toMatch(
        /ISSUER|LEAF|SELF_SIGNED/,
      );
    }
    expect(server.requests).toEqual([]);
  });

  it('proxies of Node’s own way beside the agent’s are refused, not ignored', async () => {
    await using credentials = await load(443);
    const options = { proxyEnv: { HTTPS_PROXY: 'http://127.0.0.1:1' } };
    expect(() => credentials.agent(options as object)).toThrow(/proxyEnv/);
  });
});

describe('attack: identities that mix', () => {
  it('a proxy object says as who it is asked by a getter, by what it inherits, or anew: each call by its own', async () => {
    await using server = await startServer({ authority });
    await using proxy = await startProxy();
    const { url } = proxy;
    await using credentials = await load(server.port);
    class Written {
      readonly url = url;
      readonly #who: string;
      constructor(who: string) {
        this.#who = who;
      }
      get authorization() {
        return this.#who;
      }
    }
    const same = { url: new URL(url), authorization: '' };
    const who = ['alice', 'bob', 'carol'];
    const calls = [
      ...who.map((each) => () => new Written(each)),
      ...who.map(
        (each) => () => Object.create({ authorization: each }, { url: { value: url, enumerable: true } }),
      ),
      ...who.map((each) => () => Object.assign(same, { authorization: each })),
    ];
    for (const written of calls) {
      const agent = adapterOf(credentials).sharedAgent({ proxy: written() });
      expect(await get(server.url, { agent })).toMatchObject({ status: 200 });
    }
    // What says the same is the same agent, whose connection is kept.
    const asked = proxy.connects.map(({ headers }) => headers['proxy-authorization']);
    expect(asked).toEqual([...who, ...who]);
    expect(subjects(server)).toEqual(calls.map(() => 'alice'));
  });

  it('an agent of a service whose hosts a new config takes away presents it nowhere, until an origin is named', async () => {
    await using bank = await startServer({ authority, clientCertificate: 'optional' });
    await using elsewhere = await startServer({ authority, clientCertificate: 'optional' });
    const configOf = (hosts: string[] | undefined) => ({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { [`127.0.0.1:${elsewhere.port}`]: { ca: authority.certificate } },
      services: { Billing: { certificate: 'alice' as const, hosts } },
    });
    await using credentials = await loadCredentials(configOf([`127.0.0.1:${bank.port}`]));
    const named = credentials.agent({ service: 'Billing', origin: bank.url });
    const unnamed = credentials.agent({ service: 'Billing' });
    const shared = adapterOf(credentials).sharedAgent({ service: 'Billing' });
    for (const agent of [named, unnamed, shared]) await get(bank.url, { agent });
    await credentials.reload(configOf(undefined));
    for (const agent of [unnamed, shared, adapterOf(credentials).sharedAgent({ service: 'Billing' })]) {
      expect(await outcome(get(elsewhere.url, { agent }))).toBe('ERR_CLIENTCERT_ORIGIN_NEEDED');
    }
    await get(elsewhere.url, { agent: named });
    await get(bank.url, { agent: named });
    expect([subjects(bank), subjects(elsewhere)]).toEqual([Array(4).fill('alice'), [null]]);
  });

  it('an agent decides by itself, also where another one’s connections are handed to it', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional', listeners: [{}, {}] });
    const [first, second] = server.ports.map((port) => `127.0.0.1:${port}`) as [string, string];
    const ca = authority.certificate;
    const certificates = { alice: sourceOf(alice, authority), bob: sourceOf(bob, authority) };
    await using one = await loadCredentials({ certificates, hosts: { [first]: 'alice', [second]: { ca } } });
    await using other = await loadCredentials({ certificates, hosts: { [first]: 'bob', [second]: 'bob' } });
    const connects = other.agent();
    const agent = one.agent({ maxSockets: 1, keepAlive: false });
    agent.createConnection = (...given) => connects.createConnection(...given);
    await Promise.all(server.urls.flatMap((url) => [get(url, { agent }), get(url, { agent })]));
    expect(subjects(server)).toEqual(['bob', 'bob', 'bob', 'bob']);
  });

  it('a URL object that says something else by the next call', async () => {
    await using first = await startServer({ authority, clientCertificate: 'optional' });
    await using second = await startServer({ authority, clientCertificate: 'optional' });
    await using proxies = await startProxy();
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { '127.0.0.1:*': { ca: authority.certificate } },
      services: { Payments: { certificate: 'alice' } },
    });
    const origin = new URL(first.url);
    const proxy = new URL('http://127.0.0.1:1');
    const identity = { service: 'Payments', origin } as const;
    await get(first.url, { agent: adapterOf(credentials).sharedAgent(identity) });
    origin.port = `${second.port}`;
    await get(first.url, { agent: adapterOf(credentials).sharedAgent(identity) });
    await get(second.url, { agent: adapterOf(credentials).sharedAgent(identity) });
    expect([subjects(first), subjects(second)]).toEqual([['alice', null], ['alice']]);

    await expect(get(first.url, { agent: adapterOf(credentials).sharedAgent({ proxy }) })).rejects.toThrow();
    proxy.port = `${proxies.port}`;
    await get(first.url, { agent: adapterOf(credentials).sharedAgent({ proxy }) });
    expect(proxies.connects).toHaveLength(1);
  });

  it.each([
    ['null', null],
    ['a number', Number.NaN],
    ['a symbol', Symbol('Payments')],
    ['a function', () => 'Payments'],
    ['a bigint', 5n],
    ['a String', new String('Payments')],
    ['a list', ['Payments']],
    ['what has no text', { __proto__: null, toJSON: () => 'Payments' }],
    ['no name', ''],
  ])('%s is no service, also where calls as one and as none were made before', async (_, service) => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
      services: { Payments: { certificate: 'alice', hosts: [`127.0.0.1:${server.port}`] } },
    });
    const view = adapterOf(credentials);
    for (const known of [undefined, 'Payments'] as const) {
      await get(server.url, { agent: view.sharedAgent({ service: known }) });
      await get(server.url, { agent: credentials.agent({ service: known }) });
    }
    const given = { service: service as string };
    const ways = [
      async () => get(server.url, { agent: view.sharedAgent(given) }),
      async () => get(server.url, { agent: credentials.agent(given as object) }),
      async () => credentials.connectOptions({ host: '127.0.0.1', port: server.port, ...given } as never),
    ];
    const refused = { code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN' };
    for (const way of ways) await expect(way()).rejects.toMatchObject(refused);
    expect(server.requests).toHaveLength(4);
  });

  it('a connection that a proxy lets wait past a withdrawal serves the one request that it was begun for', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    const opening: (() => void)[] = [];
    const proxy = createTcpServer((client) => {
      client.on('error', () => {});
      client.once('data', () =>
        opening.push(() => {
          const onward = new Socket().on('error', () => {}).connect(server.port, '127.0.0.1');
          client.write('HTTP/1.1 200 OK\r\n\r\n');
          client.pipe(onward).pipe(client);
        }),
      );
    });
    await once(proxy.listen(0, '127.0.0.1'), 'listening');
    await using credentials = await load(server.port);
    const agent = credentials.agent({ proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` });
    const waiting = get(server.url, { agent });
    await expect.poll(() => opening.length).toBe(1);
    await credentials.reload({ hosts: { [`127.0.0.1:${server.port}`]: { ca: authority.certificate } } });
    opening[0]!();
    await waiting;
    const next = get(server.url, { agent });
    await expect.poll(() => opening.length).toBe(2);
    opening[1]!();
    await next;
    expect(subjects(server)).toEqual(['alice', null]);
    agent.destroy();
    proxy.close();
  });

  it('a service that an object of a class names, by an accessor', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await load(
      server.port,
      {},
      {
        certificates: { alice: sourceOf(alice, authority), bob: sourceOf(bob, authority) },
        services: { Payments: { certificate: 'bob', hosts: ['127.0.0.1:*'] } },
      },
    );
    class Options {
      get service() {
        return 'Payments';
      }
      get host() {
        return '127.0.0.1';
      }
      get port() {
        return server.port;
      }
    }
    await get(server.url, { agent: credentials.agent({ service: new Options().service } as object) });
    await get(server.url, { agent: credentials.agent(new Options() as object) });
    await get(server.url, { agent: adapterOf(credentials).sharedAgent(new Options() as object) });
    const socket = adapterOf(credentials).connect(new Options() as object);
    await once(socket, 'secureConnect');
    socket.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n').resume();
    await once(socket, 'close');
    expect(subjects(server)).toEqual(['bob', 'bob', 'bob', 'bob']);
  });

  it('bytes and a URL of a config that say something else by the next reload', async () => {
    await using server = await startServer({ authority, host: 'localhost' });
    const directory = await mkdtemp(join(tmpdir(), 'clientcert-'));
    for (const each of [alice, bob]) {
      await writeFile(
        join(directory, `${each.fingerprint256.replaceAll(':', '')}.pem`),
        each.fullChain + each.key,
      );
    }
    const urlOf = (each: IssuedCertificate) =>
      pathToFileURL(join(directory, `${each.fingerprint256.replaceAll(':', '')}.pem`));
    const length = Math.max(alice.fullChain.length, bob.fullChain.length);
    const cert = Buffer.from(alice.fullChain.padEnd(length, '\n'));
    const key = Buffer.from(alice.key);
    const url = urlOf(alice);
    const configs: Config[] = [{ cert, key }, { cert: url }].map((source) => ({
      certificates: { web: { ...source, ca: authority.certificate } },
      hosts: { [`localhost:${server.port}`]: 'web' },
    }));
    const loaded = await Promise.all(configs.map((config) => loadCredentials(config)));
    cert.write(bob.fullChain.padEnd(length, '\n'));
    key.write(bob.key);
    url.href = urlOf(bob).href;
    for (const [index, credentials] of loaded.entries()) {
      await get(server.url, { agent: credentials.agent() });
      // What was handed over is what it was, until it is handed over again.
      expect((await credentials.reload()).changed).toEqual([]);
      expect((await credentials.reload(configs[index]!)).changed).toEqual(['web']);
      await get(server.url, { agent: credentials.agent() });
      await credentials.close();
    }
    expect(subjects(server)).toEqual(['alice', 'bob', 'alice', 'bob']);
    await rm(directory, { recursive: true });
  });

  it.each(['a list', 'bytes'])('%s of the caller’s that change while requests wait', async (kind) => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({ hosts: {} });
    const agent = credentials.agent({ maxSockets: 1, keepAlive: false });
    const wrap = (text: string) => (kind === 'bytes' ? Buffer.from(text) : [text]);
    const of = ({ fullChain, key }: IssuedCertificate) => ({ cert: wrap(fullChain), key: wrap(key) });
    const options = { agent, ca: authority.certificate, ...of(alice) };
    const calls = [0, 1, 2].map(() => get(server.url, options));
    if (Array.isArray(options.cert))
      [options.cert[0], (options.key as string[])[0]] = [bob.fullChain, bob.key];
    else options.cert.fill(0);
    await Promise.all(calls);
    expect(subjects(server)).toEqual(['alice', 'alice', 'alice']);
    agent.destroy();
  });

  it('a listener that changes what it is told', async () => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const told: unknown[] = [];
    credentials.on('handshake', ({ presented }) => {
      told.push(presented?.name);
      if (presented) presented.name = 'mallory';
    });
    const agent = credentials.agent({ keepAlive: false });
    for (let round = 0; round < 3; round++) await get(server.url, { agent });
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true, true]);
    expect(told).toEqual(['alice', 'alice', 'alice']);
  });

  it('the host that was decided for is dialled, however its option is called', async () => {
    await using server = await startServer({ authority, host: '::1', clientCertificate: 'optional' });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { [`[::1]:${server.port}`]: 'alice' },
    });
    const agent = credentials.agent();
    const unsent = { addRequest() {}, defaultPort: 443, protocol: 'https:' } as unknown as https.Agent;
    const request = https.get({ host: '::1', port: server.port, agent: unsent });
    // As agents hand requests on that know one of the two names alone.
    const handOver = agent.addRequest as (request: unknown, options: object) => void;
    handOver.call(agent, request, { hostname: '::1', port: server.port, servername: '', lookup: noLookup });
    const [response] = await once(request, 'response');
    response.resume();
    await once(response, 'end');
    expect(subjects(server)).toEqual(['alice']);
    agent.destroy();
  });

  it('nor does a connection to another host serve it, whose option is called otherwise as well', async () => {
    const [one, two] = ['127.0.0.1', '::1'] as const;
    const certificate = await authority.issue({ name: 'server', hosts: [one, two], usage: 'server' });
    await using first = await startServer({ authority, host: one, certificate });
    await using second = await startServer({ authority, host: two, port: first.port, certificate });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      default: 'alice',
    });
    const agent = credentials.agent();
    const handOver = agent.addRequest as (request: unknown, options: object) => void;
    class Wrapper extends https.Agent {
      addRequest(request: unknown, { host: hostname, ...options }: { host: string }) {
        handOver.call(agent, request, { ...options, hostname });
      }
    }
    const wrapper = new Wrapper({ keepAlive: true });
    for (const url of [first.url, second.url, first.url]) await get(url, { agent: wrapper });
    expect([first, second].map(({ connections, requests }) => [connections, requests.length])).toEqual([
      [1, 2],
      [1, 1],
    ]);
    agent.destroy();
  });

  it('nor is a session resumed by the name that another agent has for its pool', async () => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const agent = credentials.agent();
    class Wrapper extends https.Agent {
      override createConnection(options: object) {
        return agent.createConnection(options);
      }
    }
    const wrapper = new Wrapper();
    const call = (options: object = {}) => get(server.url, { agent: wrapper, ...options });
    for (let times = 0; times < 2; times++) await call();
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true]);
    // Of a resumed session nobody is asked, and in the name that Node 20 gives stands nothing of who would be.
    const checkServerIdentity = () => new Error('not this one');
    await expect(call({ checkServerIdentity })).rejects.toThrow('not this one');
    expect(server.requests).toHaveLength(2);
  });

  const noLookup = (_: string, __: object, done: (error: Error) => void) => done(new Error('looked up'));

  it('a service at a Unix socket is refused by the agent as by connect', async () => {
    await using credentials = await load(
      443,
      {},
      { services: { Payments: { certificate: 'alice', hosts: ['127.0.0.1'] } } },
    );
    const agent = credentials.agent({ service: 'Payments' } as object);
    await expect(get('https://localhost', { agent, socketPath: '/nonexistent' })).rejects.toThrow(
      /services\["Payments"\].*Unix socket/,
    );
  });

  describe('under a polluted Object.prototype', () => {
    it('no proxy comes from what process.env inherits', async () => {
      await using server = await startServer({ authority });
      await using evil = await startProxy();
      await using plain = await load(server.port);
      await using env = await load(server.port, {}, { proxy: 'env' });
      for (const name of ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY', 'no_proxy', 'NO_PROXY']) {
        await withPolluted({ [name]: evil.url, NODE_USE_ENV_PROXY: '1' }, async () => {
          expect(await outcome(get(server.url, { agent: plain.agent() }))).toBe('served');
          expect(await outcome(get(server.url, { agent: env.agent() }))).toBe(
            'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
          );
        });
      }
      expect(evil.connects).toEqual([]);
    });

    it('no config, host, certificate or passphrase comes from what process.env inherits', async () => {
      await using server = await startServer({ authority, host: 'localhost', clientCertificate: 'optional' });
      const directory = await mkdtemp(join(tmpdir(), 'clientcert-'));
      const [config, pem] = [join(directory, 'config.json'), join(directory, 'alice.pem')];
      await writeFile(pem, alice.fullChain + alice.key);
      await writeFile(config, JSON.stringify({ certificates: { alice: { cert: pem } }, default: 'alice' }));
      const given = `localhost:${server.port}`;
      const pollution = {
        CLIENTCERT_CONFIG: config,
        CLIENTCERT_PFX: pem,
        CLIENTCERT_HOST: given,
        CLIENTCERT_TEST_PEM: alice.fullChain + alice.key,
        CLIENTCERT_TEST_PASSPHRASE: 'open',
      };
      const pfx = await alice.pfx('open');
      const source = (more: FileSource) => ({
        certificates: { alice: more },
        hosts: { [given]: 'alice' } as const,
      });
      const ways: (() => Promise<Credentials>)[] = [
        () => loadCredentials(),
        async () => loadCredentials(fromEnvironment()),
        async () => loadCredentials(fromEnvironment({ CLIENTCERT_PFX: pem })),
        () => loadCredentials(source({ cert: { env: 'CLIENTCERT_TEST_PEM' } })),
        () => loadCredentials(source({ pfx, passphrase: { env: 'CLIENTCERT_TEST_PASSPHRASE' } })),
      ];
      await withPolluted(pollution, async () => {
        for (const way of ways) {
          await expect(way()).rejects.toMatchObject({
            code: expect.stringMatching(/^ERR_CLIENTCERT_/),
            message: expect.stringMatching(/not set|names none/),
          });
        }
      });
      await rm(directory, { recursive: true });
    });

    it.each([false, true])('the way to the proxy is not changed (over TLS: %s)', async (tls) => {
      await using proxy = await startProxy({ authority, tls, refuse: 403 });
      const directory = await mkdtemp(join(tmpdir(), 'clientcert-'));
      const path = join(directory, 's');
      let strays = 0;
      const unix = createTcpServer((socket) => {
        strays += 1;
        socket.destroy();
      });
      await once(unix.listen(path), 'listening');
      await using credentials = await load(
        443,
        {},
        {
          proxy: {
            url: proxy.url,
            ...(tls && { ca: authority.certificate }),
            authorization: 'Basic c2VjcmV0',
          },
        },
      );
      const pollutions: Record<string, unknown>[] = [
        { path },
        { session: Buffer.alloc(8) },
        { socket: new Socket() },
        { lookup: noLookup },
        { pskCallback: () => ({ psk: Buffer.alloc(4), identity: 'x' }) },
        { rejectUnauthorized: false, checkServerIdentity: () => undefined },
      ];
      for (const pollution of pollutions) {
        await withPolluted(pollution, async () => {
          const socket = adapterOf(credentials).connect({ host: '127.0.0.1' });
          await expect(once(socket, 'secureConnect')).rejects.toThrow('403');
        });
      }
      expect([proxy.connects.length, strays]).toEqual([pollutions.length, 0]);
      unix.close();
      await rm(directory, { recursive: true });
    });
  });
});

describe('attack: files that stop the process', () => {
  const thrower = () => {
    throw Object.assign(new Error('a stranger'), { code: 'ERR_STRANGER' });
  };
  it.each([
    ['is no function', false, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    ['is none either', {}, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    ['throws what it should return', thrower, 'ERR_STRANGER'],
  ])('a check of the server that %s', async (_, written, expected) => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const checkServerIdentity = written as never;
    const timeout = 1_000;
    const thrown: unknown[] = [];
    const catching = (error: unknown) => void thrown.push(error);
    const others = process.rawListeners('uncaughtException');
    process.removeAllListeners('uncaughtException').on('uncaughtException', catching);
    try {
      const agent = credentials.agent();
      for (const call of [
        get(server.url, { agent, checkServerIdentity, timeout }),
        get(server.url, { agent: credentials.agent({ checkServerIdentity }), timeout }),
      ]) {
        expect(await outcome(call)).toBe(expected);
      }
      const connect = async () => {
        const { port } = server;
        const socket = adapterOf(credentials).connect({ host: '127.0.0.1', port, checkServerIdentity });
        await once(
          socket.setTimeout(timeout, () => socket.destroy()),
          'secureConnect',
        );
      };
      expect(await outcome(connect())).toBe(expected);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const each of others) process.on('uncaughtException', each as () => void);
    }
    expect([thrown, server.requests]).toEqual([[], []]);
  });

  it.each([
    ['an authorization as the config takes it', { authorization: { env: 'PROXY_AUTHORIZATION' } }],
    ['a function, whose text would be sent', { authorization: () => 'Bearer secret' }],
    ['a number', { authorization: 123 }],
    ['null', { authorization: null }],
    ['a certificate', { certificate: 'alice' }],
    ['roots', { ca: [] }],
  ])('a proxy of a call with what the proxy of a config alone has: %s', async (_, more) => {
    await using server = await startServer({ authority });
    await using proxy = await startProxy({});
    await using credentials = await load(server.port);
    const way = { url: proxy.url, ...more } as never;
    const refused = expect.objectContaining({ code: 'ERR_CLIENTCERT_PROXY_UNSUPPORTED' });
    const view = adapterOf(credentials);
    const ended = async () => {};
    const open = () => ({ close: ended, destroy: ended });
    const dispatchers = new Dispatchers(view, { open, timeoutError: Error });
    for (const call of [
      () => credentials.agent({ proxy: way }),
      () => view.sharedAgent({ proxy: way }),
      () => view.connect({ host: '127.0.0.1', port: server.port, proxy: way }),
      () => dispatchers.find(server.url, { proxy: way }, false),
    ]) {
      expect(call).toThrow(refused);
      expect(call).not.toThrow(/secret/);
    }
    expect(proxy.connects).toEqual([]);
  });

  it.each([
    ['quotes that do not end', '\\"'],
    ['escapes', '"\\'],
    ['challenges', 'a,'],
    ['blanks', ' '],
  ])('a proxy’s answer that takes long to read: %s', (_, part) => {
    const time = (length: number) => {
      const line = part.repeat(length / part.length);
      const answer = Buffer.from(`HTTP/1.1 407 No\r\nproxy-authenticate: ${line}\r\n\r\n`);
      const start = performance.now();
      expect(parseAnswer(answer)).toMatchObject({ status: 407 });
      return performance.now() - start;
    };
    time(1_000);
    // Quadratic, it was 400 ms and more.
    expect(Math.min(time(16_000), time(16_000), time(16_000))).toBeLessThan(50);
  });

  it('interim answers without end', () => {
    const interim = 'HTTP/1.1 100 Continue\r\n\r\n';
    expect(parseAnswer(Buffer.from(`${interim.repeat(3)}HTTP/1.1 200 OK\r\n\r\n`))).toMatchObject({
      status: 200,
    });
    expect(parseAnswer(Buffer.from(interim.repeat(1_000)))).toMatchObject({ status: 100 });
  });
});

it('explain() names a proxy over TLS after close() as before', async () => {
  const credentials = await load(443, {}, { proxy: 'https://proxy.example' });
  const before = `${credentials.explain('https://127.0.0.1')}`;
  expect(before).toContain('https://proxy.example');
  await credentials.close();
  expect(`${credentials.explain('https://127.0.0.1')}`).toBe(before);
});
