import { X509Certificate } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Axios from '@clientcert/axios';
import type * as Got from '@clientcert/got';
import type * as Soap from '@clientcert/soap';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import type * as Undici from '@clientcert/undici';
import axios from 'axios';
import got from 'got';
import { createClientAsync } from 'soap';
import { build } from 'tsdown';
import { request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startService } from '../packages/soap/test/service.ts';
import { fromSources } from './bundle.mjs';

/** Every adapter over one core: as ES modules, and as CommonJS, each with a core of its own. */
interface Copy {
  axios: typeof Axios;
  got: typeof Got;
  soap: typeof Soap;
  undici: typeof Undici;
}
const names = ['axios', 'got', 'soap', 'undici'] as const;

let directory: string;
let copies: Record<'esm' | 'cjs', Copy>;
let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
let bank: TestServer;

beforeAll(async () => {
  const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
  await mkdir(modules, { recursive: true });
  directory = await mkdtemp(join(modules, '.test-'));
  for (const format of ['esm', 'cjs'] as const) {
    await build({
      entry: Object.fromEntries(
        names.map((name) => [
          name,
          fileURLToPath(new URL(`../packages/${name}/src/index.ts`, import.meta.url)),
        ]),
      ),
      outDir: directory,
      clean: false,
      format,
      ...fromSources,
      external: ['axios', 'got', 'soap', 'undici'],
      outputOptions: (options) => ({ ...options, dynamicImportInCjs: format !== 'cjs' }),
    });
  }
  const require = createRequire(import.meta.url);
  const of = async (load: (name: string) => unknown) =>
    Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await load(join(directory, name))])),
    ) as unknown as Copy;
  copies = {
    esm: await of((path) => import(/* @vite-ignore */ pathToFileURL(`${path}.mjs`).href)),
    cjs: await of((path) => require(`${path}.cjs`)),
  };
  authority = await createAuthority();
  [alice, bob] = await Promise.all([
    authority.issue({ name: 'alice', keyType: 'rsa' }),
    authority.issue({ name: 'bob', keyType: 'rsa' }),
  ]);
}, 300_000);
afterAll(() => rm(directory, { recursive: true, force: true }));
beforeEach(async () => {
  bank = await startService({ authority, host: 'localhost', http2: true, clientCertificate: 'optional' });
  return () => bank.close();
});

function configOf({ fullChain: cert, key }: IssuedCertificate) {
  return {
    certificates: { client: { cert, key, ca: authority.certificate } },
    hosts: { [`localhost:${bank.port}`]: 'client' as const },
    services: { Nobody: { certificate: false as const, hosts: [`localhost:${bank.port}`] } },
  };
}

type Loaded = Soap.Credentials | Promise<Soap.Credentials>;
type Send = (as?: 'Nobody') => Promise<unknown>;

/** Each adapter of a copy, given credentials of another. */
const ways: Readonly<Record<string, (copy: Copy, credentials: Loaded, other: Copy) => Promise<Send>>> = {
  'axios over HTTP/1.1': async (copy, credentials) => overAxios(copy, credentials, {}),
  'axios over HTTP/2': async (copy, credentials) => overAxios(copy, credentials, { httpVersion: 2 }),
  'axios over fetch': async (copy, credentials) => overAxios(copy, credentials, { adapter: 'fetch' }),
  'axios, decided by both': async (copy, credentials, other) => {
    const api = axios.create();
    copy.axios.clientCertificates(api, credentials);
    other.axios.clientCertificates(api, credentials);
    return (as) => api.get(bank.url, { ...(as && { clientCertificate: as }) });
  },
  got: async (copy, credentials) => {
    const api = got.extend(copy.got.clientCertificates(credentials as Got.Credentials));
    return (as) => api(bank.url, { context: { ...(as && { clientCertificate: as }) } });
  },
  'undici, dispatcher': async (copy, credentials) => {
    const dispatcher = copy.undici.createDispatcher(await credentials);
    return async (as) => {
      const { body } = await request(bank.url, {
        dispatcher,
        ...(as && { clientCertificate: as }),
      } as object);
      await body.dump();
    };
  },
  fetch: async (copy, credentials) => {
    const fetch = copy.undici.createFetch(credentials);
    return async (as) => (await fetch(bank.url, { clientCertificate: as })).text();
  },
  'agents of the other copy': async (copy, credentials) => {
    const loaded = await credentials;
    const apis = ([undefined, 'Nobody'] as const).map((service) => {
      const api = axios.create({ httpsAgent: loaded.agent({ service }) });
      copy.axios.clientCertificates(api, loaded);
      return api;
    });
    return (as) => apis[as ? 1 : 0]!.get(bank.url);
  },
  soap: async (copy, credentials) => {
    const clients = await Promise.all(
      ([undefined, 'Nobody'] as const).map((service) => {
        const options = copy.soap.soapOptions(credentials as Soap.Credentials<string, string>, { service });
        return createClientAsync(`${bank.url}/service?wsdl`, options);
      }),
    );
    return (as) => clients[as ? 1 : 0]!.WhoAsync({ text: 'x' });
  },
  'soap, with a security of the other copy': (copy, loading, other) => overSoap(copy, loading, other, {}),
  'soap, with a security of the other copy, over an axios of the caller’s': (copy, loading, other) =>
    overSoap(copy, loading, other, { request: axios.create() }),
};

function overAxios(copy: Copy, credentials: Loaded, way: object): Send {
  const api = axios.create(way);
  copy.axios.clientCertificates(api, credentials);
  return (as) => api.get(bank.url, { ...(as && { clientCertificate: as }) });
}

/** In each a config that was sent by an instance of one copy is sent again by one of the other, with other credentials. */
const resent: Readonly<Record<string, object>> = {
  'HTTP/1.1': {},
  'HTTP/2': { httpVersion: 2 },
  fetch: { adapter: 'fetch' },
};

async function overSoap(copy: Copy, loading: Loaded, other: Copy, own: object): Promise<Send> {
  const credentials = loading as Soap.Credentials<string, string>;
  const options = copy.soap.soapOptions(credentials, own);
  const client = await createClientAsync(`${bank.url}/service?wsdl`, options);
  const shared = { timeout: 5_000 };
  return (as) => {
    const security = new other.soap.ClientCertificateSecurity(
      credentials,
      as ? { service: as } : { sign: true },
    );
    client.setSecurity(security);
    return client.WhoAsync({ text: 'x' }, shared);
  };
}

/** Whose certificate each request came with, and by whom its message is signed. */
function presented(): string[] {
  const calls = bank.requests.filter(({ method }) => method === 'POST');
  return (calls.length > 0 ? calls : bank.requests).map(({ clientCertificate, body }) => {
    const [, token] = /BinarySecurityToken[^>]*>([^<]+)</.exec(`${body ?? ''}`) ?? [];
    const signer = token && new X509Certificate(Buffer.from(token, 'base64')).subject.replace(/^.*CN=/s, '');
    return `${clientCertificate?.commonName ?? 'nobody'}${signer ? ` signed ${signer}` : ''}`;
  });
}

describe('attack: identities that mix', () => {
  it.each(Object.keys(ways).flatMap((way) => [[way, 'esm', 'cjs'] as const, [way, 'cjs', 'esm'] as const]))(
    '%s: credentials of the %s copy in adapters of the %s one',
    async (way, from, to) => {
      const [loader, user] = [copies[from], copies[to]];
      expect(loader.soap.loadCredentials).not.toBe(user.soap.loadCredentials);
      const hers = loader.soap.loadCredentials(configOf(alice));
      // A second one of the adapter's own copy, for the same host.
      await using his = await user.soap.loadCredentials(configOf(bob));
      const asHer = await ways[way]!(user, hers, loader);
      const asHim = await ways[way]!(user, his, loader);
      await asHer();
      await asHim();
      await asHer('Nobody');
      await asHim();
      await asHer();
      await using loaded = await hers;
      await loaded.reload(configOf(bob));
      await asHer();
      await asHer('Nobody');
      const who = presented();
      expect(who.map((each) => each.replace(/ signed .*/, ''))).toEqual([
        'alice',
        'bob',
        'nobody',
        'bob',
        'alice',
        'bob',
        'nobody',
      ]);
      for (const each of who.filter((each) => each.includes('signed'))) {
        expect(each).toMatch(/^(\w+) signed \1$/);
      }
      if (way.includes('security')) expect(who.filter((each) => each.includes('signed'))).toHaveLength(5);
    },
  );

  it.each(Object.entries(resent))(
    'a used config of axios over %s goes as what the instance of the other copy says',
    async (_, way) => {
      await using hers = await copies.esm.soap.loadCredentials(configOf(alice));
      await using his = await copies.cjs.soap.loadCredentials(configOf(bob));
      const [first, second] = [axios.create(way), axios.create(way)];
      copies.esm.axios.clientCertificates(first, hers);
      copies.cjs.axios.clientCertificates(second, his);
      const { config } = await first.get(bank.url);
      const again = await second.request(config);
      await first.request(again.config);
      expect(presented()).toEqual(['alice', 'bob', 'alice']);
    },
  );

  it.each(Object.entries(resent))(
    'the latest of two copies that are installed on one axios over %s holds',
    async (_, way) => {
      await using hers = await copies.esm.soap.loadCredentials(configOf(alice));
      await using his = await copies.cjs.soap.loadCredentials(configOf(bob));
      const [api, ground] = [axios.create(way), axios.create(way)];
      copies.esm.axios.clientCertificates(ground, his);
      await ground.get(bank.url);
      copies.esm.axios.clientCertificates(api, hers);
      copies.cjs.axios.clientCertificates(api, his);
      await api.get(bank.url);
      copies.esm.axios.clientCertificates(api, hers);
      await api.get(bank.url);
      expect(presented()).toEqual(['bob', 'bob', 'alice']);
    },
  );

  it('a SOAP call with a security of the other copy that names no service is made as that of its client', async () => {
    const { certificates, hosts } = configOf(alice);
    const [host] = Object.keys(hosts) as [string];
    await using credentials = await copies.esm.soap.loadCredentials({
      certificates,
      hosts: { [host]: { ca: authority.certificate } },
      services: { Bank: 'client' },
    });
    const options = copies.esm.soap.soapOptions(credentials, { service: 'Bank' });
    const client = await createClientAsync(`${bank.url}/service?wsdl`, options);
    for (const more of [{}, { sign: true }]) {
      client.setSecurity(new copies.cjs.soap.ClientCertificateSecurity(credentials, more));
      await client.WhoAsync({ text: 'x' });
    }
    expect(presented()).toEqual(['alice', 'alice signed alice']);
  });

  it('soapOptions() takes nothing that the soapOptions() of the other copy returned', async () => {
    await using credentials = await copies.esm.soap.loadCredentials(configOf(alice));
    const made = copies.cjs.soap.soapOptions(credentials);
    expect(() => copies.esm.soap.soapOptions(credentials, made)).toThrow(
      'what another soapOptions() returned',
    );
  });

  it('a used config of axios follows the redirects that the instance of the other copy allows', async () => {
    await using plain = await startServer({ tls: false, host: 'localhost' });
    await using hers = await copies.esm.soap.loadCredentials(configOf(alice));
    const { hosts, ...config } = configOf(bob);
    const [host] = Object.keys(hosts) as [string];
    const rule = { certificate: 'client', allowDowngrade: true } as const;
    await using his = await copies.cjs.soap.loadCredentials({ ...config, hosts: { [host]: rule } });
    const [first, second] = [axios.create(), axios.create()];
    copies.esm.axios.clientCertificates(first, hers);
    copies.cjs.axios.clientCertificates(second, his);
    const used = await first.get(bank.url);
    await second.request({ ...used.config, url: `${bank.url}/redirect?to=${encodeURIComponent(plain.url)}` });
    expect([presented(), plain.requests.length]).toEqual([['alice', 'bob'], 1]);
  });

  it('a cache of got is kept apart by what is presented, also where two copies are installed', async () => {
    await using cacheable = await startServer({
      authority,
      host: 'localhost',
      clientCertificate: 'optional',
      handler: (_request, response) => {
        response.setHeader('cache-control', 'max-age=100');
        return false;
      },
    });
    const [host, ca] = [`localhost:${cacheable.port}`, authority.certificate];
    const { fullChain: cert, key } = alice;
    await using hers = await copies.esm.got.loadCredentials({
      certificates: { alice: { cert, key, ca } },
      hosts: { [host]: 'alice' },
    });
    await using his = await copies.cjs.got.loadCredentials({ certificates: {}, hosts: { [host]: { ca } } });
    const cache = new Map();
    const herApi = got.extend(copies.esm.got.clientCertificates(hers), { cache });
    const both = herApi.extend(copies.cjs.got.clientCertificates(his));
    await herApi(`${cacheable.url}/a`);
    await both(`${cacheable.url}/a`);
    await both(`${cacheable.url}/b`);
    await herApi(`${cacheable.url}/b`);
    const who = cacheable.requests.map(
      ({ path, clientCertificate }) => `${path} ${clientCertificate?.commonName ?? 'nobody'}`,
    );
    expect(who).toEqual(['/a alice', '/a nobody', '/b nobody', '/b alice']);
  });

  it('a used config of axios goes by the proxy that it named, also from the instance of the other copy', async () => {
    await using proxy = await startProxy({ authority });
    await using hers = await copies.esm.soap.loadCredentials(configOf(alice));
    await using his = await copies.cjs.soap.loadCredentials(configOf(bob));
    const [first, second] = [axios.create(), axios.create()];
    copies.esm.axios.clientCertificates(first, hers);
    copies.cjs.axios.clientCertificates(second, his);
    const { hostname: host, port } = new URL(proxy.url);
    const { config } = await first.get(bank.url, { proxy: { protocol: 'http', host, port: Number(port) } });
    await second.request(config);
    expect(presented()).toEqual(['alice', 'bob']);
    expect(proxy.connects).toHaveLength(2);
  });
});
