import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import axios, { AxiosHeaders, type AxiosInstance } from 'axios';
import * as soap from 'soap';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ClientCertificateError,
  ClientCertificateSecurity,
  type Credentials,
  loadCredentials,
  soapOptions,
} from '../src/index.ts';
import { seen, startService, type WsdlOptions, wsdl } from './service.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
let directory: string;
/** Two ports of one host, both of which demand a certificate. */
let bank: TestServer;
/** Another host, which asks for a certificate and takes none. */
let other: TestServer;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  bob = await authority.issue({ name: 'bob' });
  directory = await mkdtemp(join(tmpdir(), 'clientcert-soap-'));
});
afterAll(() => rm(directory, { recursive: true }));

beforeEach(async () => {
  for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy']) {
    vi.stubEnv(name, undefined);
  }
  bank = await startService({ authority, host: 'localhost', listeners: [{}, {}] });
  other = await startService({ authority, clientCertificate: 'optional' });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([bank.close(), other.close()]);
});

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
      Invoices: { certificate: 'bob', hosts: [`localhost:${bank.ports[0]}`] },
      Archive: 'bob',
    },
  });
}

const who = async (client: soap.Client, options?: object): Promise<string> =>
  (await client.WhoAsync({ text: 'hello' }, options))[0].name;
const whoBy = (client: soap.Client): Promise<string> =>
  new Promise((resolve, reject) => {
    client.Who({ text: 'hello' }, (error: unknown, result: { name: string }) =>
      error ? reject(error) : resolve(result.name),
    );
  });

/** A WSDL on disk that sends calls to an address. */
async function file(address: string, schema?: string): Promise<string> {
  const path = join(directory, `${Math.random()}.wsdl`);
  await writeFile(path, wsdl({ address, schema }));
  return path;
}

describe('soapOptions', () => {
  it('makes no call to the http: address of a WSDL that came over https:, where the service requires its certificate', async () => {
    await using plain = await startServer({ tls: false, host: 'localhost' });
    await using describing = await startService({
      authority,
      host: 'localhost',
      wsdl: () => ({ address: `${plain.url}/service` }),
    });
    const { cert, key } = alice;
    await using credentials = await loadCredentials({
      certificates: { alice: { cert, key, ca: authority.certificate } },
      services: { Invoices: { certificate: 'alice', required: true } },
    });
    const options = soapOptions(credentials, { service: 'Invoices' });
    const client = await soap.createClientAsync(`${describing.url}/service?wsdl`, options);
    await expect(who(client)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_NOT_REQUESTED' });
    expect(seen(describing)).toEqual(['GET /service alice']);
    expect(plain.connections).toBe(0);
  });

  it('calls no operation that is called as a method of emitters, where a server answers with an error', async () => {
    await using failing = await startServer({
      authority,
      host: 'localhost',
      clientCertificate: 'optional',
      handler: async (request, response) => {
        for await (const _ of request);
        response.writeHead(500).end();
      },
    });
    const operations = /<operation name="Who">.*?<\/operation>/gs;
    const emitting = wsdl({ address: `${failing.url}/service` }).replace(operations, (all) =>
      ['Who', 'on', 'once', 'off'].map((name) => all.replace('Who', name)).join(''),
    );
    const path = join(directory, 'emitting.wsdl');
    await writeFile(path, emitting);
    await using credentials = await loadCredentials({
      hosts: { [new URL(failing.url).host]: { ca: authority.certificate } },
    });
    const client = await soap.createClientAsync(path, soapOptions(credentials));
    await expect(who(client)).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen(failing)).toEqual(['POST /service nobody']);
  });

  it('gives the WSDL, what it imports and the calls each the certificate of their own host', async () => {
    await using describing = await startService({
      authority,
      host: 'localhost',
      clientCertificate: 'optional',
      wsdl: () => ({ address: `${bank.urls[1]}/service`, schema: `${other.url}/types.xsd` }),
    });
    await using all = await loadCredentials({
      certificates: {
        alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate },
        bob: { cert: bob.fullChain, key: bob.key, ca: authority.certificate },
      },
      hosts: {
        [`localhost:${describing.port}`]: 'alice',
        [`localhost:${bank.ports[1]}`]: 'bob',
        [`127.0.0.1:${other.port}`]: { ca: authority.certificate },
      },
    });
    const client = await soap.createClientAsync(`${describing.url}/service?wsdl`, soapOptions(all));
    expect(await who(client)).toBe('bob');
    expect(await whoBy(client)).toBe('bob');
    expect(seen(describing)).toEqual(['GET /service alice']);
    expect(seen(other)).toEqual(['GET /types.xsd nobody']);
    expect(seen(bank)).toEqual(['POST /service bob', 'POST /service bob']);
    expect(bank.connections).toBe(1);
  });

  it('gives a WSDL that another imports the certificate of its own host, and none where no rule names one', async () => {
    await using imported = await startService({
      authority,
      clientCertificate: 'optional',
      wsdl: () => ({ address: `${bank.urls[1]}/service`, schema: `${other.url}/types.xsd` }),
    });
    const location = `${imported.url}/service?wsdl`;
    await using describing = await startServer({
      authority,
      host: 'localhost',
      handler: (_request, response) => {
        response.end(
          `<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:clientcert:test"><import namespace="urn:clientcert:test" location="${location}"/></definitions>`,
        );
        return true;
      },
    });
    const pinned = {
      [`localhost:${describing.port}`]: 'alice',
      [`localhost:${bank.ports[1]}`]: 'bob',
    } as const;
    const bare = { ca: authority.certificate };
    const certificates = {
      alice: { cert: alice.fullChain, key: alice.key, ...bare },
      bob: { cert: bob.fullChain, key: bob.key, ...bare },
    };
    for (const rule of [bare, 'bob'] as const) {
      await using all = await loadCredentials({
        certificates,
        hosts: { ...pinned, [`127.0.0.1:${imported.port}`]: rule, [`127.0.0.1:${other.port}`]: bare },
      });
      const client = await soap.createClientAsync(`${describing.url}/service?wsdl`, soapOptions(all));
      expect(await who(client)).toBe('bob');
    }
    expect(seen(describing)).toEqual(['GET /service alice', 'GET /service alice']);
    expect(seen(imported)).toEqual(['GET /service nobody', 'GET /service bob']);
    expect(seen(other)).toEqual(['GET /types.xsd nobody', 'GET /types.xsd nobody']);
    expect(seen(bank)).toEqual(['POST /service bob', 'POST /service bob']);
  });

  it('an address in a WSDL that is none is an error of whoever asks, where an import of it ended the process', async () => {
    const address = 'https://localhost:99999/';
    let said: WsdlOptions = { address, schema: address };
    await using describing = await startService({ authority, host: 'localhost', wsdl: () => said });
    const { fullChain: cert, key } = alice;
    await using credentials = await loadCredentials({
      certificates: { alice: { cert, key, ca: authority.certificate } },
      hosts: { [`localhost:${describing.port}`]: 'alice' },
    });
    const url = `${describing.url}/service?wsdl`;
    const options = soapOptions(credentials, { disableCache: true });
    await expect(soap.createClientAsync(url, options)).rejects.toMatchObject({ code: 'ERR_INVALID_URL' });
    said = { address };
    const client = await soap.createClientAsync(url, options);
    const failed = new Promise((resolve) => client.Who({ text: 'hello' }, resolve));
    expect(await failed).toMatchObject({ code: 'ERR_INVALID_URL' });
    expect(seen(describing)).toEqual(['GET /service alice', 'GET /service alice']);
  });

  it('what a client of the caller’s own throws at an import is an error of whoever asks, where it ended the process', async () => {
    await using credentials = await load();
    const [imported] = bank.urls;
    const document = join(directory, 'importing.wsdl');
    await writeFile(document, wsdl({ address: `${imported}/service`, schema: `${imported}/types.xsd` }));
    // As one that goes to none but to its own.
    class Choosy extends soap.HttpClient {
      override buildRequest(...given: Parameters<soap.HttpClient['buildRequest']>) {
        if (given[0].startsWith(imported!)) throw new Error('not there');
        return super.buildRequest(...given);
      }
    }
    const options = soapOptions(credentials, { httpClient: new Choosy() });
    await expect(soap.createClientAsync(document, options)).rejects.toThrow('not there');
    expect(bank.requests).toEqual([]);
  });

  it('asks a hook for the places of imports as a method of its options, as node-soap does', async () => {
    await using credentials = await load();
    const wsdl_options = {
      schema: `${bank.urls[1]}/types.xsd`,
      overrideImportLocation() {
        return this.schema;
      },
    };
    const path = await file(`${bank.url}/service`, `${bank.url}/elsewhere.xsd`);
    const client = await soap.createClientAsync(path, soapOptions(credentials, { wsdl_options }));
    expect(await who(client)).toBe('alice');
    expect(seen(bank)).toEqual(['GET /types.xsd bob', 'POST /service alice']);
  });

  it('makes WSDL and calls as a service', async () => {
    await using credentials = await load();
    const client = await soap.createClientAsync(
      `${bank.url}/service?wsdl`,
      soapOptions(credentials, { service: 'Invoices' }),
    );
    expect(await who(client)).toBe('bob');
    expect(seen(bank)).toEqual(['GET /service bob', 'POST /service bob']);
  });

  it.each(['soapOptions', 'the security'])(
    'its service holds for a security without one, also where each has a promise of its own and that of %s comes last',
    async (last) => {
      await using credentials = await load();
      await using others = await load();
      const { promise, resolve } = withResolvers<Credentials>();
      const [early, late] = [Promise.resolve(credentials), promise];
      const [first, second] = last === 'soapOptions' ? [late, early] : [early, late];
      const client = await soap.createClientAsync(
        await file(`${bank.url}/service`),
        soapOptions(first, { service: 'Invoices' }),
      );
      client.setSecurity(new ClientCertificateSecurity(second));
      const calls = [who(client), whoBy(client)];
      resolve(credentials);
      expect(await Promise.all(calls)).toEqual(['bob', 'bob']);
      client.setSecurity(new ClientCertificateSecurity(Promise.resolve(credentials)));
      expect(await who(client)).toBe('bob');
      client.setSecurity(new ClientCertificateSecurity(Promise.resolve(others)));
      expect(await who(client)).toBe('alice');
    },
  );

  it('a security with credentials of its own is not held up by those of soapOptions that fail', async () => {
    await using credentials = await load();
    const failing = loadCredentials({ certificates: { bank: { pfx: join(directory, 'none.pfx') } } });
    const options = soapOptions<string>(failing, { service: 'Invoices' });
    const client = await soap.createClientAsync(await file(`${bank.url}/service`), options);
    client.setSecurity(new ClientCertificateSecurity(credentials));
    expect(await who(client)).toBe('alice');
  });

  it('presents none with false', async () => {
    await using credentials = await load();
    await expect(
      soap.createClientAsync(`${bank.url}/service?wsdl`, soapOptions(credentials, { service: false })),
    ).rejects.toThrow();
    expect(bank.requests).toEqual([]);
    expect(bank.refusals).toHaveLength(1);
  });

  it('shares no WSDL between identities, and keeps one for each', async () => {
    await using credentials = await load();
    await using others = await load();
    const url = `${bank.url}/service?wsdl`;
    for (const [from, service] of [
      [credentials, undefined],
      [credentials, 'Invoices'],
      [credentials, undefined],
      [others, undefined],
    ] as const) {
      await soap.createClientAsync(url, soapOptions(from, { service }));
    }
    expect(seen(bank)).toEqual(['GET /service alice', 'GET /service bob', 'GET /service alice']);
    await soap.createClientAsync(url, soapOptions(credentials, { disableCache: true }));
    expect(bank.requests).toHaveLength(4);
  });

  it('asks and calls with what stood in the caller’s objects at the time, also where it waits for credentials', async () => {
    const { promise, resolve } = withResolvers<Credentials>();
    const wsdl_headers: Record<string, string> = {};
    const clients = ['one', 'two'].map((user) => {
      wsdl_headers.authorization = user;
      const url = `${bank.url}/service?wsdl`;
      return soap.createClientAsync(url, { ...soapOptions(promise, { disableCache: true }), wsdl_headers });
    });
    const client = await soap.createClientAsync(await file(`${bank.url}/service`), soapOptions(promise));
    const options = { headers: { authorization: '' }, attachments: [{}] };
    const calls = ['three', 'four'].map((user) => {
      options.headers.authorization = user;
      const body = Buffer.from(`attached by ${user}`);
      options.attachments[0] = { mimetype: 'text/plain', contentId: '1', name: '1', body };
      return who(client, options);
    });
    await using credentials = await load();
    resolve(credentials);
    await Promise.all([...clients, ...calls]);
    const sent = bank.requests.map(({ headers, body }) => [
      headers.authorization,
      /attached by \w+/.exec(body ?? '')?.[0],
    ]);
    expect(sent).toHaveLength(4);
    expect(sent).toEqual(
      expect.arrayContaining([
        ['one', undefined],
        ['two', undefined],
        ['three', 'attached by three'],
        ['four', 'attached by four'],
      ]),
    );
  });

  const carriers: [
    string,
    () => { options: object; request?: AxiosInstance; write: (user: string) => void },
  ][] = [
    [
      'the defaults of the axios instance that is given as request',
      () => {
        const request = axios.create();
        const write = (user: string) => {
          request.defaults.headers.common.authorization = user;
        };
        return { options: {}, request, write };
      },
    ],
    [
      'headers of a class',
      () => {
        const headers = new AxiosHeaders();
        return { options: { headers }, write: (user) => headers.set('authorization', user) };
      },
    ],
    [
      'headers that are inherited',
      () => {
        const headers = { authorization: '' };
        const options = { headers: Object.create(headers) as object };
        return { options, write: (user) => void Object.assign(headers, { authorization: user }) };
      },
    ],
    [
      'parameters',
      () => {
        const params = new URLSearchParams();
        return { options: { params }, write: (user) => params.set('user', user) };
      },
    ],
    [
      'parameters further down',
      () => {
        const user = { name: '' };
        return {
          options: { params: { users: [user] } },
          write: (name) => void Object.assign(user, { name }),
        };
      },
    ],
  ];

  it.each(carriers)(
    'sends what stood there at the time of a call that waits, also in %s',
    async (_, make) => {
      for (const stream of [false, true]) {
        const { promise, resolve } = withResolvers<Credentials>();
        const { options, request, write } = make();
        const client = await soap.createClientAsync(
          await file(`${bank.url}/service`),
          soapOptions(promise, { stream, ...(request && { request: request as never }) }),
        );
        bank.requests.length = 0;
        const calls = ['one', 'two'].map((user) => {
          write(user);
          return who(client, options);
        });
        await using credentials = await load();
        resolve(credentials);
        expect(await Promise.all(calls)).toEqual(['alice', 'alice']);
        const sent = bank.requests.map(({ headers, url }) => headers.authorization ?? url.split('=')[1]);
        expect(sent.sort()).toEqual(['one', 'two']);
      }
    },
  );

  it('goes through what the caller has wrapped around an axios instance, also while credentials load', async () => {
    const write = (config: { headers: Record<string, string> }) => {
      config.headers.authorization = 'wrapped';
    };
    const wrappers: ((instance: AxiosInstance) => unknown)[] = [
      (instance) =>
        new Proxy(instance, {
          apply(target, _self, [config]) {
            write(config);
            return target(config);
          },
        }),
      (instance) =>
        Object.assign((config: Parameters<typeof write>[0]) => {
          write(config);
          return instance(config as never);
        }, instance),
    ];
    await using credentials = await load();
    for (const wrap of wrappers) {
      for (const stream of [false, true]) {
        const later = new Promise<Credentials>((resolve) => setTimeout(resolve, 20, credentials));
        const client = await soap.createClientAsync(
          await file(`${bank.url}/service`),
          soapOptions(later, { stream, request: wrap(axios.create()) as never }),
        );
        expect(await who(client)).toBe('alice');
        expect(bank.requests.at(-1)?.headers.authorization).toBe('wrapped');
      }
    }
  });

  it('sends a call that waited through the interceptors of the axios instance that is given as request', async () => {
    const { promise, resolve } = withResolvers<Credentials>();
    const request = axios.create();
    request.interceptors.request.use((config) => {
      config.headers.set('x-own', 'yes');
      return config;
    });
    const client = await soap.createClientAsync(
      await file(`${bank.url}/service`),
      soapOptions(promise, { request: request as never }),
    );
    const call = who(client);
    await using credentials = await load();
    resolve(credentials);
    expect(await call).toBe('alice');
    expect(bank.requests.map(({ headers }) => headers['x-own'])).toEqual(['yes']);
  });

  it.each([undefined, 0, new Error('too late')])(
    'tells a call that is aborted while it waits as axios does, and ends no process, aborted with %s',
    async (reason) => {
      for (const stream of [false, true]) {
        const never = new Promise<Credentials>(() => {});
        const client = await soap.createClientAsync(
          await file(`${bank.url}/service`),
          soapOptions(never, { stream }),
        );
        const wanted = new AbortController();
        const outcome = who(client, { signal: wanted.signal }).catch((error: unknown) => error);
        wanted.abort(reason);
        const error = await outcome;
        expect(axios.isCancel(error) && axios.isAxiosError(error)).toBe(true);
      }
    },
  );

  it('uses a cache that the caller gives', async () => {
    await using credentials = await load();
    const kept = new Map<string, soap.WSDL>();
    const wsdlCache = kept as unknown as soap.IWSDLCache;
    const url = `${bank.url}/service?wsdl`;
    for (const _ of [1, 2]) await soap.createClientAsync(url, soapOptions(credentials, { wsdlCache }));
    expect([...kept.keys()]).toEqual([url]);
    expect(bank.requests).toHaveLength(1);
  });

  it('asks a client and a cache of the caller’s as they are now, also where they are plain objects', async () => {
    await using credentials = await load();
    const inner = new soap.HttpClient();
    const httpClient = {
      token: 'of the first user',
      request(...[url, data, callback, headers, options]: Parameters<soap.IHttpClient['request']>) {
        return inner.request(url, data, callback, { ...headers, Authorization: this.token }, options);
      },
    };
    const wsdlCache = {
      last: undefined as soap.WSDL | undefined,
      has: () => wsdlCache.last !== undefined,
      get: () => wsdlCache.last!,
      set(_: string, wsdl: soap.WSDL) {
        this.last = wsdl;
      },
    };
    const url = `${bank.url}/service?wsdl`;
    for (const token of ['of the second user', 'of the third user']) {
      const client = await soap.createClientAsync(url, soapOptions(credentials, { httpClient, wsdlCache }));
      httpClient.token = token;
      expect(await who(client)).toBe('alice');
    }
    const sent = bank.requests.map(({ method, headers }) => `${method} ${headers.authorization}`);
    expect(sent).toEqual(['GET of the first user', 'POST of the second user', 'POST of the third user']);
  });

  it('passes node-soap’s own options on', async () => {
    await using credentials = await load();
    const options = soapOptions(credentials, {
      parseResponseAttachments: true,
      wsdl_headers: Object.create({ 'x-wsdl': 'yes' }) as object,
      endpoint: `${bank.urls[1]}/service`,
    });
    const client = await soap.createClientAsync(`${bank.url}/service?wsdl`, options);
    expect(await who(client)).toBe('bob');
    expect(bank.requests[0]?.headers['x-wsdl']).toBe('yes');
    expect(seen(bank)).toEqual(['GET /service alice', 'POST /service bob']);
  });

  it('honours the axios instance that the caller gives as request: its proxy, agent and beforeRedirect', async () => {
    await using credentials = await load();
    await using proxy = await startProxy({ authority });
    const path = await file(`${bank.url}/redirect?status=307&to=/service`);
    const create = (defaults: object, secured = false) =>
      soap
        .createClientAsync(path, soapOptions(credentials, { request: axios.create(defaults) as never }))
        .then((client) => {
          if (secured) client.setSecurity(new ClientCertificateSecurity(credentials));
          return client;
        });
    const hops: unknown[] = [];
    const beforeRedirect = ({ href }: { href?: string }) => void hops.push(href);
    for (const secured of [false, true]) {
      const client = await create(
        { proxy: { host: '127.0.0.1', port: proxy.port }, beforeRedirect },
        secured,
      );
      expect(await who(client)).toBe('alice');
    }
    expect(hops).toEqual([`${bank.url}/service`, `${bank.url}/service`]);
    expect(proxy.connects).toHaveLength(bank.connections);

    const { connections } = bank;
    const httpsAgent = new Agent({ ca: authority.certificate, cert: bob.fullChain, key: bob.key });
    for (const secured of [false, true]) {
      const client = await create({ httpsAgent }, secured);
      await expect(who(client)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
      client.setEndpoint(`${other.url}/service`);
      expect(await who(client)).toBe('bob');
    }
    expect(bank.connections).toBe(connections);
  });

  it('takes a WSDL from http that redirects to https, behind a proxy', async () => {
    await using plain = await startServer({ authority, tls: false });
    await using proxy = await startProxy({ authority });
    for (const name of ['HTTP_PROXY', 'HTTPS_PROXY']) vi.stubEnv(name, proxy.url);
    await using credentials = await load();
    const to = (url: string) => `/redirect?to=${encodeURIComponent(url)}`;
    const address = plain.url + to(bank.urls[1] + to(`${bank.url}/service?wsdl`));
    const client = await soap.createClientAsync(address, soapOptions(credentials));
    expect(await who(client)).toBe('alice');
    expect(seen(bank)).toEqual(['GET /redirect bob', 'GET /service alice', 'POST /service alice']);
    expect([proxy.forwards.length, proxy.connects.length]).toEqual([1, bank.connections]);
  });

  it('refuses a config in place of credentials, as the security does', async () => {
    const config = { certificates: {} } as unknown as Credentials;
    const error = expect.objectContaining({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
    expect(() => soapOptions(config)).toThrow(error);
    expect(() => new ClientCertificateSecurity(config)).toThrow(error);
    const options = soapOptions(Promise.resolve(config));
    await expect(soap.createClientAsync(`${bank.url}/?wsdl`, options)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
    });
    expect(bank.connections).toBe(0);
  });

  it('refuses sign, which would be believed to sign', async () => {
    await using credentials = await load();
    const options = { sign: true } as object;
    expect(() => soapOptions(credentials, options)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('new ClientCertificateSecurity(') }),
    );
  });

  it('an unknown service is an error before any connection', async () => {
    await using credentials = await load();
    const unknown = expect.objectContaining({ code: 'ERR_CLIENTCERT_SERVICE_UNKNOWN' });
    expect(() => soapOptions(credentials, { service: 'Invoice' })).toThrow(unknown);
    expect(() => new ClientCertificateSecurity(credentials, { service: 'Invoice' })).toThrow(unknown);
    const later = soapOptions(Promise.resolve(credentials), { service: 'Invoice' });
    await expect(soap.createClientAsync(`${bank.url}/service?wsdl`, later)).rejects.toEqual(unknown);
    expect(bank.connections).toBe(0);
  });
});

describe('a service without hosts', () => {
  const archive = { service: 'Archive' } as const;

  it('applies where a WSDL on disk sends calls, and where the caller sends them', async () => {
    await using credentials = await load();
    const client = await soap.createClientAsync(
      await file(`${bank.url}/service`),
      soapOptions(credentials, archive),
    );
    expect(await who(client)).toBe('bob');
    client.setEndpoint(`${other.url}/service`);
    expect(await who(client)).toBe('bob');
    expect(await whoBy(client)).toBe('bob');
  });

  it('applies to a WSDL from the network and at its origin, and not where it sends calls beyond that', async () => {
    let address = `${other.url}/service`;
    await using describing = await startService({
      authority,
      clientCertificate: 'optional',
      wsdl: () => ({ address, schema: `${other.url}/types.xsd` }),
    });
    await using all = await loadCredentials({
      certificates: { bob: { cert: bob.fullChain, key: bob.key, ca: authority.certificate } },
      hosts: {
        [`127.0.0.1:${describing.port}`]: { ca: authority.certificate },
        [`127.0.0.1:${other.port}`]: { ca: authority.certificate },
        [`localhost:${bank.port}`]: { ca: authority.certificate },
      },
      services: archives,
    });
    const url = `${describing.url}/service?wsdl`;
    const client = await soap.createClientAsync(url, soapOptions(all, { ...archive, disableCache: true }));
    expect(await who(client)).toBe('nobody');
    expect(seen(describing)).toEqual(['GET /service bob']);
    expect(seen(other)).toEqual(['GET /types.xsd nobody', 'POST /service nobody']);

    client.setEndpoint(`${other.url}/service`); // now it is the caller's
    expect(await who(client)).toBe('bob');
    const set = soapOptions(all, { ...archive, endpoint: `${other.url}/service` });
    expect(await who(await soap.createClientAsync(url, set))).toBe('bob');
    // One that no document says is theirs as well, beside our options and after them.
    const own = `${bank.url}/service`;
    const beside = { ...soapOptions(all, archive), endpoint: own };
    expect(await who(await soap.createClientAsync(url, beside))).toBe('bob');
    expect(await who(await soap.createClientAsync(url, soapOptions(all, archive), own))).toBe('bob');

    address = `${describing.url}/service`;
    const home = await soap.createClientAsync(url, soapOptions(all, { ...archive, disableCache: true }));
    expect(await who(home)).toBe('bob');
  });
  const archives = { Archive: 'bob' } as const;

  it('is not carried by a redirect', async () => {
    await using credentials = await load();
    const to = encodeURIComponent(`${other.url}/service`);
    const client = await soap.createClientAsync(
      await file(`${bank.url}/redirect?status=307&to=${to}`),
      soapOptions(credentials, archive),
    );
    expect(await who(client)).toBe('nobody');
    expect(seen(bank)).toEqual(['POST /redirect bob']);
  });

  it('needs an origin where the client was not made with soapOptions', async () => {
    await using credentials = await load();
    const client = await soap.createClientAsync(await file(`${bank.url}/service`));
    client.setSecurity(new ClientCertificateSecurity(credentials, archive));
    await expect(who(client)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_ORIGIN_NEEDED' });
    expect(bank.connections).toBe(0);
    client.setSecurity(new ClientCertificateSecurity(credentials, { ...archive, origin: bank.url }));
    expect(await who(client)).toBe('bob');
  });
});

/** The ways to make a client: what is true of one is true of the others. */
const clients: Record<
  string,
  (credentials: Credentials | Promise<Credentials>, path: string) => Promise<soap.Client>
> = {
  async 'soapOptions alone'(credentials, path) {
    return soap.createClientAsync(path, soapOptions(credentials));
  },
  async 'the security alone'(credentials, path) {
    const security = new ClientCertificateSecurity(credentials);
    const client = await soap.createClientAsync(path);
    client.setSecurity(security);
    return client;
  },
  async 'both together'(credentials, path) {
    const client = await soap.createClientAsync(path, soapOptions(credentials));
    client.setSecurity(new ClientCertificateSecurity(credentials));
    return client;
  },
};

describe.each(Object.entries(clients))('%s', (_, create) => {
  it('presents what is pinned, on kept connections, by port', async () => {
    await using credentials = await load();
    const client = await create(credentials, await file(`${bank.url}/service`));
    for (const _ of [1, 2, 3]) expect(await whoBy(client)).toBe('alice');
    client.setEndpoint(`${bank.urls[1]}/service`);
    expect(await who(client)).toBe('bob');
    expect(bank.connections).toBe(2);
  });

  it('presents none to a host that no rule names, nor after a 307 to it', async () => {
    await using credentials = await load();
    const client = await create(credentials, await file(`${other.url}/service`));
    expect(await who(client)).toBe('nobody');
    client.setEndpoint(`${bank.url}/redirect?status=307&to=${encodeURIComponent(`${other.url}/service`)}`);
    expect(await who(client)).toBe('nobody');
    expect(seen(bank)).toEqual(['POST /redirect alice']);
    expect(other.requests.at(-1)?.method).toBe('POST');
  });

  it('refuses a redirect to http', async () => {
    await using credentials = await load();
    await using plain = await startService({ authority, tls: false });
    const to = encodeURIComponent(`${plain.url}/service`);
    const client = await create(credentials, await file(`${bank.url}/redirect?status=307&to=${to}`));
    const error = await who(client).catch((error) => error);
    expect(codes(error)).toContain('ERR_CLIENTCERT_DOWNGRADE');
    expect(plain.connections).toBe(0);
  });

  it('follows it where the rule allows a downgrade, after the caller’s own beforeRedirect', async () => {
    await using plain = await startService({ authority, tls: false });
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: { [`localhost:${bank.port}`]: { certificate: 'alice', allowDowngrade: true } },
    });
    const to = encodeURIComponent(`${plain.url}/service`);
    const client = await create(credentials, await file(`${bank.url}/redirect?status=307&to=${to}`));
    const beforeRedirect = vi.fn();
    expect(await who(client, { beforeRedirect })).toBe('nobody');
    expect(beforeRedirect).toHaveBeenCalledTimes(1);
  });

  it('waits for a promise of credentials', async () => {
    const { promise, resolve } = withResolvers<Credentials>();
    const client = await create(promise, await file(`${bank.url}/service`));
    const answers = [who(client), whoBy(client)];
    await new Promise((wait) => setTimeout(wait, 20));
    expect(bank.connections).toBe(0);
    await using credentials = await load();
    resolve(credentials);
    expect(await Promise.all(answers)).toEqual(['alice', 'alice']);
  });

  it('fails each call with the error that loading failed with', async () => {
    const path = await file(`${bank.url}/service`);
    const failing = loadCredentials({ certificates: { bank: { pfx: join(directory, 'none.pfx') } } });
    const client = await create(failing, path);
    for (const call of [who, whoBy]) {
      await expect(call(client)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' });
    }
    expect(bank.connections).toBe(0);
  });

  it('fails each call, and ends no process, where loading fails with nothing', async () => {
    const path = await file(`${bank.url}/service`);
    const failing = new Promise<Credentials>((_, reject) => reject());
    failing.catch(() => {});
    const client = await create(failing, path);
    for (const call of [who, whoBy]) {
      const error = await call(client).catch((reason: unknown) => reason);
      expect(ClientCertificateError.from(error)).toMatchObject({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
    }
    expect(bank.connections).toBe(0);
  });

  it('fails a call that cannot be sent, with the error of node-soap, also where it waited', async () => {
    const { promise, resolve } = withResolvers<Credentials>();
    const client = await create(promise, await file(`${bank.url}/service`));
    const attachments = [{ mimetype: 'text/plain', contentId: '1', name: '1', body: 7 }]; // node-soap takes bytes
    const call = expect(who(client, { attachments })).rejects.toThrow('argument must be');
    await using credentials = await load();
    resolve(credentials);
    await call;
    expect(bank.connections).toBe(0);
  });

  it('takes options that are used again, also by two calls at once', async () => {
    await using credentials = await load();
    const client = await create(credentials, await file(`${bank.url}/service`));
    const options = { headers: { 'x-own': 'yes' } };
    for (const _ of [1, 2]) expect(await who(client, options)).toBe('alice');
    expect(await Promise.all([who(client, options), who(client, options)])).toEqual(['alice', 'alice']);
    expect(bank.requests.every(({ headers }) => headers['x-own'] === 'yes')).toBe(true);
  });

  it('refuses the caller’s own agent, certificate or key at a pinned host, and leaves it alone elsewhere', async () => {
    await using credentials = await load();
    const httpsAgent = new Agent({ ca: authority.certificate, cert: bob.fullChain, key: bob.key });
    const client = await create(credentials, await file(`${bank.url}/service`));
    for (const own of [{ httpsAgent }, { pfx: Buffer.from('x') }, { cert: bob.cert }, { key: bob.key }]) {
      await expect(who(client, own)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_AGENT_CONFLICT' });
    }
    expect(bank.connections).toBe(0);
    client.setEndpoint(`${other.url}/service`);
    const options = { httpsAgent };
    for (const _ of [1, 2]) expect(await who(client, options)).toBe('bob');
  });

  it('refuses an agent that the caller’s own beforeRedirect brings to a pinned host', async () => {
    await using credentials = await load();
    const https = new Agent({ ca: authority.certificate, cert: bob.fullChain, key: bob.key });
    const beforeRedirect = (to: object) => void Object.assign(to, { agents: { https } });
    const to = encodeURIComponent(`${bank.url}/service`);
    const client = await create(credentials, await file(`${other.url}/redirect?status=307&to=${to}`));
    const error = await who(client, { beforeRedirect }).catch((error) => error);
    expect(codes(error)).toContain('ERR_CLIENTCERT_AGENT_CONFLICT');
    expect(bank.connections).toBe(0);
  });

  it('accepts a routing agent of the caller', async () => {
    await using credentials = await load();
    const client = await create(credentials, await file(`${bank.url}/service`));
    expect(await who(client, { httpsAgent: credentials.agent({ service: 'Invoices' }) })).toBe('bob');
  });

  it.each(['environment', 'call'])(
    'goes through a proxy from the %s, which sees no certificate',
    async (from) => {
      await using proxy = await startProxy({ authority, clientCertificate: 'optional' });
      await using credentials = await load();
      if (from === 'environment') vi.stubEnv('HTTPS_PROXY', proxy.url);
      const client = await create(credentials, await file(`${bank.url}/service`));
      const options = from === 'call' ? { proxy: new URL(proxy.url) } : {};
      for (const _ of [1, 2]) expect(await who(client, options)).toBe('alice');
      expect(proxy.connects).toMatchObject([{ port: bank.port, clientCertificate: null }]);
      expect(bank.connections).toBe(1);
      const direct = { proxy: false };
      expect(await who(client, direct)).toBe('alice');
      expect(proxy.connects).toHaveLength(1);
    },
  );

  it('goes through the proxy of the caller’s instance, where an option of the call is there with nothing', async () => {
    await using proxy = await startProxy({ authority });
    await using credentials = await load();
    const request = axios.create({ proxy: { host: '127.0.0.1', port: proxy.port, protocol: 'http' } });
    const path = await file(`${bank.url}/service`);
    const client = await soap.createClientAsync(
      path,
      soapOptions(credentials, { request: request as never }),
    );
    expect(await who(client, { proxy: undefined })).toBe('alice');
    expect(proxy.connects).toMatchObject([{ port: bank.port }]);
  });

  it('works with forever, MTOM and attachments', async () => {
    await using credentials = await load();
    const path = await file(`${bank.url}/service`);
    const client = await create(credentials, path);
    expect(await who(client, { forever: true })).toBe('alice');
    expect(await who(client, { forceMTOM: true })).toBe('alice');
    const attachments = [
      { mimetype: 'text/plain', contentId: 'one', name: 'one.txt', body: Buffer.from('one') },
    ];
    expect(await who(client, { attachments })).toBe('alice');
    expect(bank.requests.map(({ headers }) => headers['content-type']?.split(';')[0])).toEqual([
      'text/xml',
      'multipart/related',
      'multipart/related',
    ]);
    expect(bank.requests[2]?.body).toContain('filename="one.txt"');
    expect(bank.connections).toBe(1);
  });
});

describe('stream: true', () => {
  it.each(['soapOptions', 'the security'])('streams answers, through %s', async (way) => {
    await using credentials = await load();
    const path = await file(`${bank.url}/service`);
    const client =
      way === 'soapOptions'
        ? await soap.createClientAsync(path, soapOptions(credentials, { stream: true }))
        : await soap.createClientAsync(path, { stream: true });
    if (way !== 'soapOptions') client.setSecurity(new ClientCertificateSecurity(credentials));
    expect(await who(client)).toBe('alice');
    await using closed = await load();
    await closed.close();
    const failing = await soap.createClientAsync(path, soapOptions(closed, { stream: true }));
    await expect(who(failing)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CLOSED' });
  });

  it('says what is behind an error', async () => {
    const stranger = await createAuthority();
    const eve = await stranger.issue({ name: 'eve' });
    await using credentials = await loadCredentials({
      certificates: { eve: { cert: eve.fullChain, key: eve.key, ca: authority.certificate } },
      hosts: { [`localhost:${bank.port}`]: 'eve' },
    });
    const path = await file(`${bank.url}/service`);
    const client = await soap.createClientAsync(path, soapOptions(credentials, { stream: true }));
    const clientCertificate = { code: expect.any(String), fix: expect.any(String) };
    await expect(who(client)).rejects.toMatchObject({ clientCertificate });
    expect(bank.requests).toEqual([]);
    expect(bank.refusals).toHaveLength(1);
  });

  /** Its answers of 200 end in the middle. */
  const startCutting = () =>
    startServer({
      authority,
      host: 'localhost',
      handler: (_, response) => {
        response.writeHead(200, { 'content-length': 1000 });
        response.write('<soap:Envelope', () => response.destroy());
        return true;
      },
    });
  const loadFor = ({ port }: TestServer) =>
    loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
      hosts: { [`localhost:${port}`]: 'alice' },
    });

  it.each(['cut off', 'whole'])('fails a call whose error is %s, and ends no process', async (how) => {
    await using failing = await startServer({
      authority,
      host: 'localhost',
      handler: (_, response) => {
        response.writeHead(500, { 'content-length': Buffer.byteLength(fault) + (how === 'whole' ? 0 : 1) });
        response.write(fault, () => response.destroy());
        return true;
      },
    });
    await using credentials = await loadFor(failing);
    const path = await file(`${failing.url}/service`);
    const client = await soap.createClientAsync(path, soapOptions(credentials, { stream: true }));
    await expect(who(client)).rejects.toThrow(how === 'whole' ? 'not today' : 'aborted');
  });

  const overFetch = () => {
    const request = axios.create({ adapter: 'fetch' });
    // fetch says it itself, and not every undici that may be the global dispatcher takes it twice.
    request.interceptors.request.use((config) => {
      config.headers.delete('Content-Length');
      return config;
    });
    return request as never;
  };

  it('streams answers of axios’ fetch adapter', async () => {
    await using credentials = await load();
    const options = soapOptions(credentials, { stream: true, request: overFetch() });
    const client = await soap.createClientAsync(await file(`${bank.url}/service`), options);
    expect(await who(client)).toBe('alice');
  });

  it('reads an answer without a body of that adapter', async () => {
    await using silent = await startServer({
      authority,
      host: 'localhost',
      handler: (_, response) => response.writeHead(204).end(),
    });
    await using credentials = await loadFor(silent);
    const options = soapOptions(credentials, { stream: true, request: overFetch() });
    const client = await soap.createClientAsync(await file(`${silent.url}/service`), options);
    expect((await client.WhoAsync({ text: 'hello' }))[1]).toBe('');
    expect(seen(silent)).toEqual(['POST /service alice']);
  });

  it('streams where a test environment, as jsdom, has no ReadableStream', async () => {
    await using credentials = await load();
    const path = await file(`${bank.url}/service`);
    const client = await soap.createClientAsync(path, soapOptions(credentials, { stream: true }));
    vi.stubGlobal('ReadableStream', undefined);
    try {
      expect(await who(client)).toBe('alice');
    } finally {
      vi.unstubAllGlobals();
    }
  });

  it('fails a call whose answer is cut off while an interceptor of the caller’s waits', async () => {
    await using failing = await startCutting();
    await using credentials = await loadFor(failing);
    const request = axios.create();
    request.interceptors.response.use(async (response) => {
      await finished(response.data).catch(() => {});
      return response;
    });
    const options = soapOptions(credentials, { stream: true, request: request as never });
    const client = await soap.createClientAsync(await file(`${failing.url}/service`), options);
    await expect(who(client)).rejects.toThrow('aborted');
    expect(failing.requests).toMatchObject([{ clientCertificate: { commonName: 'alice' } }]);
  });

  // Before 1.7 node-soap reads it with a package.
  const clients = process.env.CLIENTCERT_TEST_CLIENTS; // of the version matrix
  const place = clients === undefined ? import.meta.url : join(clients, 'package.json');
  const { version } = createRequire(place)('soap/package.json') as { version: string };

  it.skipIf(/^1\.[1-6]\./.test(version))(
    'fails a call whose answer has no type and is cut off, and ends no process',
    async () => {
      await using failing = await startCutting();
      await using credentials = await loadFor(failing);
      const path = join(directory, `${crypto.randomUUID()}.wsdl`);
      const document = wsdl({ address: `${failing.url}/service` });
      await writeFile(path, document.replace('element="tns:WhoResponse"', 'type="xsd:string"'));
      const client = await soap.createClientAsync(path, soapOptions(credentials, { stream: true }));
      await expect(who(client)).rejects.toThrow('aborted');
      expect(failing.requests).toMatchObject([{ clientCertificate: { commonName: 'alice' } }]);
    },
  );
});

const fault =
  '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault><faultcode>soap:Server</faultcode><faultstring>not today</faultstring></soap:Fault></soap:Body></soap:Envelope>';

function codes(error: unknown): unknown[] {
  const found = [];
  for (let each = error; each instanceof Error; each = each.cause)
    found.push((each as { code?: unknown }).code);
  return found;
}

function withResolvers<Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } {
  let resolve!: (value: Value) => void;
  const promise = new Promise<Value>((keep) => {
    resolve = keep;
  });
  return { promise, resolve };
}
