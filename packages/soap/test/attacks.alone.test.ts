import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientCertificates } from '@clientcert/axios';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import axios, { type AxiosHeaders, type AxiosRequestConfig } from 'axios';
import type { ISecurity } from 'soap';
import * as soap from 'soap';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { isBuilt } from '../../../test/built.ts';
import { ClientCertificateSecurity, type Credentials, loadCredentials, soapOptions } from '../src/index.ts';
import { seen, startService, wsdl } from './service.ts';
import { signerOf } from './signer.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
let directory: string;
/** Two ports of a host that asks for a certificate and takes none as well. */
let bank: TestServer;
/** Trusted, and named by no rule that presents a certificate. */
let stranger: TestServer;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice', keyType: 'rsa' });
  bob = await authority.issue({ name: 'bob', keyType: 'rsa' });
  directory = await mkdtemp(join(tmpdir(), 'clientcert-soap-'));
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(async () => {
  bank = await startService({
    authority,
    host: 'localhost',
    clientCertificate: 'optional',
    listeners: [{}, {}],
  });
  stranger = await startService({ authority, clientCertificate: 'optional' });
});
afterEach(() => Promise.all([bank.close(), stranger.close()]));

function load(): Promise<Credentials> {
  const ca = authority.certificate;
  return loadCredentials({
    certificates: {
      alice: { cert: alice.fullChain, key: alice.key, ca },
      bob: { cert: bob.fullChain, key: bob.key, ca },
    },
    hosts: {
      [`localhost:${bank.ports[0]}`]: { ca },
      [`localhost:${bank.ports[1]}`]: 'alice',
      [`127.0.0.1:${stranger.port}`]: { ca },
    },
    services: { Archive: 'bob' },
  });
}

async function file(text: string): Promise<string> {
  const path = join(directory, `${Math.random()}.wsdl`);
  await writeFile(path, text);
  return path;
}

/** A WSDL whose every content is in another one. */
const importing = (location: string) =>
  `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:clientcert:test"><import namespace="urn:clientcert:test" location="${location}"/></definitions>`;

const who = async (client: soap.Client, options?: object): Promise<string> =>
  (await client.WhoAsync({ text: 'hello' }, options))[0].name;
const archive = { service: 'Archive' } as const;
const subjectsOf = (server: TestServer) =>
  server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? 'null');

describe('attack: identities that mix', () => {
  it('a WSDL that was fetched as one is given to no other: another origin, or another certificate since', async () => {
    await using credentials = await load();
    const url = `${bank.urls[0]}/service?wsdl`;
    const [own, other] = bank.urls;
    await soap.createClientAsync(url, soapOptions(credentials, { ...archive, origin: own }));
    await soap.createClientAsync(url, soapOptions(credentials, { ...archive, origin: other }));
    expect(seen(bank)).toEqual(['GET /service bob', 'GET /service nobody']);
    const options = soapOptions(credentials, { ...archive, origin: own });
    await soap.createClientAsync(url, options);
    expect(bank.requests).toHaveLength(2);
    const ca = authority.certificate;
    await credentials.reload({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca } },
      hosts: { [`localhost:${bank.ports[0]}`]: { ca } },
      services: { Archive: 'alice' },
    });
    await soap.createClientAsync(url, options);
    expect(seen(bank)[2]).toBe('GET /service alice');
  });

  it('options that are emptied and filled in anew at once carry the call before to no other client', async () => {
    await using credentials = await load();
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const alone = await soap.createClientAsync(document);
    alone.setSecurity(new ClientCertificateSecurity(credentials, { ...archive, origin: bank.urls[1] }));
    const other = await soap.createClientAsync(document, soapOptions(credentials));
    const options = { exchangeId: 'first' };
    const first = who(alone, options);
    for (const name of Reflect.ownKeys(options)) Reflect.deleteProperty(options, name);
    options.exchangeId = 'second';
    expect(await Promise.all([first, who(other, options)])).toEqual(['bob', 'alice']);
    expect(options).toEqual({ exchangeId: 'second' });
  });

  it('a WSDL whose answer comes after a renewal is that of whoever asked for it, and is kept for nobody', async () => {
    const answers: (() => void)[] = [];
    const ca = authority.certificate;
    await using slow: TestServer = await startServer({
      authority,
      host: 'localhost',
      clientCertificate: 'optional',
      handler: (_request, response) => {
        answers.push(() => response.end(wsdl({ address: `${slow.url}/service` })));
        return true;
      },
    });
    const config = (name: string, issued: IssuedCertificate) => ({
      certificates: { [name]: { cert: issued.fullChain, key: issued.key, ca } },
      hosts: { [`localhost:${slow.port}`]: name },
    });
    const url = `${slow.url}/service?wsdl`;
    await using credentials = await loadCredentials(config('alice', alice));
    const fetched = async () => {
      const before = answers.length;
      const client = soap.createClientAsync(url, soapOptions(credentials));
      await vi.waitFor(() => expect(answers.length).toBe(before + 1));
      return client;
    };
    const early = fetched();
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    await credentials.reload(config('bob', bob));
    const late = fetched();
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[0]!();
    await early;
    const third = fetched();
    await vi.waitFor(() => expect(answers).toHaveLength(3));
    for (const answer of answers) answer();
    await Promise.all([late, third]);
    const next = fetched();
    await vi.waitFor(() => expect(answers).toHaveLength(4));
    answers[3]!();
    await next;
    expect(subjectsOf(slow)).toEqual(['alice', 'bob', 'bob', 'bob']);
    await soap.createClientAsync(url, soapOptions(credentials));
    expect(slow.requests).toHaveLength(4);
  });

  it.each([{}, { disableCache: true }])(
    'a service without hosts is not presented, and signs nothing, where an imported WSDL sends calls: %j',
    async (more) => {
      await using theirs = await startServer({
        authority,
        host: 'localhost',
        clientCertificate: 'optional',
        handler: (_request, response) => response.end(importing(`${stranger.url}/service?wsdl`)),
      });
      await using credentials = await loadCredentials({
        certificates: { bob: { cert: bob.fullChain, key: bob.key, ca: authority.certificate } },
        hosts: {
          [`localhost:${theirs.port}`]: { ca: authority.certificate },
          [`127.0.0.1:${stranger.port}`]: { ca: authority.certificate },
        },
        services: { Archive: 'bob' },
      });
      const onDisk = await file(importing(`${stranger.url}/service?wsdl`));
      for (const document of [`${theirs.url}/?wsdl`, onDisk]) {
        const options = { ...soapOptions(credentials, archive), ...more };
        const client = await soap.createClientAsync(document, options);
        expect(await who(client)).toBe('nobody');
        client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
        await expect(who(client)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_SIGNATURE_REFUSED' });
      }
      expect(seen(theirs)).toEqual(['GET / bob']);
      expect(seen(stranger).every((each) => each.endsWith('nobody'))).toBe(true);
      expect(stranger.requests.every(({ body }) => !body?.includes('Signature'))).toBe(true);
    },
  );

  it.each([{}, { adapter: 'fetch' }])(
    'an axios instance with certificates of its own leaves a call as what it was made: %j',
    async (way) => {
      await using credentials = await load();
      const request = axios.create(way);
      clientCertificates(request, credentials);
      const options = soapOptions(credentials, { ...archive, request: request as never });
      const client = await soap.createClientAsync(`${bank.url}/service?wsdl`, options);
      expect(await who(client)).toBe('bob');
      client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
      expect(await who(client)).toBe('bob');
      expect(seen(bank)).toEqual(['GET /service bob', 'POST /service bob', 'POST /service bob']);

      const to = encodeURIComponent(`${stranger.url}/service`);
      const endpoint = `${bank.urls[1]}/redirect?status=307&to=${to}`;
      const pinned = soapOptions(credentials, { request: request as never, endpoint });
      const other = await soap.createClientAsync(`${bank.urls[1]}/service?wsdl`, pinned);
      other.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
      await expect(who(other)).rejects.toThrow();
      expect(seen(bank).at(-1)).toBe('POST /redirect alice');
      expect(stranger.requests).toEqual([]);
    },
  );

  it.each([{}, { adapter: 'fetch' }])(
    'and so it does where the call is sent again, as axios-retry does: %j',
    async (way) => {
      const ca = authority.certificate;
      let isBroken = true;
      const address = () => `localhost:${server.port}`;
      await using server: TestServer = await startServer({
        authority,
        host: 'localhost',
        clientCertificate: 'optional',
        handler: ({ socket }, response) => {
          if (isBroken) socket.destroy();
          else response.end(answer);
          isBroken = !isBroken;
          return true;
        },
      });
      await using credentials = await loadCredentials({
        certificates: {
          alice: { cert: alice.fullChain, key: alice.key, ca },
          bob: { cert: bob.fullChain, key: bob.key, ca },
        },
        hosts: { [address()]: 'alice' },
        services: { Archive: 'bob' },
      });
      const request = axios.create(way as AxiosRequestConfig);
      clientCertificates(request, credentials);
      request.interceptors.request.use((config) => ({ ...config, beforeRedirect: () => {} }));
      let again = 2;
      request.interceptors.response.use(undefined, (error) => {
        again -= 1;
        if (again < 0) throw error;
        return request({ ...error.config, transformRequest: [(data: unknown) => data] });
      });
      const document = await file(wsdl({ address: `${server.url}/service` }));
      const made = [
        soapOptions(credentials, { ...archive, request: request as never }),
        { request: request as never },
      ];
      for (const options of made) {
        const client = await soap.createClientAsync(document, options);
        client.setSecurity(
          new ClientCertificateSecurity(credentials, { ...archive, origin: server.url, sign: true }),
        );
        await client.WhoAsync({ text: 'hello' });
      }
      expect(subjectsOf(server)).toEqual(['bob', 'bob', 'bob', 'bob']);
      isBroken = false;
      await request.get(server.url);
      expect(subjectsOf(server)[4]).toBe('alice');
    },
  );

  it('a call whose options name another service than its client, or none, goes nowhere', async () => {
    await using credentials = await load();
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const named = await soap.createClientAsync(document, soapOptions(credentials, archive));
    const secured = await soap.createClientAsync(document);
    secured.setSecurity(new ClientCertificateSecurity(credentials, { ...archive, origin: bank.urls[1]! }));
    for (const client of [named, secured]) {
      for (const clientCertificate of [false, 'Invoices', null]) {
        await expect(who(client, { clientCertificate })).rejects.toMatchObject({
          code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
          message: expect.stringContaining('(clientCertificate)'),
        });
      }
      expect(await who(client, { clientCertificate: archive.service })).toBe('bob');
    }
    expect(subjectsOf(bank)).toEqual(['bob', 'bob']);
  });

  it('a service that an axios instance names is that of its calls', async () => {
    await using credentials = await load();
    const request = axios.create({ clientCertificate: 'Archive' });
    clientCertificates(request, credentials);
    const options = { request: request as never, origin: bank.url };
    const client = await soap.createClientAsync(
      `${bank.url}/service?wsdl`,
      soapOptions(credentials, options),
    );
    expect(await who(client)).toBe('bob');
    const anonymous = soapOptions(credentials, { ...options, service: false });
    expect(await who(await soap.createClientAsync(`${bank.url}/service?wsdl`, anonymous))).toBe('nobody');
    // Nor is the WSDL that was fetched as that given to others.
    await soap.createClientAsync(`${bank.url}/service?wsdl`, soapOptions(credentials, { origin: bank.url }));
    expect(seen(bank).filter((each) => each.startsWith('GET'))).toEqual([
      'GET /service bob',
      'GET /service nobody',
      'GET /service nobody',
    ]);
  });

  it.each([{}, { adapter: 'fetch' }, { httpVersion: 2 }])(
    'a connection through a proxy as one user serves no call through it as another, wherever its authorization is: %j',
    async (way) => {
      await using proxy = await startProxy();
      class Corporate {
        url = proxy.url;
        readonly #user: string;
        constructor(user: string) {
          this.#user = user;
        }
        get authorization() {
          return this.#user;
        }
      }
      await using server = await startService({ authority, host: 'localhost', http2: true });
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        hosts: { [`localhost:${server.port}`]: 'alice' },
      });
      const document = await file(wsdl({ address: `${server.url}/service` }));
      const request = axios.create(way as AxiosRequestConfig) as never;
      for (const user of ['one', 'two']) {
        const options = soapOptions(credentials, { request, proxy: new Corporate(user) });
        expect(await who(await soap.createClientAsync(document, options))).toBe('alice');
      }
      expect(proxy.connects.map(({ headers }) => headers['proxy-authorization'])).toEqual(['one', 'two']);
    },
  );

  it('options that were made for one identity are not taken for those of another', async () => {
    await using credentials = await load();
    const made = soapOptions(credentials, archive);
    for (const as of [{ service: false }, { service: undefined }, {}] as const) {
      expect(() => soapOptions(credentials, { ...made, ...as })).toThrow(
        expect.objectContaining({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' }),
      );
    }
  });

  it.each(['loaded', 'loading'])(
    'a service that is null is that of no other: credentials that are %s',
    async (state) => {
      await using loaded = await load();
      const given = state === 'loaded' ? loaded : Promise.resolve(loaded);
      const url = `${bank.urls[1]}/service`;
      const service = null as unknown as string;
      const named = await soap.createClientAsync(
        await file(wsdl({ address: url })),
        soapOptions(loaded, archive),
      );
      const calls = [
        () => soap.createClientAsync(`${url}?wsdl`, soapOptions(given, { service })),
        () => {
          named.setSecurity(new ClientCertificateSecurity(given, { service, origin: bank.urls[1] }));
          return who(named);
        },
      ];
      for (const call of calls) {
        await expect((async () => await call())()).rejects.toMatchObject({
          code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN',
        });
      }
      expect(bank.requests).toHaveLength(0);
    },
  );

  it('what one client named says nothing for another', async () => {
    await using credentials = await load();
    const options = soapOptions(credentials, archive);
    await soap.createClientAsync(`${stranger.url}/service?wsdl`, options);
    stranger.requests.length = 0;
    const document = await file(
      wsdl({ address: `${bank.url}/service`, schema: `${stranger.url}/types.xsd` }),
    );
    await soap.createClientAsync(document, options);
    await soap.createClientAsync(document, { ...soapOptions(credentials, archive), disableCache: true });
    expect(seen(stranger)).toEqual(['GET /types.xsd nobody', 'GET /types.xsd nobody']);
  });

  it('a service without hosts is presented at the WSDL’s own origin with disableCache beside, and fails where that cannot be told', async () => {
    await using credentials = await load();
    const url = `${bank.url}/service?wsdl`;
    const options = soapOptions(credentials, archive);
    expect(await who(await soap.createClientAsync(url, { ...options, disableCache: true }))).toBe('bob');
    expect(seen(bank)).toEqual(['GET /service bob', 'POST /service bob']);
    const replaced = { ...options, disableCache: true, wsdl_options: {} };
    await expect(soap.createClientAsync(url, replaced)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_ORIGIN_NEEDED',
    });
    const own: string[] = [];
    const wsdl_options = { overrideImportLocation: (place: string) => own.push(place) && place };
    const kept = { ...soapOptions(credentials, { ...archive, wsdl_options }), disableCache: true };
    await soap.createClientAsync(await file(importing(`${bank.url}/service?wsdl`)), kept);
    expect(own).toEqual([`${bank.url}/service?wsdl`]);
  });

  it.each([true, false])(
    'options of a call that are used for the call of another client say nothing there, nor were written to (frozen: %s)',
    async (frozen) => {
      await using credentials = await load();
      const OPTIONS = { timeout: 5000 };
      if (frozen) Object.freeze(OPTIONS);
      const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
      const first = await soap.createClientAsync(document, soapOptions(credentials));
      first.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
      const others = await Promise.all(
        [soapOptions(credentials, { service: false }), soapOptions(credentials, archive)].map((options) =>
          soap.createClientAsync(document, options),
        ),
      );
      const calls = [first, ...others, first].map((client) => who(client, OPTIONS)); // at once
      expect(await Promise.all(calls)).toEqual(['alice', 'nobody', 'bob', 'alice']);
      for (const client of [first, ...others]) await who(client, OPTIONS); // and in turn
      const signed = bank.requests.filter(({ body }) => body?.includes('<wsse:Security'));
      expect(signed.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual([
        'alice',
        'alice',
        'alice',
      ]);
      expect(Object.getOwnPropertyDescriptors(OPTIONS)).toMatchObject({ timeout: { value: 5000 } });
      expect(Object.keys(OPTIONS)).toEqual(['timeout']);
    },
  );

  it('the same without soapOptions; what cannot be written on fails', async () => {
    await using credentials = await load();
    const OPTIONS = { timeout: 5000 };
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const secured = await soap.createClientAsync(document);
    secured.setSecurity(
      new ClientCertificateSecurity(credentials, { and: [new soap.BearerSecurity('mine')] }),
    );
    const plain = await soap.createClientAsync(document);
    for (const _ of [1, 2]) {
      expect(await who(secured, OPTIONS)).toBe('alice');
      expect(OPTIONS).toEqual({ timeout: 5000 });
      await expect(who(plain, OPTIONS)).rejects.toThrow(/certificate/); // which trusts no such server
    }
    await expect(who(secured, Object.freeze({ ...OPTIONS }))).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
    });
    expect(seen(bank)).toEqual(['POST /service alice', 'POST /service alice']);
  });

  /** What fails before a call is sent: node-soap has asked the security by then. */
  const failures: [string, (secured: soap.Client, options: Record<string, unknown>) => object][] = [
    ['nothing', () => ({})],
    ['a listener', (secured) => secured.on('request', () => raise())],
    [
      'a listener, and the call has an exchangeId of its own,',
      (secured, options) => {
        options.exchangeId = 'mine';
        return secured.on('request', () => raise());
      },
    ],
    ['a postProcess of its own', (_, options) => Object.assign(options, { postProcess: once(raise) })],
    ['a SOAP header', (secured) => ({ header: secured.addSoapHeader(raise) })],
    ['the message', () => ({ message: Object.defineProperty({}, 'text', { get: raise, enumerable: true }) })],
    ['a further security', () => ({ and: { addOptions: () => {}, toXML: raise } })],
  ];
  it.each(failures)(
    'options of a call that ends unsent say nothing for the next, of a plain client: %s throws',
    async (what, prepare) => {
      await using credentials = await load();
      const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
      const trusting = { httpsAgent: new Agent({ ca: authority.certificate, maxCachedSessions: 0 }) };
      const plain = await soap.createClientAsync(document, { request: axios.create(trusting) as never });
      for (const inOneTurn of [true, false]) {
        bank.requests.length = 0;
        const secured = await soap.createClientAsync(document);
        const OPTIONS: Record<string, unknown> = { timeout: 5000 };
        const { and, message } = prepare(secured, OPTIONS) as { and?: soap.ISecurity; message?: object };
        const before = { ...OPTIONS };
        secured.setSecurity(new ClientCertificateSecurity(credentials, { and: and ? [and] : [] }));
        const first = secured.WhoAsync(message ?? { text: 'hello' }, OPTIONS).then(
          ([answer]: { name: string }[]) => answer?.name,
          (error: Error) => error.message,
        );
        if (!inOneTurn) await first;
        expect(await who(plain, OPTIONS)).toBe('nobody');
        expect(await first).toBe(what === 'nothing' ? 'alice' : 'unsent');
        expect(subjectsOf(bank).sort()).toEqual(what === 'nothing' ? ['alice', 'null'] : ['null']);
        expect(Object.getOwnPropertyDescriptors(OPTIONS)).toEqual(Object.getOwnPropertyDescriptors(before));
      }
    },
  );

  /** A client of each kind, whose security is that of the service. */
  const securedBy = (kind: string, credentials: Credentials, sign = false) => ({
    options: kind === 'soapOptions' ? soapOptions(credentials) : undefined,
    security: new ClientCertificateSecurity(credentials, { ...archive, origin: bank.urls[1]!, sign }),
  });

  it.each(['soapOptions', 'the security alone'])(
    'a call that is made while another is put together is itself, and so is the other: with %s',
    async (kind) => {
      await using credentials = await load();
      const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
      const { options, security } = securedBy(kind, credentials);
      const client = await soap.createClientAsync(document, options);
      client.setSecurity(security);
      let inner: Promise<string> | undefined;
      client.addSoapHeader(() => {
        client.clearSoapHeaders();
        inner = who(client);
        return '<h/>';
      });
      expect(await who(client)).toBe('bob');
      expect(await inner).toBe('bob');

      const other = await soap.createClientAsync(document, options);
      other.setSecurity(security);
      client.once('message', () => {
        inner = who(other);
      });
      expect([await who(client), await inner]).toEqual(['bob', 'bob']);
    },
  );

  it.each(['soapOptions', 'the security alone'])(
    'options of a call that another call is made with, in a listener, say nothing there, and it keeps its own: with %s',
    async (kind) => {
      await using credentials = await load();
      const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
      const { options, security } = securedBy(kind, credentials);
      for (const OPTIONS of [{ timeout: 5000 }, { timeout: 5000, exchangeId: 'mine' }]) {
        const before = Object.getOwnPropertyDescriptors(OPTIONS);
        const client = await soap.createClientAsync(document, options);
        client.setSecurity(security);
        const other = await soap.createClientAsync(document, soapOptions(credentials));
        let inner: Promise<string> | undefined;
        client.once('request', () => {
          inner = who(other, OPTIONS);
        });
        const outer = await who(client, OPTIONS).catch(({ code }) => code);
        expect(await inner).toBe('alice');
        // What node-soap alone sends has nothing but the options to go by, and rather fails than goes as somebody else.
        expect(outer).toBe(kind === 'soapOptions' ? 'bob' : 'ERR_CLIENTCERT_CONFIG_INVALID');
        expect(Object.getOwnPropertyDescriptors(OPTIONS)).toEqual(before);
        expect(await who(client, OPTIONS)).toBe('bob');
      }
    },
  );

  it.each<[string, (headers: AxiosHeaders) => unknown]>([
    ['removes', (headers) => headers.clear()],
    ['signs', (headers) => headers.set('x-signed-headers', Object.keys(headers.toJSON()).join())],
  ])('an interceptor of the caller’s own instance that %s all headers changes nothing', async (_, change) => {
    await using credentials = await load();
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    for (const kind of ['soapOptions', 'the security alone']) {
      const instance = axios.create();
      instance.interceptors.request.use((config) => {
        change(config.headers);
        config.headers.set('content-type', 'text/xml');
        return config;
      });
      const { options, security } = securedBy(kind, credentials);
      const client = await soap.createClientAsync(document, { ...options, request: instance as never });
      client.setSecurity(security);
      bank.requests.splice(0);
      expect(await who(client)).toBe('bob');
      expect(bank.requests.map(({ headers }) => headers['x-signed-headers'] ?? '').join()).not.toContain(
        'clientcert',
      );
    }
  });

  it.each([false, true])(
    'nor does a call of a security alone say anything for that in whose listener it is made (signed: %s)',
    async (sign) => {
      await using credentials = await load();
      const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
      const { security } = securedBy('the security alone', credentials, sign);
      const alone = await soap.createClientAsync(document);
      alone.setSecurity(security);
      const client = await soap.createClientAsync(document, soapOptions(credentials));
      const OPTIONS = { timeout: 5000 };
      let inner: Promise<string> | undefined;
      client.once('request', () => {
        inner = who(alone, OPTIONS);
      });
      expect(await who(client, OPTIONS)).toBe('alice');
      expect(await inner).toBe('bob');
      expect(bank.requests.map(({ body }) => body?.includes('<Signature')).sort()).toEqual([false, sign]);
      expect(OPTIONS).toEqual({ timeout: 5000 });
    },
  );

  it('headers that a client around node-soap’s copies, or a security around ours, go nowhere without the certificate', async () => {
    await using credentials = await load();
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const { security } = securedBy('', credentials);
    const inner = soapOptions(credentials).httpClient!;
    const decorated = Object.assign(Object.create(inner), {
      request: (...[url, data, callback, headers, ...rest]: Parameters<typeof inner.request>) =>
        inner.request(url, data, callback, { ...headers, 'x-trace': '1' }, ...rest),
    });
    const copying: ISecurity = {
      toXML: () => security.toXML(),
      addHeaders: (headers) => {
        const copy = { ...headers };
        security.addHeaders(copy);
        Object.assign(headers, copy);
      },
      addOptions: (options) => security.addOptions(options),
    };
    for (const [options, as, expected] of [
      [{ httpClient: decorated }, security, 'bob'],
      [undefined, copying, 'ERR_CLIENTCERT_CONFIG_INVALID'],
    ] as const) {
      bank.requests.splice(0);
      const client = await soap.createClientAsync(document, options);
      client.setSecurity(as);
      expect(await who(client).catch(({ code }) => code)).toBe(expected);
      const seen = bank.requests.map(({ headers }) => headers);
      expect(seen).toHaveLength(expected === 'bob' ? 1 : 0);
      expect(JSON.stringify(seen)).not.toContain('clientcert-');
    }
  });

  it.each([
    ['addOptions'],
    ['addHeaders', 'addOptions'],
    ['addOptions', 'toXML'],
    ['addHeaders', 'toXML'],
    ['addHeaders', 'addOptions', 'toXML'],
    ['toXML'],
  ] as const)(
    'a security around ours that hands on %s %s %s alone makes no call without its certificate, or unsigned',
    async (...names) => {
      await using credentials = await load();
      const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
      const trusting = axios.create({ httpsAgent: new Agent({ ca: authority.certificate }) }) as never;
      for (const sign of [false, true]) {
        for (const options of [{ request: trusting }, {}, soapOptions(credentials)]) {
          const { security } = securedBy('', credentials, sign);
          const client = await soap.createClientAsync(document, options);
          const parts = Object.fromEntries(
            names.map((name) => [name, (given: never) => security[name](given)]),
          );
          client.setSecurity({ toXML: () => '', ...parts });
          const error = await who(client).then(
            () => undefined,
            (error) => error,
          );
          if (error) expect(error.code).toMatch(/^ERR_CLIENTCERT_/);
        }
      }
      expect(bank.requests.every(({ body }) => !body?.includes('Signature'))).toBe(true);
      expect(subjectsOf(bank).filter((name) => name !== 'bob')).toEqual([]);
    },
  );

  it('a routing agent of the caller’s own instance is not used for calls as another than it was made for', async () => {
    await using credentials = await load();
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const request = axios.create({ httpsAgent: credentials.agent() }) as never;
    expect(await who(await soap.createClientAsync(document, soapOptions(credentials, { request })))).toBe(
      'alice',
    );
    for (const service of ['Archive', false] as const) {
      const client = await soap.createClientAsync(document, soapOptions(credentials, { service, request }));
      await expect(who(client)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    }
  });

  it('nor is a message signed as one sent over such an agent as another, while certificates load as well', async () => {
    await using credentials = await load();
    const address = `${bank.urls[1]}/service`;
    const document = await file(wsdl({ address }));
    const request = axios.create({ httpsAgent: credentials.agent({ ...archive, origin: address }) }) as never;
    const sign = { sign: true, origin: address };
    for (const given of [credentials, Promise.resolve(credentials)]) {
      for (const options of [soapOptions(given, { request }), { request }]) {
        const client = await soap.createClientAsync(document, options);
        client.setSecurity(new ClientCertificateSecurity(given, sign));
        await expect(who(client)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_SIGNATURE_REFUSED' });
      }
    }
    expect(bank.requests).toEqual([]);
    const client = await soap.createClientAsync(document, { request });
    client.setSecurity(new ClientCertificateSecurity(credentials, { ...sign, ...archive }));
    expect(await who(client)).toBe('bob');
    expect(signerOf(bank.requests[0]!.body!)).toBe(new X509Certificate(bob.fullChain).serialNumber);
  });

  it('options of a call that ended unsent bring its certificate to no request of axios’ own', async () => {
    await using credentials = await load();
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const OPTIONS = { timeout: 5000 };
    const secured = await soap.createClientAsync(document);
    secured.setSecurity(new ClientCertificateSecurity(credentials));
    secured.on('request', raise);
    await expect(who(secured, OPTIONS)).rejects.toThrow('unsent');
    for (const _ of [1, 2]) await axios.post(bank.urls[1]!, 'mine', OPTIONS).catch(() => {});
    expect(seen(bank)).toEqual([]);
    expect(OPTIONS).toEqual({ timeout: 5000 });
  });

  it('a call whose headers were cleared is made with its certificate, or not at all', async () => {
    await using credentials = await load();
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    for (const kind of ['soapOptions', 'the security alone']) {
      const { options, security } = securedBy(kind, credentials);
      const client = await soap.createClientAsync(document, options);
      client.setSecurity(security);
      client.clearHttpHeaders();
      const answer = await who(client, { timeout: 5000 }).catch(({ code }) => code);
      expect(answer).toBe(kind === 'soapOptions' ? 'bob' : 'ERR_CLIENTCERT_CONFIG_INVALID');
    }
  });

  it('a client of the caller’s own that reads the options later is served as well', async () => {
    await using credentials = await load();
    class Later extends soap.HttpClient {
      override request(...args: Parameters<soap.HttpClient['request']>): never {
        return new Promise((resolve) => setTimeout(resolve, 5)).then(() => super.request(...args)) as never;
      }
    }
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const secured = await soap.createClientAsync(document, { httpClient: new Later() });
    secured.setSecurity(new ClientCertificateSecurity(credentials));
    const OPTIONS = { timeout: 5000 };
    for (const _ of [1, 2]) expect(await who(secured, OPTIONS)).toBe('alice');
    const given = await soap.createClientAsync(
      document,
      soapOptions(credentials, { httpClient: new Later() }),
    );
    expect(await who(given, OPTIONS)).toBe('alice');
    expect(OPTIONS).toEqual({ timeout: 5000 });
  });

  it('an axios instance of the caller’s own is as it was, for their other calls', async () => {
    await using credentials = await load();
    const instance = axios.create();
    const before = JSON.stringify(instance.defaults);
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    for (const _ of [1, 2]) {
      const options = soapOptions(credentials, { request: instance as never });
      expect(await who(await soap.createClientAsync(document, options))).toBe('alice');
    }
    expect(JSON.stringify(instance.defaults)).toBe(before);
    expect((instance.interceptors.request as unknown as { handlers: unknown[] }).handlers ?? []).toEqual([]);
    await expect(instance.get(bank.urls[1]!)).rejects.toThrow(/certificate/);
  });

  it('an address that every object inherits is none that the caller named', async () => {
    await using credentials = await load();
    const document = await file(wsdl({ address: `${bank.urls[0]}/service` }));
    const endpoint = `${stranger.url}/service`;
    Object.defineProperty(Object.prototype, 'endpoint', {
      value: endpoint,
      configurable: true,
      writable: true,
    });
    try {
      const url = `${bank.urls[0]}/service?wsdl`;
      for (const place of [url, document]) {
        const client = await soap.createClientAsync(place, soapOptions(credentials, archive));
        await who(client).catch(() => {});
      }
    } finally {
      delete (Object.prototype as { endpoint?: string }).endpoint;
    }
    expect(subjectsOf(stranger).filter((name) => name !== 'null')).toEqual([]);
    expect(subjectsOf(bank).filter((name) => name !== 'bob')).toEqual([]);
  });

  it('a polluted Object.prototype says neither as whom, nor through which proxy', async () => {
    await using credentials = await load();
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const pollution = {
      service: 'Archive',
      origin: 'https://localhost',
      proxy: 'http://127.0.0.1:1',
      sign: true,
      transformRequest: 'none',
    };
    for (const [name, value] of Object.entries(pollution)) {
      Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
    }
    try {
      const client = await soap.createClientAsync(document, soapOptions(credentials));
      expect(await who(client)).toBe('alice');
      client.setSecurity(new ClientCertificateSecurity(credentials));
      expect(await who(client)).toBe('alice');
    } finally {
      for (const name of Object.keys(pollution)) delete (Object.prototype as Record<string, unknown>)[name];
    }
    expect(seen(bank)).toEqual(['POST /service alice', 'POST /service alice']);
    expect(bank.requests.every(({ body }) => !body?.includes('Signature'))).toBe(true);
  });
});

describe('attack: rules that are weakened', () => {
  const withInterceptor = (change: (config: AxiosRequestConfig) => object) => {
    const request = axios.create();
    request.interceptors.request.use((config) => change(config) as typeof config);
    return request;
  };
  it.each<[string, () => unknown]>([
    [
      'an interceptor that replaces transformers',
      () => withInterceptor((c) => ({ ...c, transformRequest: [String] })),
    ],
    [
      'one that takes them off',
      () => withInterceptor((c) => Object.assign(c, { transformRequest: undefined })),
    ],
    [
      'a function that has its own',
      () => (options: AxiosRequestConfig) => axios.request({ ...options, transformRequest: [String] }),
    ],
  ])('a call over %s is made with the certificate, through the proxy that is named', async (_, make) => {
    await using credentials = await load();
    await using proxy = await startProxy();
    const onDisk = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const client = await soap.createClientAsync(
      onDisk,
      soapOptions(credentials, { request: make() as never, proxy: proxy.url }),
    );
    expect(await who(client)).toBe('alice');
    expect(proxy.connects).toHaveLength(1);
    client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true, proxy: false }));
    expect(await who(client)).toBe('alice');
    expect(proxy.connects).toHaveLength(1);
  });

  it.each(['PUT', 'GET', 'post'])('a signed message goes nowhere else by the method %s', async (method) => {
    await using credentials = await load();
    const onDisk = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const client = await soap.createClientAsync(onDisk, soapOptions(credentials));
    client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
    const refused = { code: 'ERR_CLIENTCERT_SIGNATURE_REFUSED' };
    const to = `${stranger.url}/service`;
    await expect(who(client, { method, url: to })).rejects.toMatchObject(refused);
    const url = `${bank.urls[1]}/redirect?status=307&to=${encodeURIComponent(to)}`;
    await expect(who(client, { method, url })).rejects.toThrow(/signed with/);
    expect(seen(bank)).toEqual([`${method.toUpperCase()} /redirect alice`]);
    expect(stranger.requests).toEqual([]);
  });

  it('nor by another address among the options of its call, over interceptors that take transformers off as well', async () => {
    await using credentials = await load();
    const onDisk = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const request = withInterceptor((config) => ({ ...config, transformRequest: [] })) as never;
    const elsewhere = [
      { url: `${stranger.url}/service` },
      { baseURL: stranger.url, url: '/service' },
      { baseURL: stranger.url, allowAbsoluteUrls: false },
    ];
    for (const options of [{}, { request }]) {
      const client = await soap.createClientAsync(onDisk, soapOptions(credentials, options));
      client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
      for (const way of elsewhere) {
        await expect(who(client, way)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_SIGNATURE_REFUSED' });
      }
    }
    expect(stranger.requests).toEqual([]);
  });

  it('a request that is sent again goes past no proxy that a SOAP client names as well', async () => {
    await using credentials = await load();
    const proxy = await startProxy();
    const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
    const options = soapOptions(credentials, { proxy: { url: proxy.url } });
    expect(await who(await soap.createClientAsync(document, options))).toBe('alice');
    const { hostname: host, port } = new URL(proxy.url);
    const api = axios.create({ proxy: { host, port: Number(port) } });
    clientCertificates(api, credentials);
    const { config } = await api.post(`${bank.urls[1]}/service`, '', { headers: { connection: 'close' } });
    await proxy.close();
    await expect(api(config)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_PROXY_FAILED' });
    expect(subjectsOf(bank)).toEqual(['alice', 'alice']);
  });

  it.each(['of credentials.agent()', 'of Node'])(
    'nor does a call over an agent of the caller’s own, one %s',
    async (kind) => {
      await using credentials = await load();
      await using proxy = await startProxy();
      const own = new Agent({ ca: authority.certificate });
      const httpsAgent = kind === 'of Node' ? own : credentials.agent();
      const address = kind === 'of Node' ? stranger.url : bank.urls[1];
      await using plain = await startServer({
        tls: false,
        handler: (_request, response) => {
          response.writeHead(307, { location: `${address}/service` }).end();
          return true;
        },
      });
      for (const first of kind === 'of Node' ? [address] : [address, plain.url]) {
        const document = await file(wsdl({ address: `${first}/service` }));
        for (const given of [credentials, Promise.resolve(credentials)]) {
          const instance = axios.create({ httpsAgent }) as never;
          const named = soapOptions(given, { proxy: proxy.url, request: instance });
          const secured = await soap.createClientAsync(document);
          secured.setSecurity(new ClientCertificateSecurity(given, { proxy: proxy.url }));
          const client = await soap.createClientAsync(document, named);
          await expect(who(client)).rejects.toThrow(/which makes its own way/);
          await expect(who(secured, { httpsAgent })).rejects.toThrow(/which makes its own way/);
        }
      }
      expect([...bank.requests, ...stranger.requests]).toEqual([]);
    },
  );

  it('nor over one of Node while certificates load, past the proxy of the environment or of the call', async () => {
    await using credentials = await load();
    await using proxy = await startProxy();
    const document = await file(wsdl({ address: `${bank.urls[0]}/service` }));
    const httpsAgent = new Agent({ ca: authority.certificate });
    const { hostname: host, port } = new URL(proxy.url);
    const way = { proxy: { host, port: Number(port) } };
    const waiting = await soap.createClientAsync(document);
    const ready = await soap.createClientAsync(document);
    ready.setSecurity(new ClientCertificateSecurity(credentials));
    for (const variable of [undefined, proxy.url]) {
      vi.stubEnv('HTTPS_PROXY', variable);
      const options = variable ? { httpsAgent } : { httpsAgent, ...way };
      waiting.setSecurity(new ClientCertificateSecurity(Promise.resolve(credentials)));
      await expect(who(waiting, options)).rejects.toThrow(/still loading/);
      expect(bank.requests).toEqual([]);
    }
    await who(ready, { httpsAgent });
    vi.unstubAllEnvs();
    expect(proxy.connects).toHaveLength(1);
    waiting.setSecurity(new ClientCertificateSecurity(Promise.resolve(credentials)));
    await who(waiting, { httpsAgent });
    expect(subjectsOf(bank)).toEqual(['null', 'null']);
  });

  it('nor through one that both leave out', async () => {
    await using credentials = await load();
    await using proxy = await startProxy();
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    try {
      const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
      await who(await soap.createClientAsync(document, soapOptions(credentials, { proxy: false })));
      const api = axios.create({ proxy: false });
      clientCertificates(api, credentials);
      const { config } = await api.post(`${bank.urls[1]}/service`);
      await api(config);
    } finally {
      vi.unstubAllEnvs();
    }
    expect(subjectsOf(bank)).toEqual(['alice', 'alice', 'alice']);
    expect(proxy.connects).toEqual([]);
  });

  it('while certificates load, a redirect from http: to https: goes through no tunnel of axios’ own', async () => {
    let answer: () => void = () => {};
    await using plain = await startServer({
      tls: false,
      handler: (_request, response) => {
        answer = () => response.writeHead(307, { location: `${bank.urls[1]}/service` }).end();
        if (isEarly) answer();
      },
    });
    let isEarly = true;
    await using proxy = await startProxy();
    const onDisk = await file(wsdl({ address: `${plain.url}/service` }));
    const client = await soap.createClientAsync(onDisk);
    vi.stubEnv('HTTP_PROXY', proxy.url);
    vi.stubEnv('HTTPS_PROXY', proxy.url);
    try {
      const never = new Promise<Credentials>(() => {});
      client.setSecurity(new ClientCertificateSecurity(never));
      await expect(who(client)).rejects.toThrow(/still loading/);
      expect(proxy.connects).toEqual([]);

      isEarly = false;
      const loading = load();
      client.setSecurity(new ClientCertificateSecurity(loading));
      const called = who(client);
      await using _ = await loading;
      await vi.waitFor(() => expect(plain.requests).toHaveLength(2));
      answer();
      expect(await called).toBe('alice');
      expect(proxy.connects).toHaveLength(1);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it.each([{ adapter: 'fetch' }, { adapter: ['FETCH', 'http'] }, { httpVersion: 2 }, { httpVersion: '2' }])(
    'axios’ other ways to send present the certificate: %j, on the instance, in wsdl_options and in a call',
    async (way) => {
      await using server = await startService({
        authority,
        host: 'localhost',
        http2: 'httpVersion' in way,
      });
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
        hosts: { [`localhost:${server.port}`]: 'alice' },
      });
      const url = `${server.url}/service?wsdl`;
      const request = axios.create(way as object) as never;
      const all = await soap.createClientAsync(url, soapOptions(credentials, { request }));
      expect(await who(all)).toBe('alice');
      const options = soapOptions(credentials, { wsdl_options: way, disableCache: true });
      const client = await soap.createClientAsync(url, options);
      expect(await who(client, way)).toBe('alice');
      const plain = await soap.createClientAsync(await file(wsdl({ address: `${server.url}/service` })));
      plain.setSecurity(new ClientCertificateSecurity(credentials));
      expect(await who(plain, way)).toBe('alice');
      expect(seen(server)).toEqual([
        'GET /service alice',
        'POST /service alice',
        'GET /service alice',
        'POST /service alice',
        'POST /service alice',
      ]);
    },
  );

  it('a signed message follows no 307 over fetch to where its certificate is not shown', async () => {
    await using credentials = await load();
    const to = encodeURIComponent(`${stranger.url}/service`);
    const document = await file(wsdl({ address: `${bank.urls[1]}/redirect?status=307&to=${to}` }));
    for (const made of [soapOptions(credentials), {}]) {
      const client = await soap.createClientAsync(document, made);
      const origin = bank.urls[1];
      client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true, origin }));
      await expect(who(client, { adapter: 'fetch' })).rejects.toThrow();
    }
    expect(seen(bank)).toEqual(['POST /redirect alice', 'POST /redirect alice']);
    expect(stranger.requests).toEqual([]);
  });

  it.skipIf(isBuilt)(
    'a call that a security of another copy is to sign while its certificates load is signed when they have',
    async () => {
      await using credentials = await load();
      vi.resetModules();
      const copy = await import('../src/index.ts');
      expect(copy.ClientCertificateSecurity).not.toBe(ClientCertificateSecurity);
      const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
      const client = await soap.createClientAsync(document, soapOptions(credentials));
      const loading = new Promise<Credentials>((resolve) => setTimeout(resolve, 200, credentials));
      client.setSecurity(new copy.ClientCertificateSecurity(loading, { sign: true }));
      expect(await who(client)).toBe('alice');
      expect(await who(client)).toBe('alice');
      expect(bank.requests.map(({ body }) => body?.includes('<Signature'))).toEqual([true, true]);
    },
  );

  const parts = [{ name: 'a', contentId: 'a', mimetype: 'text/plain', body: Buffer.from('attached') }];
  it.each([
    ['attachments', { attachments: parts }, {}],
    ['forceMTOM', { forceMTOM: true }, {}],
    ['forceGzip', { forceGzip: true }, {}],
    ['SOAP 1.2', {}, { forceSoap12Headers: true }],
    ['SOAP 1.2 and attachments', { attachments: parts }, { forceSoap12Headers: true }],
    ['a stream', {}, { stream: true }],
    ['a body of its own that is parsed', {}, { parseReponseAttachments: true }],
  ])(
    'a signed call with %s is one identity’s from its certificate to its signature',
    async (_, call, made) => {
      await using credentials = await load();
      // node-soap tells the length of a message before it is compressed: no server answers that one.
      const OPTIONS = { timeout: 'forceGzip' in call ? 1500 : 5000, ...call };
      const document = await file(wsdl({ address: `${bank.urls[1]}/service` }));
      const clients = await Promise.all(
        [{}, archive, { service: false } as const].map((as) =>
          soap.createClientAsync(document, soapOptions(credentials, { ...made, ...as })),
        ),
      );
      for (const client of clients.slice(0, 2)) {
        client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true }));
      }
      await Promise.all(clients.map((client) => who(client, OPTIONS).catch(() => {})));
      expect(subjectsOf(bank).toSorted()).toEqual(['alice', 'bob', 'null']);
      for (const { body, clientCertificate, headers } of bank.requests) {
        if (headers['content-encoding'] === 'gzip') continue;
        const [, token] = /BinarySecurityToken[^>]*>([^<]+)</.exec(`${body}`) ?? [];
        const signer = token && new X509Certificate(Buffer.from(token, 'base64')).subject;
        expect(signer?.replace(/^.*CN=/s, '')).toBe(clientCertificate?.commonName);
      }
      expect(Object.keys(OPTIONS)).toEqual(['timeout', ...Object.keys(call)]);
    },
  );

  it('a redirect that a caller’s beforeRedirect turns to another host gets no signed message', async () => {
    await using credentials = await load();
    const plain = { protocol: 'http:', hostname: '127.0.0.1', port: 1 };
    const elsewhere = { hostname: '127.0.0.1', port: stranger.port };
    const to = encodeURIComponent(`${bank.urls[1]}/service`);
    const document = await file(wsdl({ address: `${bank.urls[1]}/redirect?status=307&to=${to}` }));
    for (const made of [soapOptions(credentials), {}]) {
      const client = await soap.createClientAsync(document, made);
      const origin = bank.urls[1];
      client.setSecurity(new ClientCertificateSecurity(credentials, { sign: true, origin }));
      for (const rewritten of [elsewhere, plain]) {
        const beforeRedirect = (options: object) => void Object.assign(options, rewritten);
        await expect(who(client, { beforeRedirect })).rejects.toThrow(/signed with|http:/);
      }
    }
    expect(stranger.requests).toEqual([]);
  });

  it('an adapter or an agent of unknown kind is refused at a pinned host', async () => {
    await using credentials = await load();
    const client = await soap.createClientAsync(
      await file(wsdl({ address: `${bank.urls[1]}/service` })),
      soapOptions(credentials),
    );
    const own = { cert: bob.fullChain, key: bob.key, ca: authority.certificate };
    for (const brought of [{ adapter: async () => ({}) }, { httpsAgent: new Agent(own) }]) {
      await expect(who(client, brought)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    }
    const plain = await soap.createClientAsync(await file(wsdl({ address: `${bank.urls[1]}/service` })));
    plain.setSecurity(new ClientCertificateSecurity(new Promise<Credentials>(() => {})));
    const transport = { request: () => expect.unreachable() };
    await expect(who(plain, { transport })).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    expect(bank.connections).toBe(0);
  });
});

/** Of a service that says nothing. */
const answer =
  '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body/></soap:Envelope>';

function raise(): never {
  throw new Error('unsent');
}

function once(raise: () => never): (xml: string) => string {
  let isDone = false;
  return (xml) => {
    if (isDone) return xml;
    isDone = true;
    return raise();
  };
}
