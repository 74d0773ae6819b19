import { checkServerIdentity, createSecureContext } from 'node:tls';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/credentials.ts';
import { get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
let mallory: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  mallory = await authority.issue({ name: 'mallory' });
});

const load = (port: number, rule: object = {}) =>
  loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${port}`]: { certificate: 'alice', ...rule } },
  });

describe('TLS options of a request count', () => {
  it('maxVersion, ciphers, ALPN and servername reach the server, beside the certificate', async () => {
    await using server = await startServer({ authority, hosts: ['127.0.0.1', 'alias.test'] });
    await using credentials = await load(server.port);
    const agent = credentials.agent();
    await get(server.url, { agent, maxVersion: 'TLSv1.2' });
    await get(server.url, { agent, ALPNProtocols: ['http/1.1'] });
    await get(server.url, { agent, servername: 'alias.test' });
    await get(server.url, { agent });
    expect(server.requests.map(({ protocol }) => protocol)).toEqual([
      'TLSv1.2',
      'TLSv1.3',
      'TLSv1.3',
      'TLSv1.3',
    ]);
    expect(server.requests.map(({ alpn }) => alpn)).toEqual([null, 'http/1.1', null, null]);
    expect(server.requests[2]?.servername).toBe('alias.test');
    expect(subjects(server)).toEqual(['alice', 'alice', 'alice', 'alice']);
  });

  it('a ca of another authority is not enough, and does not spoil the next request', async () => {
    const stranger = await createAuthority();
    await using server = await startServer({ authority });
    // The root comes with the rule's certificate, so only `trust: only` elsewhere could narrow it.
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key } },
      hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
    });
    const agent = credentials.agent();
    await expect(get(server.url, { agent, ca: stranger.certificate })).rejects.toThrow();
    await get(server.url, { agent, ca: authority.certificate });
    await get(server.url, { agent, ca: [authority.certificate] });
    await expect(get(server.url, { agent })).rejects.toThrow();
    expect(subjects(server)).toEqual(['alice', 'alice']);
  });

  it('checkServerIdentity is asked, and a pooled socket that another has checked is not taken', async () => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const agent = credentials.agent();
    await get(server.url, { agent });
    const refuse = () => new Error('not this one');
    await expect(get(server.url, { agent, checkServerIdentity: refuse })).rejects.toThrow('not this one');
    await get(server.url, { agent, checkServerIdentity });
    expect(server.requests).toHaveLength(2);
  });

  it('those of the agent count as well', async () => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    await get(server.url, { agent: credentials.agent({ maxVersion: 'TLSv1.2' }) });
    expect(server.requests[0]).toMatchObject({ protocol: 'TLSv1.2', authorized: true });
  });

  it('equal ones share a connection, and many different ones stay bounded', async () => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const agent = credentials.agent();
    for (let round = 0; round < 2; round++)
      await get(server.url, { agent, sigalgs: 'ECDSA+SHA256:RSA-PSS+SHA256' });
    expect(server.connections).toBe(1);
    for (let count = 0; count < 40; count++) {
      await get(server.url, { agent, sessionTimeout: 100 + count, headers: { connection: 'close' } });
    }
    expect(subjects(server)).toEqual(Array(42).fill('alice'));
  });
});

describe('an identity of the caller’s own', () => {
  const own = {
    cert: () => ({ cert: mallory.cert, key: mallory.key }),
    pfx: async () => ({ pfx: await mallory.pfx('x'), passphrase: 'x' }),
    secureContext: () => ({
      secureContext: createSecureContext({ cert: mallory.cert, key: mallory.key, ca: authority.certificate }),
    }),
  };

  it.each(Object.keys(own) as (keyof typeof own)[])('%s is a conflict at a pinned host', async (kind) => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    const options = await own[kind]();
    await expect(get(server.url, { agent: credentials.agent(), ...options } as object)).rejects.toMatchObject(
      {
        code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
        message: expect.stringContaining(`hosts["127.0.0.1:${server.port}"]`),
      },
    );
    expect(server.connections).toBe(0);
  });

  it('is a conflict where a rule says false', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { '127.0.0.1': false },
    });
    await expect(get(server.url, { agent: credentials.agent(), ...own.cert() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_AGENT_CONFLICT',
    });
    expect(server.connections).toBe(0);
  });

  it.each(Object.keys(own) as (keyof typeof own)[])(
    '%s is theirs to use at any other host, and never shared with requests without it',
    async (kind) => {
      await using server = await startServer({ authority, clientCertificate: 'optional' });
      await using credentials = await loadCredentials({
        certificates: { alice: sourceOf(alice, authority) },
        hosts: { 'api.bank.example': 'alice' },
      });
      const agent = credentials.agent({ ca: authority.certificate });
      const options = (await own[kind]()) as object;
      for (let round = 0; round < 2; round++) {
        await get(server.url, { agent, ...options });
        await get(server.url, { agent });
      }
      expect(subjects(server)).toEqual(['mallory', null, 'mallory', null]);
      expect(server.connections).toBe(2);
      expect(JSON.stringify(Object.keys(agent.freeSockets))).not.toContain('PRIVATE KEY');
    },
  );
});

describe('what is weaker than the rule is refused before a connection', () => {
  it.each([
    [{ rejectUnauthorized: false }, 'ERR_CLIENTCERT_VERIFICATION_OFF'],
    [{ minVersion: 'TLSv1' }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    [{ ciphers: 'DEFAULT@SECLEVEL=0' }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
    [{ secureOptions: 0x4 }, 'ERR_CLIENTCERT_AGENT_CONFLICT'],
  ] as const)('%o', async (options, code) => {
    await using server = await startServer({ authority });
    await using credentials = await load(server.port);
    await expect(get(server.url, { agent: credentials.agent(), ...options })).rejects.toMatchObject({ code });
    expect(server.connections).toBe(0);
  });

  it('but stays the caller’s choice at a host that no rule names', async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({ hosts: {} });
    await get(server.url, { agent: credentials.agent(), rejectUnauthorized: false });
    expect(subjects(server)).toEqual([null]);
  });
});
