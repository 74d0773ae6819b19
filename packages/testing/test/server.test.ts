import { once } from 'node:events';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import { connect, type SecureVersion } from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Authority,
  createAuthority,
  createSelfSigned,
  type IssuedCertificate,
  type RequestHandler,
  startServer,
} from '../src/index.ts';
import { as, request } from './clients.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
beforeAll(async () => {
  authority = await createAuthority({ intermediates: 1 });
  alice = await authority.issue({ name: 'alice', subject: { C: 'NL', O: 'Example' } });
  bob = await authority.issue({ name: 'bob', keyType: 'rsa' });
});

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

describe('requests', () => {
  it('keep what the server saw of request and certificate', async () => {
    await using server = await startServer({ authority });
    const answer = await request(`${server.url}/accounts?page=2`, {
      ...as(alice, authority),
      method: 'POST',
      headers: { 'x-test': 'yes' },
      body: 'grüße',
    });
    expect(answer.status).toBe(200);
    const [seen] = server.requests;
    expect(seen).toMatchObject({
      method: 'POST',
      path: '/accounts',
      url: `${server.url}/accounts?page=2`,
      headers: { 'x-test': 'yes' },
      body: 'grüße',
      bodyLength: 7,
      clientCertificate: {
        subject: 'C=NL\nO=Example\nCN=alice',
        commonName: 'alice',
        issuer: 'CN=Test Authority Intermediate 1',
        fingerprint256: alice.fingerprint256,
        serialNumber: alice.serialNumber,
        authorized: true,
        authorizationError: null,
      },
      authorized: true,
      protocol: 'TLSv1.3',
      resumed: false,
      connection: 1,
      port: server.port,
      httpVersion: '1.1',
      servername: null,
      aborted: false,
    });
    expect(JSON.parse(answer.body)).toMatchObject({
      clientCertificate: { commonName: 'alice' },
      body: 'grüße',
    });
    expect(server.requests).toHaveLength(1);
    expect(server.connections).toBe(1);
  });

  it('number the connections', async () => {
    await using server = await startServer({ authority });
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ...as(alice, authority) });
    await request(server.url, { agent });
    await request(server.url, { agent });
    await request(server.url, as(bob, authority));
    agent.destroy();
    expect(server.requests.map(({ connection, authorized }) => [connection, authorized])).toEqual([
      [1, true],
      [1, true],
      [2, true],
    ]);
    expect(server.requests.map((seen) => seen.clientCertificate?.commonName)).toEqual([
      'alice',
      'alice',
      'bob',
    ]);
  });

  it.each(VERSIONS)('keep the certificate of a resumed %s session', async (tls) => {
    await using server = await startServer({ authority, tls });
    const agent = new https.Agent({ keepAlive: false, maxCachedSessions: 10, ...as(alice, authority) });
    await request(server.url, { agent });
    const again = async () => {
      await request(server.url, { agent });
      return server.requests.at(-1)!.resumed;
    };
    await expect.poll(again).toBe(true);
    expect(server.requests[0]).toMatchObject({ resumed: false, protocol: tls });
    expect(server.requests.at(-1)).toMatchObject({
      protocol: tls,
      authorized: true,
      clientCertificate: { fingerprint256: alice.fingerprint256, subject: alice.subject, authorized: true },
    });
    expect(new Set(server.requests.map((seen) => seen.connection)).size).toBe(server.requests.length);
  });
});

describe('clientCertificate', () => {
  const NO_CERTIFICATE = 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE';

  it.each(VERSIONS)("'required' refuses a client without one, by alert over %s", async (tls) => {
    await using server = await startServer({ authority, tls });
    const failure = request(server.url, as(undefined, authority));
    // alerts 40 (handshake_failure) and 116 (certificate_required) stand in OpenSSL's reason, raised by 1000
    const reason = tls === 'TLSv1.2' ? (1040).toString(16) : (1116).toString(16);
    await expect(failure).rejects.toThrow(new RegExp(`0A000${reason}`, 'i'));
    await expect.poll(() => server.refusals).toHaveLength(1);
    expect(server.refusals[0]).toMatchObject({
      code: NO_CERTIFICATE,
      clientCertificate: null,
      port: server.port,
    });
    expect(server.requests).toEqual([]);
  });

  it.each(VERSIONS)("'required' refuses what the authority does not vouch for, over %s", async (tls) => {
    await using server = await startServer({ authority, tls });
    const refused: [IssuedCertificate, string][] = [
      [await authority.issue({ name: 'late', expired: true }), 'CERT_HAS_EXPIRED'],
      [await authority.issue({ name: 'early', notYetValid: true }), 'CERT_NOT_YET_VALID'],
      [await authority.issue({ name: 'api', usage: 'server' }), 'INVALID_PURPOSE'],
      [await authority.issue({ name: 'mail', usage: 'email' }), 'INVALID_PURPOSE'],
      [await createSelfSigned({ name: 'mallory' }), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
      [await (await createAuthority()).issue({ name: 'foreign' }), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ];
    for (const [client, code] of refused) {
      await expect(request(server.url, as(client, authority)), client.name).rejects.toThrow();
      await expect.poll(() => server.refusals.at(-1)?.code).toBe(code);
      expect(server.refusals.at(-1)?.clientCertificate).toMatchObject({
        fingerprint256: client.fingerprint256,
        authorized: false,
        authorizationError: code,
      });
    }
    expect(server.refusals).toHaveLength(refused.length);
    expect(server.requests).toEqual([]);
    await request(server.url, as(await authority.issue({ name: 'any', usage: 'none' }), authority));
    expect(server.requests[0]?.authorized).toBe(true);
  });

  it("'optional' accepts none and any", async () => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    const stranger = await createSelfSigned({ name: 'mallory' });
    for (const client of [undefined, stranger, alice]) await request(server.url, as(client, authority));
    expect(server.requests.map((seen) => [seen.clientCertificate?.commonName, seen.authorized])).toEqual([
      [undefined, false],
      ['mallory', false],
      ['alice', true],
    ]);
    expect(server.requests[1]?.clientCertificate?.authorizationError).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
  });

  it("'none' does not ask", async () => {
    await using server = await startServer({ authority, clientCertificate: 'none' });
    await request(server.url, as(alice, authority));
    expect(server.requests[0]).toMatchObject({ clientCertificate: null, authorized: false });
  });

  it('accepts the clients of other roots that are named', async () => {
    const other = await createAuthority({ name: 'Other' });
    await using server = await startServer({ authority, ca: other.certificate });
    await request(server.url, as(await other.issue({ name: 'carol' }), authority));
    await request(server.url, as(alice, authority));
    expect(server.requests.map((seen) => seen.authorized)).toEqual([true, true]);
  });

  it.each([
    ['a text', 'junk'],
    ['a path', '/etc/ssl/ca.pem'],
    ['an empty list in a list', ['']],
    ['a damaged certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['nothing', null as never],
  ])('refuses %s in the place of roots, by which Node would trust nobody and say nothing', async (_, ca) => {
    await expect(startServer({ authority, ca })).rejects.toThrow(/ca is no PEM/);
  });

  it('refuses the revoked', async () => {
    const revoked = await authority.issue({ name: 'revoked' });
    await using server = await startServer({ authority, crl: authority.revocationLists([revoked]) });
    await expect(request(server.url, as(revoked, authority))).rejects.toThrow();
    await expect.poll(() => server.refusals[0]?.code).toBe('CERT_REVOKED');
    expect(server.refusals[0]?.clientCertificate?.commonName).toBe('revoked');
    await request(server.url, as(alice, authority));
    expect(server.requests).toHaveLength(1);
  });

  it.each([['rsa-pss'], ['ed25519'], [{ ec: 'P-384' }], [{ ec: 'P-521' }]] as const)(
    'takes a key of type %o',
    async (keyType) => {
      await using server = await startServer({ authority });
      await request(server.url, as(await authority.issue({ name: 'alice', keyType }), authority));
      expect(server.requests[0]?.authorized).toBe(true);
    },
  );

  it.each([['secp256k1'], ['brainpoolP256r1']])('describes a certificate on the curve %s', async (ec) => {
    const tls = { maxVersion: 'TLSv1.2', ecdhCurve: `P-256:${ec}` } as const;
    await using server = await startServer({ authority, tls });
    const client = await authority.issue({ name: 'alice', keyType: { ec } });
    await request(server.url, { ...as(client, authority), ...tls });
    expect(server.requests[0]?.clientCertificate?.fingerprint256).toBe(client.fingerprint256);
  });
});

describe('listeners', () => {
  it('serve several ports, each in its own way', async () => {
    await using server = await startServer({
      authority,
      listeners: [{}, { clientCertificate: 'none', tls: 'TLSv1.2' }, { tls: false }],
    });
    expect(server.ports).toEqual(server.urls.map((url) => Number(new URL(url).port)));
    expect(new Set(server.ports).size).toBe(3);
    expect([server.url, server.port]).toEqual([server.urls[0], server.ports[0]]);
    for (const url of server.urls) await request(url, as(alice, authority));
    expect(server.requests.map(({ port, protocol, authorized }) => [port, protocol, authorized])).toEqual([
      [server.ports[0], 'TLSv1.3', true],
      [server.ports[1], 'TLSv1.2', false],
      [server.ports[2], null, false],
    ]);
    expect(server.requests.map((seen) => seen.connection)).toEqual([1, 2, 3]);
    expect(server.urls[2]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it.each<[SecureVersion, SecureVersion]>([
    ['TLSv1.2', 'TLSv1.3'],
    ['TLSv1.3', 'TLSv1.2'],
  ])('speak %s alone', async (tls, other) => {
    await using server = await startServer({ authority, tls: tls as 'TLSv1.2' });
    const pinned = { minVersion: other, maxVersion: other };
    await expect(request(server.url, { ...as(alice, authority), ...pinned })).rejects.toThrow();
    await request(server.url, as(alice, authority));
    expect(server.requests.map((seen) => seen.protocol)).toEqual([tls]);
  });

  it('take any other TLS setting', async () => {
    await using server = await startServer({
      authority,
      tls: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
    });
    const socket = connect({ host: server.host, port: server.port, ...as(alice, authority) } as object);
    await once(socket, 'secureConnect');
    expect(socket.getCipher().standardName).toBe('TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384');
    socket.destroy();
  });

  it.each([undefined, 'localhost'])(
    'have the names that were asked for, and the host of the URL (%s)',
    async (host) => {
      await using server = await startServer({
        authority,
        host,
        hosts: ['api.bank.example'],
        clientCertificate: 'none',
      });
      await request(server.url, as(undefined, authority));
      await request(server.url, { ...as(undefined, authority), servername: 'api.bank.example' });
      expect(server.requests[1]?.servername).toBe('api.bank.example');
      await expect(
        request(server.url, { ...as(undefined, authority), servername: 'www.bank.example' }),
      ).rejects.toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    },
  );

  it('present a certificate of their own', async () => {
    const certificate = await createSelfSigned({ name: 'self', hosts: ['127.0.0.1'] });
    await using server = await startServer({ certificate, clientCertificate: 'none' });
    await request(server.url, { ca: certificate.cert });
    await expect(request(server.url, { ca: server.authority.certificate })).rejects.toThrow();
  });

  it('listen elsewhere on loopback', async () => {
    await using server = await startServer({ authority, host: 'localhost', clientCertificate: 'none' });
    expect(server.url).toBe(`https://localhost:${server.port}`);
    expect((await request(server.url, as(undefined, authority))).status).toBe(200);
  });

  it('open all or none', async () => {
    await using server = await startServer({ authority });
    const listening = () =>
      process.getActiveResourcesInfo().filter((name) => name === 'TCPServerWrap').length;
    const before = listening();
    await expect(startServer({ authority, listeners: [{}, { port: server.port }] })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await expect.poll(listening).toBe(before);
    await expect(startServer({ authority, listeners: [] })).rejects.toThrow(/listeners is empty/);
    await expect(startServer({ authority, clientCertificate: 'maybe' as never })).rejects.toThrow(/"maybe"/);
  });
});

describe('http2', () => {
  it('is spoken beside HTTP/1.1', async () => {
    await using server = await startServer({ authority, http2: true });
    const session = http2.connect(server.url, as(alice, authority) as http2.SecureClientSessionOptions);
    const stream = session.request({ ':path': '/two?x=1', ':method': 'POST' });
    stream.end('body');
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(JSON.parse(Buffer.concat(chunks).toString())).toMatchObject({
      path: '/two',
      alpn: 'h2',
      body: 'body',
    });
    session.close();
    await request(server.url, { ...as(alice, authority), ALPNProtocols: ['http/1.1'] });
    expect(server.requests.map(({ httpVersion, alpn, url }) => [httpVersion, alpn, url])).toEqual([
      ['2.0', 'h2', `${server.url}/two?x=1`],
      ['1.1', 'http/1.1', `${server.url}/`],
    ]);
    expect(server.requests.map((seen) => [seen.clientCertificate?.commonName, seen.connection])).toEqual([
      ['alice', 1],
      ['alice', 2],
    ]);
  });
});

describe('routes', () => {
  let url: string;
  let close: () => Promise<void>;
  beforeAll(async () => {
    const server = await startServer({ tls: false });
    ({ url, close } = server);
  });
  afterAll(() => close());

  it('/redirect', async () => {
    const to = 'https://other.example:8443/path?a=b';
    const answer = await request(`${url}/redirect?to=${encodeURIComponent(to)}`);
    expect([answer.status, answer.headers.location]).toEqual([302, to]);
    expect((await request(`${url}/redirect?status=308&to=/x`)).status).toBe(308);
  });

  it('/status', async () => {
    expect((await request(`${url}/status/503`)).status).toBe(503);
    expect((await request(`${url}/status/none`)).status).toBe(500);
  });

  it('/delay', async () => {
    const start = performance.now();
    expect((await request(`${url}/delay?ms=60`)).status).toBe(200);
    expect(performance.now() - start).toBeGreaterThan(55);
  });

  it('/echo', async () => {
    const body = Buffer.alloc(3_000_000, 'äbc');
    const answer = await request(`${url}/echo`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain' },
    });
    expect(answer.headers['content-type']).toBe('text/plain');
    expect(Buffer.from(answer.body).equals(body)).toBe(true);
  });

  it('/large', async () => {
    const answer = await request(`${url}/large?bytes=200001`);
    expect([answer.body.length, answer.headers['content-length']]).toEqual([200_001, '200001']);
  });

  it('answers HEAD without a body', async () => {
    const answer = await request(url, { method: 'HEAD' });
    expect([answer.status, answer.body]).toEqual([200, '']);
  });
});

describe('handler', () => {
  it('answers, late readers included, and the body is still seen', async () => {
    await using server = await startServer({
      tls: false,
      handler: async (incoming, response, seen) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        const chunks: Buffer[] = [];
        for await (const chunk of incoming) chunks.push(chunk);
        response.end(`${seen.method} ${Buffer.concat(chunks)}`);
      },
    });
    expect((await request(server.url, { method: 'PUT', body: 'late' })).body).toBe('PUT late');
    expect(server.requests[0]).toMatchObject({ body: 'late', bodyLength: 4 });
  });

  it('leaves to the routes what it returns false for, and fails with 500', async () => {
    await using server = await startServer({
      tls: false,
      handler: (incoming) => {
        if (incoming.url === '/throw') throw new Error('broken');
        return false;
      },
    });
    expect((await request(`${server.url}/status/418`)).status).toBe(418);
    expect(await request(`${server.url}/throw`)).toMatchObject({ status: 500, body: 'Error: broken' });
  });

  it.each([false, true])('keeps the body of what is answered unread, over HTTP/2: %s', async (isHttp2) => {
    const handler: RequestHandler = (_, response) => void setTimeout(() => response.end('ok'), 20);
    await using server = await startServer({
      authority,
      clientCertificate: 'none',
      http2: isHttp2,
      handler,
    });
    const body = 'grüße';
    if (isHttp2) {
      const session = http2.connect(server.url, { ca: authority.certificate });
      const stream = session.request({ ':method': 'POST' });
      stream.resume().end(body);
      await once(stream, 'close');
      session.close();
    } else await request(server.url, { ca: authority.certificate, method: 'POST', body });
    await expect.poll(() => server.requests[0]?.body, { timeout: 1_500 }).toBe(body);
    expect(server.requests[0]?.bodyLength).toBe(7);
  });

  it('keeps the first MiB of a body', async () => {
    await using server = await startServer({ tls: false });
    await request(server.url, { method: 'POST', body: Buffer.alloc(1_500_000, 'x') });
    expect(server.requests[0]?.bodyLength).toBe(1_500_000);
    expect(server.requests[0]?.body).toHaveLength(1024 * 1024);
  });

  it('marks what the client gave up on', async () => {
    const giveUp = new AbortController();
    await using server = await startServer({
      tls: false,
      handler: () => {
        setImmediate(() => giveUp.abort());
        return false;
      },
    });
    const { signal } = giveUp;
    await expect(request(`${server.url}/delay?ms=5000`, { signal })).rejects.toThrow();
    await expect.poll(() => server.requests[0]?.aborted).toBe(true);
  });
});

it('prints no key', async () => {
  await using server = await startServer({ authority });
  await request(server.url, as(alice, authority));
  const [, key] = /PRIVATE KEY-----\\n(?:' \+\s+')?([\w+/]{40})/.exec(
    inspect(server.servers, { depth: 12 }),
  )!;
  expect(inspect(server, { depth: 12, showHidden: true })).not.toContain(key);
  expect(JSON.stringify(server)).not.toContain('PRIVATE KEY');
});

describe('close', () => {
  it('ends open requests and idle connections', async () => {
    const server = await startServer({ authority });
    const agent = new https.Agent({ keepAlive: true, ...as(alice, authority) });
    await request(server.url, { agent });
    const hanging = request(`${server.url}/delay?ms=60000`, { agent }).catch((error: Error) => error);
    await expect.poll(() => server.requests).toHaveLength(2);
    await server.close();
    expect(await hanging).toBeInstanceOf(Error);
    await expect(request(server.url, as(alice, authority))).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.close();
  });
});
