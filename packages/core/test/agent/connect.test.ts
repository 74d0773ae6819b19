import { once } from 'node:events';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { type ConnectionOptions, createSecureContext, type TLSSocket } from 'node:tls';
import { pathToFileURL } from 'node:url';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { type Credentials, loadCredentials } from '../../src/credentials/credentials.ts';
import { buildModules } from '../built.ts';
import { certificateFor, get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let stranger: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
let carol: IssuedCertificate;

beforeAll(async () => {
  [authority, stranger] = await Promise.all([createAuthority(), createAuthority()]);
  [alice, bob, carol] = (await Promise.all(
    ['alice', 'bob', 'carol'].map((name) => authority.issue({ name })),
  )) as [IssuedCertificate, IssuedCertificate, IssuedCertificate];
});

/** One request over a connection of its own; a TLS session comes before the answer. */
async function call(
  credentials: Credentials,
  server: TestServer,
  options: ConnectionOptions = {},
): Promise<{ resumed: boolean }> {
  const socket: TLSSocket = adapterOf(credentials).connect({
    host: server.host,
    port: server.port,
    ...options,
  });
  await once(socket, 'secureConnect');
  const resumed = socket.isSessionReused();
  socket.write(`GET / HTTP/1.1\r\nHost: ${server.host}\r\nConnection: close\r\n\r\n`);
  socket.resume();
  await once(socket, 'close');
  return { resumed };
}

const identityOf = ({ fullChain: cert, key }: IssuedCertificate) => ({ cert, key });

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('attack: identities that mix', (tls) => {
  it(`no session over ${tls} is resumed for another certificate of a caller's own, or none`, async () => {
    await using server = await startServer({ authority, tls, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({
      hosts: { [`127.0.0.1:${server.port}`]: { ca: authority.certificate } },
    });
    const ways: ConnectionOptions[] = [identityOf(bob), identityOf(carol), {}];
    const resumed: boolean[] = [];
    for (let round = 0; round < 2; round++) {
      for (const way of ways) resumed.push((await call(credentials, server, way)).resumed);
    }
    expect(subjects(server)).toEqual(['bob', 'carol', null, 'bob', 'carol', null]);
    expect(resumed).toEqual([false, false, false, true, true, true]);
  });

  it(`nor over ${tls} for another secure context where no rule names the host`, async () => {
    await using server = await startServer({ authority, tls, clientCertificate: 'optional' });
    await using credentials = await loadCredentials({ hosts: {} });
    const contexts = [bob, carol].map((each) =>
      createSecureContext({ ...identityOf(each), ca: authority.certificate }),
    );
    for (const secureContext of contexts) await call(credentials, server, { secureContext });
    await call(credentials, server, { ca: authority.certificate });
    expect(subjects(server)).toEqual(['bob', 'carol', null]);
  });

  it.each([true, false])(
    `nor over ${tls} by Node's own agent, given connectOptions (keepAlive: %s)`,
    async (keepAlive) => {
      await using server = await startServer({
        authority,
        host: 'localhost',
        tls,
        clientCertificate: 'optional',
      });
      const state = { bob };
      await using credentials = await loadCredentials({
        certificates: {
          bob: () => sourceOf(state.bob, authority),
          carol: sourceOf(carol, authority),
        },
        hosts: { [`localhost:${server.port}`]: 'bob' },
        services: { Carol: { certificate: 'carol', hosts: [`localhost:${server.port}`] } },
      });
      const agent = new Agent({ keepAlive });
      const ask = (service?: 'Carol' | false) => {
        const options = credentials.connectOptions({ host: 'localhost', port: server.port, service });
        return get(server.url, { agent, ...options });
      };
      const all = [undefined, 'Carol', false] as const;
      for (const service of [...all, ...all]) await ask(service);
      expect(subjects(server)).toEqual(['bob', 'carol', null, 'bob', 'carol', null]);
      state.bob = alice;
      await credentials.reload();
      await ask();
      await get(server.url, { agent, ca: authority.certificate });
      expect(subjects(server).slice(6)).toEqual(['alice', null]);
      agent.destroy();
    },
  );
});

describe('attack: identities that mix', () => {
  it("Node's own agent takes no connection of another copy of this package, which has counted as far", async () => {
    await using server = await startServer({ authority, host: 'localhost' });
    const agent = new Agent({ keepAlive: true });
    for (const me of [bob, carol]) {
      await using built = await buildModules('core');
      const copy = await import(pathToFileURL(join(built.path, 'core.mjs')).href);
      await using credentials: Credentials = await copy.loadCredentials({
        certificates: { me: sourceOf(me, authority) },
        hosts: { 'localhost:*': 'me' },
      });
      const options = credentials.connectOptions(server.url);
      // As much as OpenSSL takes.
      expect(options.sessionIdContext).toHaveLength(32);
      await get(server.url, { agent, ...options });
    }
    expect(subjects(server)).toEqual(['bob', 'carol']);
    agent.destroy();
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('attack: rules that are weakened', (tls) => {
  const load = (port: number, rule: object = {}) =>
    loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key } },
      hosts: { [`127.0.0.1:${port}`]: { certificate: 'alice', ...rule } },
    });

  it(`what a lax caller accepted over ${tls} is not resumed for a strict one: roots`, async () => {
    await using server = await startServer({ authority: stranger, tls, clientCertificate: 'optional' });
    await using credentials = await load(server.port);
    await expect(call(credentials, server)).rejects.toThrow();
    await call(credentials, server, { ca: stranger.certificate });
    await expect(call(credentials, server)).rejects.toThrow();
    expect(server.requests).toHaveLength(1);
  });

  it(`nor over ${tls}: names, verification`, async () => {
    await using server = await startServer({
      authority,
      tls,
      clientCertificate: 'optional',
      certificate: await certificateFor('other.example', authority),
    });
    await using credentials = await loadCredentials({ hosts: {} });
    const ca = authority.certificate;
    for (const lax of [{ checkServerIdentity: () => undefined }, { rejectUnauthorized: false }]) {
      await expect(call(credentials, server, { ca })).rejects.toMatchObject({ code: /ALTNAME/ });
      await call(credentials, server, { ca, ...lax });
      await expect(call(credentials, server, { ca })).rejects.toMatchObject({ code: /ALTNAME/ });
    }
    expect(server.requests).toHaveLength(2);
  });

  it(`nor over ${tls} when verification was off for the whole process`, async () => {
    await using server = await startServer({
      authority,
      tls,
      clientCertificate: 'optional',
      certificate: await certificateFor('other.example', authority),
    });
    await using credentials = await loadCredentials({ hosts: {} });
    const ca = authority.certificate;
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await call(credentials, server, { ca });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    await expect(call(credentials, server, { ca })).rejects.toMatchObject({ code: /ALTNAME/ });
  });
});

it('equal callers resume; a rule with resume: false never does', async () => {
  await using server = await startServer({ authority, host: 'localhost' });
  const load = (rule: object) =>
    loadCredentials({
      certificates: { alice: sourceOf(alice, authority) },
      hosts: { 'localhost:*': { certificate: 'alice', ...rule } },
    });
  await using resuming = await load({});
  await using whole = await load({ resume: false });
  const way = { ciphers: 'HIGH:TLS_AES_128_GCM_SHA256' };
  const resumed = [];
  for (const credentials of [resuming, resuming, whole, whole]) {
    resumed.push((await call(credentials, server, way)).resumed);
  }
  expect(resumed).toEqual([false, true, false, false]);
  expect(subjects(server)).toEqual(['alice', 'alice', 'alice', 'alice']);
});
