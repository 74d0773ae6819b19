import { once } from 'node:events';
import * as tls from 'node:tls';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
} from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { type Credentials, loadCredentials } from '../../src/credentials/credentials.ts';
import { certificateFor, get, sourceOf, subjects, withPolluted } from '../support.ts';

/** What older Nodes do not have, and the types leave out. */
const roots = tls as {
  getCACertificates?(type: 'default'): readonly string[];
  setDefaultCACertificates?(certificates: readonly string[]): void;
};

let authority: Authority;
let stranger: Authority;
let alice: IssuedCertificate;
let mallory: IssuedCertificate;

beforeAll(async () => {
  [authority, stranger] = await Promise.all([createAuthority(), createAuthority()]);
  alice = await authority.issue({ name: 'alice' });
  mallory = await authority.issue({ name: 'mallory' });
});

/** What a page that merges JSON, or worse, could have every object inherit. */
const pollutions = {
  service: () => ({ service: 'Payments' }),
  'service: false': () => ({ service: false }),
  origin: () => ({ origin: 'https://evil.example' }),
  clientCertificate: () => ({ clientCertificate: 'Payments' }),
  'cert and key': () => ({ cert: mallory.cert, key: mallory.key }),
  ca: () => ({ ca: stranger.certificate }),
  rejectUnauthorized: () => ({ rejectUnauthorized: false }),
  secureContext: () => ({
    secureContext: tls.createSecureContext({
      cert: mallory.cert,
      key: mallory.key,
      ca: stranger.certificate,
    }),
  }),
  checkServerIdentity: () => ({ checkServerIdentity: () => undefined }),
  servername: () => ({ servername: 'evil.example' }),
  server: () => ({ server: 'spiffe://evil.example', bundles: { 'evil.example': stranger.certificate } }),
  session: () => ({ session: Buffer.alloc(8) }),
  'host and port': () => ({ host: 'evil.example', hostname: 'evil.example', port: 1 }),
  'Unix socket': () => ({ socketPath: '/nonexistent/socket' }),
  versions: () => ({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', secureProtocol: 'TLSv1_method' }),
  // Not `resume`: the table of listeners of Node 24's own streams inherits, and it would call what stands there.
  resolution: () => ({ required: true, trust: 'only', spki: ['sha256/x'], proxy: false }),
};

describe('attack: identities that mix', () => {
  const load = (ports: readonly number[], name = 'localhost') =>
    loadCredentials({
      certificates: { alice: sourceOf(alice, authority), mallory: sourceOf(mallory, authority) },
      hosts: { [`${name}:${ports[0]}`]: 'alice' },
      services: { Payments: { certificate: 'mallory', hosts: [`${name}:${ports[0]}`] } },
    });

  const ways: Record<string, (credentials: Credentials, port: number) => Promise<unknown>> = {
    agent: (credentials, port) => get(`https://localhost:${port}`, { agent: credentials.agent() }),
    sharedAgent: (credentials, port) =>
      get(`https://localhost:${port}`, { agent: adapterOf(credentials).sharedAgent({}) }),
    connect: async (credentials, port) => {
      const socket = adapterOf(credentials).connect({ host: 'localhost', port });
      await once(socket, 'secureConnect');
      socket.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n').resume();
      await once(socket, 'close');
    },
  };

  for (const [name, pollution] of Object.entries(pollutions)) {
    it.each(Object.keys(ways))(`a polluted Object.prototype changes nothing: ${name}, %s`, async (way) => {
      await using server = await startServer({ authority, host: 'localhost' });
      await using untrusted = await startServer({ authority: stranger, host: 'localhost' });
      await using credentials = await load([server.port]);
      const polluted = pollution();
      await withPolluted(polluted, async () => {
        await ways[way]!(credentials, server.port);
        await expect(ways[way]!(credentials, untrusted.port)).rejects.toThrow();
        const { certificate, rule } = credentials.resolve({ host: 'localhost', port: server.port });
        expect([certificate, rule]).toEqual(['alice', `hosts["localhost:${server.port}"]`]);
      });
      expect(subjects(server)).toEqual(['alice']);
      expect(untrusted.requests).toEqual([]);
    });
  }

  it('nor where options are written, and have no value', async () => {
    await using untrusted = await startServer({ authority: stranger, host: 'localhost' });
    await using credentials = await load([untrusted.port]);
    const { port } = untrusted;
    await withPolluted({ ca: stranger.certificate }, async () => {
      for (const ca of [undefined, authority.certificate]) {
        const agent = credentials.agent({ ca });
        await expect(get(untrusted.url, { agent })).rejects.toThrow(/self-signed/);
        await expect(get(untrusted.url, { agent: credentials.agent(), ca })).rejects.toThrow(/self-signed/);
        const socket = adapterOf(credentials).connect({ host: 'localhost', port, ca });
        await expect(once(socket, 'secureConnect')).rejects.toThrow(/self-signed/);
      }
    });
    expect(untrusted.requests).toEqual([]);
  });

  it.skipIf(roots.setDefaultCACertificates === undefined)(
    'nor whom a proxy at an address has to be, which no rule names',
    async () => {
      await using server = await startServer({ authority, host: 'localhost' });
      const certificate = await certificateFor('evil.example', authority);
      await using proxy = await startProxy({ tls: true, authority, certificate });
      await using credentials = await load([server.port]);
      const agent = credentials.agent({ proxy: `https://user:password@127.0.0.1:${proxy.port}` });
      const before = roots.getCACertificates!('default');
      roots.setDefaultCACertificates!([...before, authority.certificate]);
      try {
        await withPolluted({ servername: 'evil.example' }, () =>
          expect(get(server.url, { agent })).rejects.toThrow(/not in the cert's list/),
        );
      } finally {
        roots.setDefaultCACertificates!(before);
      }
      expect([proxy.connects, server.requests]).toEqual([[], []]);
    },
  );

  it('a polluted Object.prototype brings no proxy', async () => {
    await using server = await startServer({ authority, host: 'localhost' });
    await using proxy = await startProxy({});
    await using credentials = await load([server.port]);
    for (const value of [proxy.url, { url: proxy.url }]) {
      await withPolluted({ proxy: value, defaultProxy: 'env', url: proxy.url }, async () => {
        for (const way of Object.values(ways)) await way(credentials, server.port);
      });
    }
    expect(proxy.connects).toEqual([]);
    expect(subjects(server)).toEqual(Array(6).fill('alice'));
  });
});
