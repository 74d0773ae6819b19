import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { der, oid, sequence } from '@clientcert/core/enrolment';
import { type Authority, createAuthority, createSelfSigned, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, untilSaid } from '../../../test/spawned.ts';
import { makeCertificate } from './made-certificate.ts';
import { clientcert, json } from './run.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

let directory: string;
let authority: Authority;
let other: Authority;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-probe-'));
  authority = await createAuthority({ name: 'House Authority' });
  other = await createAuthority({ name: 'Other Authority' });
  const files = async (name: string, identity: { fullChain: string; key: string }) => {
    await writeFile(at(`${name}.pem`), identity.fullChain + identity.key, { mode: 0o600 });
  };
  await files('alice', await authority.issue({ name: 'alice' }));
  await files('expired', await authority.issue({ name: 'expired', expired: true }));
  await files('mail', await authority.issue({ name: 'mail', usage: 'email' }));
  await files('edward', await authority.issue({ name: 'edward', keyType: 'ed25519' }));
  await files('stranger', await other.issue({ name: 'stranger' }));
  await writeFile(at('root.pem'), authority.certificate);
});
afterAll(() => rm(directory, { recursive: true }));

/** A config that presents one of the certificates at `localhost`, at any port. */
async function config(presented: string, names = [presented]): Promise<string> {
  const file = at(`${[presented, ...names].join('-')}.json`);
  const certificates = Object.fromEntries(
    names.map((name) => [name, { cert: `${name}.pem`, ca: 'root.pem' }]),
  );
  await writeFile(file, JSON.stringify({ certificates, hosts: { 'localhost:*': presented } }));
  return file;
}

describe('probe', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'finds who is asked for in %s, and that a certificate is needed',
    async (tls) => {
      await using server = await startServer({ authority, host: 'localhost', tls, ca: other.certificate });
      const found = await json('probe', server.url, '--timeout', '60');
      expect(found.versions).toEqual({
        TLSv1: false,
        'TLSv1.1': false,
        'TLSv1.2': tls === 'TLSv1.2',
        'TLSv1.3': tls === 'TLSv1.3',
      });
      expect(found.clientCertificate).toMatchObject({
        requested: true,
        when: 'in every handshake',
        required: true,
        issuers: ['CN=House Authority', 'CN=Other Authority'],
      });
      expect(found.server).toMatchObject({
        chain: [{ subject: 'CN=localhost', issuer: 'CN=House Authority' }, { subject: 'CN=House Authority' }],
        nameMatches: true,
        secureRenegotiation: tls === 'TLSv1.2' ? true : null,
      });
      expect(server.requests).toEqual([]);
      expect(server.refusals.map(({ clientCertificate }) => clientCertificate).filter(Boolean)).toEqual([]);
    },
  );

  it('opens records under every cipher suite of TLS 1.3', async () => {
    for (const [ciphers, ecdhCurve] of [
      ['TLS_AES_128_GCM_SHA256', 'X25519'],
      ['TLS_AES_256_GCM_SHA384', 'P-256'],
      ['TLS_CHACHA20_POLY1305_SHA256', 'P-384'],
    ] as const) {
      await using server = await startServer({
        authority,
        tls: { minVersion: 'TLSv1.3', ciphers, ecdhCurve },
      });
      const { clientCertificate } = await json('probe', server.url);
      expect([ciphers, clientCertificate.issuers]).toEqual([ciphers, ['CN=House Authority']]);
    }
  });

  it('takes old versions for what they are', async () => {
    await using server = await startServer({
      authority,
      tls: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    });
    const found = await json('probe', server.url);
    expect(found.versions).toEqual({ TLSv1: true, 'TLSv1.1': true, 'TLSv1.2': false, 'TLSv1.3': false });
    expect(found.clientCertificate).toMatchObject({
      requested: true,
      required: true,
      issuers: ['CN=House Authority'],
    });
  });

  it('tells a server that asks and goes on without from one that does not ask', async () => {
    await using asks = await startServer({ authority, clientCertificate: 'optional' });
    expect((await json('probe', asks.url)).clientCertificate).toMatchObject({
      requested: true,
      required: false,
    });
    await using silent = await startServer({ authority, clientCertificate: 'none' });
    const { code, out } = await clientcert('probe', silent.url);
    expect(code).toBe(0);
    expect(out).toContain('does not ask for a client certificate');
    expect(out).toContain('may ask for a certificate after the handshake');
  });

  it('sees that a certificate is asked for one path alone (renegotiation)', async () => {
    await using server = await startServer({
      authority,
      tls: 'TLSv1.2',
      clientCertificate: 'none',
      handler: (request, response) => {
        if (request.url !== '/secret') return false;
        (request.socket as TLSSocket).renegotiate({ requestCert: true, rejectUnauthorized: false }, () => {
          response.end('done');
        });
        return true;
      },
    });
    expect((await json('probe', `${server.url}/secret`)).clientCertificate).toMatchObject({
      requested: true,
      when: 'for this path',
    });
    expect((await json('probe', `${server.url}/open`)).clientCertificate).toMatchObject({
      requested: false,
      when: 'not seen',
    });
  });

  it('presents a certificate only where the config maps it, and says that it was taken', async () => {
    await using server = await startServer({
      authority,
      host: 'localhost',
      listeners: [{ clientCertificate: 'optional' }, { clientCertificate: 'optional', host: '127.0.0.1' }],
    });
    const [mapped, unmapped] = server.urls as [string, string];
    const file = await config('alice', ['alice', 'expired', 'mail', 'stranger']);
    const found = await json('probe', `${mapped}/x?y=1`, '--config', file);
    expect(found).toMatchObject({
      ok: true,
      presented: { certificate: 'alice', accepted: true, status: 200 },
    });
    expect(found.server.distrust).toBeNull();
    expect(
      server.requests.map(({ path, clientCertificate }) => [path, clientCertificate?.commonName]),
    ).toEqual([
      ['/x', undefined],
      ['/x', 'alice'],
    ]);
    server.requests.length = 0;
    expect(await json('probe', unmapped, '--config', file)).toMatchObject({ presented: null });
    expect(server.requests.map(({ clientCertificate }) => clientCertificate)).toEqual([null]);
  });

  it('makes no request with it to a server that is not the one of the rule, and says so', async () => {
    const impostor = await createAuthority({ name: 'House Authority' });
    await using server = await startServer({
      authority: impostor,
      host: 'localhost',
      clientCertificate: 'optional',
    });
    const found = await json('probe', server.url, '--config', await config('alice'));
    expect(found).toMatchObject({ ok: false, presented: { accepted: null } });
    expect(server.requests.map(({ clientCertificate }) => clientCertificate)).toEqual([null]);
    const { out } = await clientcert('probe', server.url, '--config', await config('alice'));
    expect(out).toContain('Node does not trust the server: no request was made with certificate "alice"');
  });

  it('blames the trust in a server only where Node says so', async () => {
    // Under TLS 1.2 the refusal comes before the handshake is done.
    await using server = await startServer({ authority, host: 'localhost', tls: 'TLSv1.2' });
    const file = await config('stranger');
    const found = await json('probe', server.url, '--config', file);
    expect(found.presented).toMatchObject({ certificate: 'stranger', accepted: false });
    expect(found.server).not.toHaveProperty('distrust');
    const { out } = await clientcert('probe', server.url, '--config', file);
    expect(out).not.toContain('Node does not trust');
    expect(out).toContain('whether Node trusts it is not known');
  });

  it('says that no certificate is mapped to a server that demands one, and what the config maps', async () => {
    await using server = await startServer({ authority, host: 'localhost' });
    const { port } = new URL(server.url);
    const file = at('other-port.json');
    const certificates = { alice: { cert: 'alice.pem' } };
    await writeFile(file, JSON.stringify({ certificates, hosts: { localhost: 'alice' } }));
    const found = await json('probe', server.url, '--config', file);
    expect(found.presented).toBeNull();
    expect(found.notes.join()).toContain(`localhost is pinned for port 443 only, and this is port ${port}`);
    const { out } = await clientcert('probe', server.url, '--config', file);
    expect(out).toContain('none is mapped to it');
    expect(out.replace(/\s+/g, ' ')).toContain('is pinned for port 443 only');
  });

  it('says of each certificate whether it fits, and why not', async () => {
    await using server = await startServer({
      authority,
      host: 'localhost',
      tls: { sigalgs: 'ECDSA+SHA256:RSA-PSS+SHA256' },
    });
    const file = await config('stranger', ['alice', 'expired', 'mail', 'edward', 'stranger']);
    const { code, out } = await clientcert('probe', server.url, '--config', file, '--json');
    expect(code).toBe(1);
    const found = JSON.parse(out);
    const fits = found.certificates.map(
      (fit: { name: string; verdict: string; reasons: { code: string }[] }) => [
        fit.name,
        fit.verdict,
        ...fit.reasons.map((reason) => reason.code),
      ],
    );
    expect(fits).toEqual([
      ['alice', 'fits', 'ISSUER_NAMED'],
      ['expired', 'does not fit', 'EXPIRED'],
      ['mail', 'doubtful', 'NO_CLIENT_AUTH'],
      ['edward', 'does not fit', 'KEY_TYPE_NOT_TAKEN', 'KEY_TYPE_NOT_TAKEN'],
      ['stranger', 'does not fit', 'ISSUER_NOT_NAMED'],
    ]);
    expect(found.presented).toMatchObject({ certificate: 'stranger', accepted: false });
  });

  it('diagnoses a refusal without a word by the issuers that the server names', async () => {
    // Node’s servers end the connection, whatever the reason is.
    await using server = await startServer({ authority, host: 'localhost' });
    const diagnosisOf = async (name: string) => {
      const { presented } = await json('probe', server.url, '--config', await config(name));
      return [presented.diagnosis.code, presented.diagnosis.confidence];
    };
    expect(await diagnosisOf('stranger')).toEqual(['ISSUER_NOT_TRUSTED_BY_SERVER', 'likely']);
    expect(await diagnosisOf('expired')).toEqual(['CLIENT_CERTIFICATE_EXPIRED', 'likely']);
  });

  it('says that a server forgot its intermediate, and that its name is another', async () => {
    const issuing = await authority.issueAuthority({ name: 'Issuing' });
    const leaf = await issuing.issue({
      name: 'elsewhere.example',
      hosts: ['elsewhere.example'],
      usage: 'server',
    });
    await using server = await startServer({
      authority,
      clientCertificate: 'none',
      certificate: Object.create(leaf, { fullChain: { value: leaf.cert }, key: { value: leaf.key } }),
    });
    const { server: seen } = await json('probe', server.url);
    expect(seen).toMatchObject({
      nameMatches: false,
      missingIssuer: 'CN=Issuing',
      // That may be a root: the certificate does not say where its issuer’s is to be had.
      forgotIntermediate: false,
      distrust: expect.stringMatching(/UNABLE/),
    });
  });

  it('tells a server by its SPIFFE ID where its rule does', async () => {
    const id = 'spiffe://house.example/payments';
    const certificate = await authority.issue({ name: 'payments', uris: [id] });
    await using server = await startServer({ authority, certificate, host: 'localhost' });
    const probed = async (expected: string) => {
      await writeFile(
        at('svid.json'),
        JSON.stringify({
          certificates: { alice: { cert: 'alice.pem', bundles: { 'house.example': 'root.pem' } } },
          hosts: { 'localhost:*': { certificate: 'alice', server: expected } },
        }),
      );
      const { out } = await clientcert('probe', server.url, '--config', at('svid.json'));
      return { found: await json('probe', server.url, '--config', at('svid.json')), out };
    };
    const right = await probed(id);
    expect(right.found).toMatchObject({
      ok: true,
      server: { nameMatches: true, expectedId: id, distrust: null },
    });
    const { server: told } = await json('probe', server.url);
    expect(told).toMatchObject({ nameMatches: false, expectedId: null, spiffeId: id });
    expect((await clientcert('probe', server.url)).out).toContain(`    server: '${id}'`);
    const { found, out } = await probed('spiffe://house.example/other');
    expect(found).toMatchObject({
      ok: false,
      server: { nameMatches: false, distrust: 'ERR_CLIENTCERT_SERVER_ID_MISMATCH' },
      presented: { accepted: null, diagnosis: { code: 'ERR_CLIENTCERT_SERVER_ID_MISMATCH' } },
    });
    expect(out).toContain('its certificate is not that of spiffe://house.example/other');
    expect(server.requests.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual([
      'alice',
      'alice',
    ]);
  });

  it('says that it forgot its intermediate where the certificate says where that is to be had', async () => {
    const where = sequence(
      sequence(oid('1.3.6.1.5.5.7.48.2'), der(0x86, Buffer.from('http://authority.example/issuing.crt'))),
    );
    const served = makeCertificate('CN=localhost', 'CN=Public Issuing', [['1.3.6.1.5.5.7.1.1', where]]);
    const server = createTlsServer({ cert: served, key: served }, (socket) => {
      socket.on('error', () => {}).once('data', () => socket.end('HTTP/1.1 204 No Content\r\n\r\n'));
    }).on('tlsClientError', () => {});
    server.listen(0, 'localhost');
    await once(server, 'listening');
    try {
      const url = `https://localhost:${(server.address() as AddressInfo).port}`;
      expect((await json('probe', url)).server).toMatchObject({
        missingIssuer: 'CN=Public Issuing',
        forgotIntermediate: true,
      });
      expect((await clientcert('probe', url)).out).toContain('CN=Public Issuing');
    } finally {
      server.close();
    }
  });

  it.skipIf(!hasOpenssl)('goes on with one that first wants a cookie back (HelloRetryRequest)', async () => {
    const { cert, key } = await authority.issue({ name: 'server', hosts: ['127.0.0.1'], usage: 'server' });
    await writeFile(at('cookie.pem'), cert + key);
    const port = await freePort();
    const options = ['-stateless', '-tls1_3', '-www', '-cert', 'cookie.pem', '-key', 'cookie.pem'];
    const demanding = ['-Verify', '1', '-CAfile', 'root.pem'];
    const child = spawn('openssl', ['s_server', '-accept', `127.0.0.1:${port}`, ...options, ...demanding], {
      cwd: directory,
    });
    const ended = once(child, 'exit');
    try {
      await untilSaid(child, /ACCEPT/);
      const { versions, clientCertificate } = await json('probe', `https://127.0.0.1:${port}`);
      expect(versions['TLSv1.3']).toBe(true);
      expect(clientCertificate).toMatchObject({ requested: true, issuers: ['CN=House Authority'] });
    } finally {
      child.kill();
      await ended;
    }
  });

  it('escapes what a server calls itself', async () => {
    const evil = await createSelfSigned({
      name: 'a\u001b]0;owned\u0007\u202eb',
      hosts: ['localhost'],
      usage: 'server',
    });
    const named = await createAuthority({ name: 'x\u001b[2J\u009b31m\u2066y' });
    await using server = await startServer({ authority, certificate: evil, ca: named.certificate });
    expect((await clientcert('probe', server.url)).out).toContain('?');
    await json('probe', server.url);
  });

  it('says of what is not reached, or no URL, what is wrong', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    const { code, out } = await clientcert('probe', `https://127.0.0.1:${port}`);
    expect([code, out.split('\n')[2]]).toEqual([
      1,
      expect.stringContaining(`nothing listens on port ${port} of 127.0.0.1`),
    ]);
    expect(out.match(/ECONNREFUSED/g)).toHaveLength(1);
    for (const url of ['http://bank.example', 'https://', 'https://user:pass@bank.example']) {
      const wrong = await clientcert('probe', url);
      expect([url, wrong.code, wrong.err.length > 0]).toEqual([url, 1, true]);
      expect(wrong.err).not.toContain('user:pass@bank');
    }
    expect((await clientcert('probe', `127.0.0.1:${port}`, '--timeout', '-3')).err).toContain('--timeout');
    expect((await clientcert('probe', `127.0.0.1:${port}`, '--service', 'X')).err).toContain('config');
  });
});

describe('probe against hostile servers', () => {
  const record = (type: number, body: Buffer) => {
    const header = Buffer.from([type, 3, 3, body.length >> 8, body.length & 0xff]);
    return Buffer.concat([header, body]);
  };

  /** A server that does `act` with each connection; the sum of what it was able to send. */
  async function hostile(act: (socket: Socket) => void, ...args: string[]) {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', () => act(socket));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const { code, out } = await clientcert('probe', `https://127.0.0.1:${port}`, '--json', ...args);
      return { code, found: JSON.parse(out), sent: [...sockets].map(({ bytesWritten }) => bytesWritten) };
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  }

  /** Writes `piece` for as long as the other side takes it. */
  const endless = (one: Buffer) => (socket: Socket) => {
    const piece = Buffer.concat(Array(Math.ceil(16_000 / one.length)).fill(one));
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  };
  const hello = () => {
    const body = Buffer.concat([Buffer.from([3, 3]), Buffer.alloc(32, 7), Buffer.from([0, 0xc0, 0x2f, 0])]);
    return Buffer.concat([Buffer.from([2, 0, 0, body.length]), body]);
  };

  it('is through with one that drips a byte at a time, and with one that is silent', async () => {
    const drip = await hostile(
      (socket) => {
        const timer = setInterval(() => socket.write(Buffer.from([22])), 20);
        socket.once('close', () => clearInterval(timer));
      },
      '--timeout',
      '0.5',
    );
    expect(drip).toMatchObject({ code: 1, found: { ok: false } });
    const silent = await hostile(() => {}, '--timeout', '0.3');
    expect(silent.found.versions['TLSv1.2']).toBeNull();
    expect(silent.found.notes.join()).toContain('0.3 seconds');
  });

  it.each([
    ['empty records without end', () => endless(record(20, Buffer.alloc(0)))],
    ['large records without end', () => endless(record(20, Buffer.alloc(16_000)))],
    ['a message that never ends', () => endless(record(22, Buffer.from([11, 0xff, 0xff, 0xff])))],
    [
      'a chain without end',
      () => (socket: Socket) => {
        socket.write(record(22, hello()));
        endless(record(22, Buffer.from([11, 0, 0, 3, 0, 0, 0])))(socket);
      },
    ],
    ['HTML', () => endless(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n<html>'))],
    ['noise', () => endless(Buffer.alloc(1000, 0xa5))],
  ])('stops reading %s', async (_, act) => {
    const { code, sent } = await hostile(act(), '--timeout', '30');
    expect(code).toBe(1);
    // What was written lies partly in the buffers of the two sockets.
    expect(Math.max(...sent)).toBeLessThan(16_000_000);
  });

  it('reads a chain of giants no further than it must', async () => {
    const length = 16_000;
    const certificates = Buffer.concat([...Array(70)].map(() => Buffer.from([0, 0, 1, 0xff])));
    const body = Buffer.concat([
      Buffer.from([0, certificates.length >> 8, certificates.length & 0xff]),
      certificates,
    ]);
    const message = Buffer.concat([Buffer.from([11, 0, body.length >> 8, body.length & 0xff]), body]);
    expect(message.length).toBeLessThan(length);
    const { found } = await hostile((socket) => {
      socket.write(record(22, hello()));
      socket.write(record(22, message));
    });
    expect(found.notes.join()).toContain('64');
  });

  describe('attack: files that stop the process', () => {
    it('thousands of issuers leave the event loop its turns', { timeout: 60_000 }, async () => {
      const vector = (size: number, body: Buffer) => {
        const length = Buffer.alloc(size);
        length.writeUIntBE(body.length, 0, size);
        return Buffer.concat([length, body]);
      };
      const message = (type: number, body: Buffer) => Buffer.concat([Buffer.from([type]), vector(3, body)]);
      const names = Array.from({ length: 2000 }, (_, index) => {
        const name = sequence(oid('2.5.4.3'), der(0x0c, Buffer.from(`authority ${index}`)));
        return sequence(der(0x31, name));
      });
      const request = Buffer.concat([
        vector(1, Buffer.from([1])),
        vector(2, Buffer.from([4, 3])),
        vector(2, Buffer.concat(names.map((name) => vector(2, name)))),
      ]);
      const flight = [message(13, request), message(14, Buffer.alloc(0))].flatMap((whole) =>
        [...Array(Math.ceil(whole.length / 16_000)).keys()].map((part) =>
          record(22, whole.subarray(part * 16_000, (part + 1) * 16_000)),
        ),
      );
      // Each name becomes a certificate: how many do in one turn says how long the turn is, on any machine.
      const { X509Certificate } = crypto;
      let [made, before, most, done] = [0, 0, 0, false];
      crypto.X509Certificate = new Proxy(X509Certificate, {
        construct(target, parameters) {
          made += 1;
          return Reflect.construct(target, parameters);
        },
      });
      syncBuiltinESMExports();
      const turn = () => {
        most = Math.max(most, made - before);
        before = made;
        if (!done) setImmediate(turn);
      };
      turn();
      try {
        const { found } = await hostile((socket) => {
          socket.write(Buffer.concat([record(22, hello()), ...flight]));
        });
        expect(found.clientCertificate.issuers).toHaveLength(2000);
      } finally {
        done = true;
        crypto.X509Certificate = X509Certificate;
        syncBuiltinESMExports();
      }
      expect(made).toBeGreaterThanOrEqual(2000);
      expect(most).toBeLessThan(100);
    });
  });
});
