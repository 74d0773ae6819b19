import { createHash, X509Certificate } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Handshake } from '../../src/agent/handshake.ts';
import { loadCredentials } from '../../src/credentials.ts';
import { get, sourceOf } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
});

const load = (port: number, rule: object = {}) =>
  loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${port}`]: { certificate: 'alice', ...rule } },
  });

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('over %s', (tls) => {
  it.each(['required', 'optional', 'none'] as const)(
    'event and channel say what happened where a certificate is %s',
    async (clientCertificate) => {
      await using server = await startServer({ authority, tls, clientCertificate });
      await using credentials = await load(server.port);
      const events: Handshake[] = [];
      const messages: unknown[] = [];
      const listen = (message: unknown) => void messages.push(message);
      subscribe('clientcert:handshake', listen);
      credentials.on('handshake', (handshake) => events.push(handshake));
      const agent = credentials.agent({ keepAlive: false });
      await get(server.url, { agent });
      await get(server.url, { agent });
      unsubscribe('clientcert:handshake', listen);

      const asked = clientCertificate !== 'none';
      const presented = asked
        ? { name: 'alice', version: 1, fingerprint256: server.requests[0]?.clientCertificate?.fingerprint256 }
        : null;
      expect(events).toEqual(
        [false, true].map((resumed) => ({
          host: '127.0.0.1',
          port: server.port,
          rule: `hosts["127.0.0.1:${server.port}"]`,
          protocol: tls,
          requested: asked,
          presented,
          resumed,
        })),
      );
      expect(messages).toEqual(events);
      expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true]);
    },
  );

  it('a certificate that the server cannot take by its signature algorithms is not said to be presented', async () => {
    await using server = await startServer({
      authority,
      clientCertificate: 'optional',
      tls: { minVersion: tls, maxVersion: tls, sigalgs: 'RSA-PSS+SHA256:RSA+SHA256' },
      certificate: await authority.issue({
        name: 'server',
        hosts: ['127.0.0.1'],
        keyType: 'rsa',
        usage: 'server',
      }),
    });
    await using credentials = await load(server.port);
    const events: Handshake[] = [];
    credentials.on('handshake', (handshake) => events.push(handshake));
    await get(server.url, { agent: credentials.agent() });
    expect(server.requests[0]?.clientCertificate).toBeNull();
    expect(events[0]).toMatchObject({ requested: true, presented: null });
  });

  it('required: a server that does not ask is refused before it has seen a request', async () => {
    await using server = await startServer({ authority, tls, clientCertificate: 'none' });
    await using credentials = await load(server.port, { required: true });
    const agent = credentials.agent();
    for (const _ of [1, 2]) {
      await expect(get(server.url, { agent, headers: { 'x-secret': 'token' } })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_NOT_REQUESTED',
        message: expect.stringContaining(`hosts["127.0.0.1:${server.port}"]`),
      });
    }
    expect(server.requests).toHaveLength(0);
  });

  it('required: a server that asks is served, fresh and resumed', async () => {
    await using server = await startServer({ authority, tls });
    await using credentials = await load(server.port, { required: true });
    const agent = credentials.agent({ keepAlive: false });
    await get(server.url, { agent });
    await get(server.url, { agent });
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true]);
  });

  it('spki: a server with another key is refused before it has seen a request, one with the key is served', async () => {
    await using server = await startServer({ authority, tls });
    const pinOf = (pem: string) =>
      `sha256/${createHash('sha256')
        .update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' }))
        .digest('base64')}`;
    await using wrong = await load(server.port, { spki: [pinOf(alice.cert), pinOf(authority.certificate)] });
    const failure = await get(server.url, { agent: wrong.agent() }).catch((error) => error);
    expect(failure).toMatchObject({ code: 'ERR_CLIENTCERT_SERVER_KEY_MISMATCH' });
    expect(server.requests).toHaveLength(0);

    const seen = /sha256\/[A-Za-z0-9+/=]+/.exec(failure.message)?.[0];
    await using right = await load(server.port, { spki: [pinOf(alice.cert), seen] });
    const agent = right.agent({ keepAlive: false });
    await get(server.url, { agent });
    await get(server.url, { agent });
    expect(server.requests).toHaveLength(2);
  });
});
