import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import axios from 'axios';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, clientCertificates, loadCredentials } from '../src/index.ts';

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

  it('twice is the same as once, and the returned function takes it off', async () => {
    await using credentials = await load();
    const api = axios.create();
    const eject = clientCertificates(api, credentials);
    expect(clientCertificates(api, credentials)).toBe(eject);
    eject();
    await expect(api.get(bank.url)).rejects.toMatchObject({ code: expect.stringContaining('SELF_SIGNED') });
  });

  it('refuses an agent of the caller’s own at a pinned host, and leaves it alone elsewhere', async () => {
    const { Agent } = await import('node:https');
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
});
