import { execFileSync, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import https from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { untilSaid } from '../../../../test/spawned.ts';
import { adapterOf } from '../../src/adapter.ts';
import { type Credentials, loadCredentials } from '../../src/index.ts';
import { sourceOf } from '../support.ts';
import { startAlertingProxy } from './alerting-proxy.ts';
import { issue, next, request, scratch, seen } from './scene.ts';

/** To make one takes longer than what is tested here. */
const rsaKey = readFileSync(new URL('../load/fixtures/pem/rsa2048.pkcs1.key', import.meta.url), 'utf8');

let authority: Authority;
let good: IssuedCertificate;
beforeAll(async () => {
  authority = await createAuthority();
  good = await issue(authority, 'good');
});

async function load(port: number, rollback: boolean | undefined, first = good) {
  const state = { current: first };
  const credentials = await loadCredentials({
    certificates: {
      bank: () => ({ cert: state.current.fullChain, key: state.current.key, ca: authority.certificate }),
    },
    hosts: { [`localhost:${port}`]: 'bank' },
    rollback,
  });
  credentials.on('error', () => {});
  const renew = async (certificate: IssuedCertificate) => {
    state.current = certificate;
    return credentials.reload();
  };
  return { credentials, renew };
}

const current = (credentials: Credentials) => credentials.certificates()[0]!;

describe('a server that takes ECDSA alone, and a renewal to RSA (alert 116)', () => {
  const start = (more: object = {}) =>
    startServer({
      authority,
      host: 'localhost',
      tls: { sigalgs: 'ECDSA+SHA256', minVersion: 'TLSv1.3' },
      ...more,
    });

  it.each([
    ['bundles', 'with the renewal'],
    ['ca', 'with the renewal'],
    ['bundles', 'while the one before is back'],
    ['ca', 'while the one before is back'],
  ] as const)('leaves none of the %s trusted that its source has given up %s', async (kind, when) => {
    const distrusted = await createAuthority();
    const [id] = ['spiffe://bank.example/payments'];
    const workload = { name: 'payments', uris: [id], hosts: ['localhost'], usage: 'server' } as const;
    await using server = await start({ certificate: await authority.issue(workload) });
    await using posing = await start({ certificate: await distrusted.issue(workload) });
    const both = [authority.certificate, distrusted.certificate];
    const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
    let given = { issued: good, roots: both };
    await using credentials = await loadCredentials({
      certificates: {
        bank: () => ({
          cert: given.issued.fullChain,
          key: given.issued.key,
          ...(kind === 'ca' ? { ca: given.roots } : { bundles: { 'bank.example': given.roots } }),
        }),
      },
      hosts: { 'localhost:*': kind === 'ca' ? 'bank' : { certificate: 'bank', server: id } },
      rollback: true,
    });
    credentials.on('error', () => {});
    const agent = credentials.agent();
    const isLater = when !== 'with the renewal';
    if (!isLater) await request(credentials, posing.url, agent);
    given = { issued: rsa, roots: isLater ? both : [authority.certificate] };
    await credentials.reload();
    const rolledBack = next(credentials, 'rollback');
    await expect(request(credentials, server.url, agent)).rejects.toThrow();
    await rolledBack;
    if (isLater) {
      await request(credentials, posing.url, agent);
      given = { ...given, roots: [authority.certificate] };
      expect(await credentials.reload()).toMatchObject({ failed: [{ name: 'bank' }] });
    }
    await request(credentials, server.url, agent);
    await expect(request(credentials, posing.url, agent)).rejects.toThrow(/self-signed|unable to verify/);
    expect([seen(server), seen(posing)]).toEqual([[good.fingerprint256], [good.fingerprint256]]);
  });

  it('is rolled back: the old one is presented again, and the refused one is not taken again', async () => {
    await using server = await start();
    const { credentials, renew } = await load(server.port, true);
    await using _ = credentials;
    await request(credentials, server.url);
    const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
    await renew(rsa);
    const rolledBack = next(credentials, 'rollback');
    const failed = next(credentials, 'failure');
    await expect(request(credentials, server.url)).rejects.toThrow();
    expect(await rolledBack).toEqual({
      name: 'bank',
      version: 3,
      refused: rsa.fingerprint256,
      restored: good.fingerprint256,
      host: 'localhost',
      port: server.port,
      alert: 116,
    });
    expect(await failed).toMatchObject({ alert: 116, presented: { name: 'bank', version: 2 } });
    await request(credentials, server.url);
    expect(seen(server)).toEqual([good.fingerprint256, good.fingerprint256]);

    const { failed: refused } = await credentials.reload();
    expect(refused).toMatchObject([{ name: 'bank', error: { code: 'ERR_CLIENTCERT_RENEWAL_REJECTED' } }]);
    expect(current(credentials)).toMatchObject({
      fingerprint256: good.fingerprint256,
      error: expect.objectContaining({ code: 'ERR_CLIENTCERT_RENEWAL_REJECTED' }),
    });
    const better = await issue(authority, 'better');
    expect(await renew(better)).toMatchObject({ changed: ['bank'] });
    await request(credentials, server.url);
    expect(seen(server).at(-1)).toBe(better.fingerprint256);
  });

  it('is not rolled back unless it is written', async () => {
    await using server = await start();
    const { credentials, renew } = await load(server.port, undefined);
    await using _ = credentials;
    const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
    await renew(rsa);
    await expect(request(credentials, server.url)).rejects.toThrow();
    await expect(request(credentials, server.url)).rejects.toThrow();
    expect(current(credentials)).toMatchObject({ version: 2, fingerprint256: rsa.fingerprint256 });
  });

  it('is not rolled back to one that has expired', async () => {
    await using server = await start();
    const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
    const short = await authority.issue({ name: 'short', notAfter: new Date(Date.now() + 1500) });
    const { credentials, renew } = await load(server.port, true, short);
    await using _ = credentials;
    await renew(rsa);
    await new Promise((resolve) => setTimeout(resolve, 2600));
    await expect(request(credentials, server.url)).rejects.toThrow();
    expect(current(credentials).fingerprint256).toBe(rsa.fingerprint256);
  });

  it('and the end of the restored one is told in time', async () => {
    await using server = await start();
    const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
    const short = await authority.issue({ name: 'short', notAfter: new Date(Date.now() + 2500) });
    const { credentials, renew } = await load(server.port, true, short);
    await using _ = credentials;
    await renew(rsa);
    const expired = next(credentials, 'expired');
    await expect(request(credentials, server.url)).rejects.toThrow();
    expect(await expired).toMatchObject({ fingerprint256: short.fingerprint256 });
  });

  it('what a server says first, by which it accepts a renewed one, is left for whoever reads the connection', async () => {
    await using server = await startServer({ authority, host: 'localhost' });
    server.servers[0]!.on('secureConnection', (socket: TLSSocket) => socket.write('hello'));
    const { credentials, renew } = await load(server.port, true);
    await using _ = credentials;
    await renew(await issue(authority, 'renewed'));
    const socket = adapterOf(credentials).connect({ host: 'localhost', port: server.port });
    await once(socket, 'secureConnect');
    await expect.poll(() => `${socket.read() ?? ''}`).toBe('hello');
    socket.destroy();
  });

  it('is not rolled back once another server has accepted it', async () => {
    await using strict = await start();
    await using lenient = await startServer({ authority, host: 'localhost' });
    const { credentials, renew } = await load(strict.port, true);
    await using _ = credentials;
    await credentials.reload(await configOf(strict.port, lenient.port, good));
    const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
    await credentials.reload(await configOf(strict.port, lenient.port, rsa));
    await request(credentials, lenient.url);
    await expect(request(credentials, strict.url)).rejects.toThrow();
    expect(current(credentials).fingerprint256).toBe(rsa.fingerprint256);
    void renew;
  });

  it('once, however many connections are refused at a time, and all of the next are served', async () => {
    await using server = await start();
    const { credentials, renew } = await load(server.port, true);
    await using _ = credentials;
    const told: unknown[] = [];
    credentials.on('rollback', (event) => told.push(event));
    await renew(await authority.issue({ name: 'rsa', key: rsaKey }));
    const all = (count: number) =>
      Promise.allSettled(Array.from({ length: count }, () => request(credentials, server.url)));
    expect((await all(20)).map(({ status }) => status)).toContain('rejected');
    expect(told).toHaveLength(1);
    expect((await all(20)).map(({ status }) => status)).toEqual(Array(20).fill('fulfilled'));
    expect(current(credentials)).toMatchObject({ version: 3, fingerprint256: good.fingerprint256 });
  });

  it('to the last one that was not on trial, where a second came before the first was accepted', async () => {
    await using server = await start();
    const { credentials, renew } = await load(server.port, true);
    await using _ = credentials;
    await request(credentials, server.url);
    await renew(await authority.issue({ name: 'rsa 1', key: rsaKey }));
    await renew(await authority.issue({ name: 'rsa 2', key: rsaKey }));
    await expect(request(credentials, server.url)).rejects.toThrow();
    await request(credentials, server.url);
    expect(seen(server)).toEqual([good.fingerprint256, good.fingerprint256]);
  });

  it('is not rolled back where only roots were renewed: what is presented is the same', async () => {
    await using server = await start();
    const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
    const stranger = await createAuthority();
    let ca = [authority.certificate];
    await using credentials = await loadCredentials({
      certificates: { bank: () => ({ cert: rsa.fullChain, key: rsa.key, ca }) },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      rollback: true,
    });
    ca = [...ca, stranger.certificate];
    expect(await credentials.reload()).toMatchObject({ changed: ['bank'] });
    await expect(request(credentials, server.url)).rejects.toThrow();
    expect(await credentials.reload()).toMatchObject({ unchanged: ['bank'] });
    expect(current(credentials)).toMatchObject({ version: 2, error: null });
  });

  it('and is asked for again less and less often, where the source issues another each time', async () => {
    await using server = await start();
    const others = await Promise.all(
      Array.from({ length: 6 }, (_, n) => authority.issue({ name: `rsa ${n}`, key: rsaKey })),
    );
    let asked = 0;
    await using credentials = await loadCredentials({
      certificates: {
        bank: () => ({
          ...sourceOf(asked === 0 ? good : others[asked % 6]!, authority),
          refresh: asked++ ? 60 : 1,
        }),
      },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      rollback: true,
    });
    const errors: unknown[] = [];
    credentials.on('error', (error) => errors.push(error));
    const outcomes: string[] = [];
    for (const end = Date.now() + 4000; Date.now() < end; ) {
      outcomes.push(
        await request(credentials, server.url).then(
          () => 'served',
          () => 'refused',
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    // At 1 s, then after at most 0.5, 1 and 2 s: each costs the one connection that finds it out.
    expect(outcomes.filter((outcome) => outcome === 'refused').length).toBeLessThanOrEqual(5);
    expect(asked).toBeGreaterThan(2);
    expect(asked).toBeLessThanOrEqual(6);
    expect(errors[0]).toMatchObject({ code: 'ERR_CLIENTCERT_RENEWAL_REJECTED' });
  });

  it('and taken again with another chain: that is not what was refused', async () => {
    await using server = await start();
    const issuer = await authority.issueAuthority({ name: 'Issuer' });
    const rsa = await issuer.issue({ name: 'rsa', key: rsaKey });
    let source = sourceOf(good, authority);
    await using credentials = await loadCredentials({
      certificates: { bank: () => source },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      rollback: true,
    });
    credentials.on('error', () => {});
    source = { cert: rsa.cert, key: rsa.key, ca: authority.certificate };
    await credentials.reload();
    await expect(request(credentials, server.url)).rejects.toThrow();
    expect(await credentials.reload()).toMatchObject({ failed: [{ name: 'bank' }] });
    source = { ...source, cert: rsa.fullChain };
    expect(await credentials.reload()).toMatchObject({ changed: ['bank'] });
  });

  it('is not rolled back where a new config says so', async () => {
    await using server = await start();
    const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
    const configOf = (issued: IssuedCertificate, rollback: boolean) => ({
      certificates: { bank: sourceOf(issued, authority) },
      hosts: { [`localhost:${server.port}`]: 'bank' as const },
      rollback,
    });
    await using credentials = await loadCredentials(configOf(good, true));
    await credentials.reload(configOf(rsa, true));
    await credentials.reload(configOf(rsa, false));
    await expect(request(credentials, server.url)).rejects.toThrow();
    expect(current(credentials).fingerprint256).toBe(rsa.fingerprint256);
  });

  it('that was rolled back is taken by a new config without rollback', async () => {
    await using server = await start({ listeners: [{}, { tls: {} }] });
    const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
    let issued = good;
    const config = {
      certificates: { bank: () => sourceOf(issued, authority) },
      hosts: { 'localhost:*': 'bank' as const },
      rollback: true,
    };
    await using credentials = await loadCredentials(config);
    credentials.on('error', () => {});
    issued = rsa;
    await credentials.reload();
    const rolledBack = next(credentials, 'rollback');
    await expect(request(credentials, server.urls[0]!)).rejects.toThrow();
    await rolledBack;
    expect(await credentials.reload({ ...config, rollback: false })).toMatchObject({ changed: ['bank'] });
    await request(credentials, server.urls[1]!);
    expect(seen(server)).toEqual([rsa.fingerprint256]);
    expect(credentials.health().status).toBe('ok');
  });

  describe('attack: files that stop the process', () => {
    it('is not rolled back to what OpenSSL does not take by the rules of now, and ends no process', async () => {
      await using server = await start();
      const weak = await authority.issue({ name: 'good', keyType: { rsa: 768 } });
      const rsa = await authority.issue({ name: 'good', key: rsaKey });
      const configOf = (issued: IssuedCertificate, tls?: { legacy: true }) => ({
        certificates: { bank: sourceOf(issued, authority) },
        hosts: { [`localhost:${server.port}`]: { certificate: 'bank' as const, tls } },
        rollback: true,
      });
      await using credentials = await loadCredentials(configOf(weak, { legacy: true }));
      const told: unknown[] = [];
      credentials.on('rollback', (event) => told.push(event)).on('error', (error) => told.push(error));
      await credentials.reload(configOf(rsa));
      await expect(request(credentials, server.url)).rejects.toThrow(/handshake failure|alert|116/);
      expect(told).toMatchObject([{ code: 'ERR_CLIENTCERT_CERTIFICATE_REFUSED' }]);
      expect(current(credentials)).toMatchObject({ version: 2, fingerprint256: rsa.fingerprint256 });
    });
  });

  describe('attack: identities that mix', () => {
    const id = 'spiffe://bank.example/good';
    it.each([
      ['somebody else', { name: 'other' }, 0],
      [
        'somebody else of the same subject, as that of each SVID of SPIRE may be',
        { uris: [`${id}/other`] },
        0,
      ],
      ['the same', {}, 1],
      [
        'the same, who has another name beside the subject',
        { hosts: ['more.example'], usage: 'both' as const },
        1,
      ],
    ])(
      'a new config that gives the name to %s: to a server that the one before did not name',
      async (_whom, more, rollbacks) => {
        await using server = await start();
        const good = await authority.issue({ name: 'good', uris: [id] });
        const rsa = await authority.issue({ name: 'good', uris: [id], ...more, key: rsaKey });
        const configOf = (issued: IssuedCertificate, host: string) => ({
          certificates: { bank: sourceOf(issued, authority) },
          hosts: { [host]: 'bank' as const },
          rollback: true,
        });
        await using credentials = await loadCredentials(configOf(good, 'localhost:1'));
        let told = 0;
        credentials.on('rollback', () => told++).on('error', () => {});
        await credentials.reload(configOf(rsa, `localhost:${server.port}`));
        await expect(request(credentials, server.url)).rejects.toThrow();
        await request(credentials, server.url).catch(() => {});
        expect([told, seen(server)]).toEqual([rollbacks, rollbacks ? [good.fingerprint256] : []]);
      },
    );

    it('a refusal that somebody on the way held back, of one that had the name and the version before', async () => {
      await using server = await start();
      await using middle = await startHolding(server.port);
      const rsa = await authority.issue({ name: 'rsa', key: rsaKey });
      const { credentials, renew } = await load(middle.port, true);
      await using _ = credentials;
      const told: unknown[] = [];
      credentials.on('rollback', (event) => told.push(event));
      await renew(rsa);
      const refused = request(credentials, `https://localhost:${middle.port}`).catch(() => 'refused');
      await middle.held;
      const hosts = { [`localhost:${middle.port}`]: 'bank' };
      const state = { current: good };
      const ca = authority.certificate;
      await credentials.reload({ rollback: true });
      await credentials.reload({
        certificates: { bank: () => ({ cert: state.current.fullChain, key: state.current.key, ca }) },
        hosts,
        rollback: true,
      });
      state.current = await issue(authority, 'better');
      await credentials.reload();
      expect(current(credentials)).toMatchObject({ version: 2 });
      middle.release();
      expect(await refused).toBe('refused');
      expect([told, current(credentials).fingerprint256]).toEqual([[], state.current.fingerprint256]);
    });
  });

  /** Passes bytes on, and keeps what the server answers to the client's certificate. */
  async function startHolding(port: number) {
    let release = () => {};
    const held = new EventEmitter();
    const isHeldNow = once(held, 'held');
    const middle = createServer((client) => {
      const server = connect(port, 'localhost');
      let isHeld = false;
      server.on('data', (chunk) => {
        if (!isHeld) return client.write(chunk);
        const before = release;
        release = () => {
          before();
          client.write(chunk);
        };
        held.emit('held');
      });
      let flights = 0;
      client.on('data', (chunk) => {
        flights += 1;
        isHeld = flights > 1;
        server.write(chunk);
      });
      server.on('error', () => {});
      client.on('error', () => {}).on('close', () => server.destroy());
    });
    middle.listen(0, 'localhost');
    await once(middle, 'listening');
    return {
      port: (middle.address() as AddressInfo).port,
      held: isHeldNow,
      release: () => release(),
      [Symbol.asyncDispose]: async () => void middle.close(),
    };
  }

  async function configOf(strict: number, lenient: number, { fullChain, key }: IssuedCertificate) {
    return {
      certificates: { bank: { cert: fullChain, key, ca: authority.certificate } },
      hosts: { [`localhost:${strict}`]: 'bank', [`localhost:${lenient}`]: 'bank' },
      rollback: true,
    } as const;
  }
});

it('a server that closes without an alert proves nothing', async () => {
  await using server = await startServer({ authority, host: 'localhost' });
  const { credentials, renew } = await load(server.port, true);
  await using _ = credentials;
  const stranger = await (await createAuthority()).issue({ name: 'stranger' });
  await renew(stranger);
  await expect(request(credentials, server.url)).rejects.toThrow();
  expect(current(credentials)).toMatchObject({ version: 2, fingerprint256: stranger.fingerprint256 });
});

const openssl = (() => {
  try {
    return execFileSync('openssl', ['version'], { encoding: 'utf8' }).startsWith('OpenSSL 3');
  } catch {
    return false;
  }
})();

/** `openssl s_server`, which refuses a client of an unknown authority with alert 48; as `name`, issued by `issuer`. */
async function startOpenssl(version: string, issuer: Authority, name: string) {
  const directory = await scratch();
  const identity = await issuer.issue({ name: 'server', usage: 'server', hosts: [name] });
  const files = await identity.files(directory.path);
  const roots = join(directory.path, 'clients.pem');
  await writeFile(roots, authority.certificate);
  const server = spawn(
    'openssl',
    [
      ...['s_server', '-accept', '0', '-cert', files.cert, '-key', files.key],
      ...['-CAfile', roots, '-Verify', '4', '-verify_return_error', '-www', version],
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], cwd: directory.path },
  );
  const port = Number((await untilSaid(server, /ACCEPT \S*:(\d+)\n/))[1]);
  const stop = async () => {
    server.kill();
    await directory[Symbol.asyncDispose]();
  };
  return { port, url: `https://localhost:${port}/`, [Symbol.asyncDispose]: stop };
}

describe.skipIf(!openssl)('OpenSSL’s own server (skipped where there is no openssl 3)', () => {
  it('refuses an unknown authority over TLS 1.3 with alert 48: rolled back', async () => {
    await using server = await startOpenssl('-tls1_3', authority, 'localhost');
    const { credentials, renew } = await load(server.port, true);
    await using _ = credentials;
    expect(await request(credentials, server.url)).toContain('s_server');
    await renew(await (await createAuthority()).issue({ name: 'stranger' }));
    const rolledBack = next(credentials, 'rollback');
    await expect(request(credentials, server.url)).rejects.toThrow();
    expect(await rolledBack).toMatchObject({ alert: 48, restored: good.fingerprint256 });
    expect(await request(credentials, server.url)).toContain('s_server');
  });

  describe('attack: rules that are weakened', () => {
    it.each([
      [
        'over TLS 1.2, whose alert is plain text, that anybody on the way can write',
        '-tls1_2',
        true,
        'localhost',
      ],
      ['over TLS 1.2, of a server of another name', '-tls1_2', true, 'other.example'],
      ['over TLS 1.2, of a server that is not trusted', '-tls1_2', false, 'localhost'],
      ['over TLS 1.3, of a server of another name', '-tls1_3', true, 'other.example'],
      ['over TLS 1.3, of a server that is not trusted', '-tls1_3', false, 'localhost'],
    ])('a refusal %s takes nothing back', async (_name, version, trusted, name) => {
      await using server = await startOpenssl(version, trusted ? authority : await createAuthority(), name);
      await expectNothingTakenBack(server.port, server.url, false);
    });
  });
});

/** Renews to a certificate that a server may refuse, calls it, and looks what is in use. */
async function expectNothingTakenBack(port: number, url: string, served: boolean): Promise<void> {
  const { credentials, renew } = await load(port, true);
  await using _ = credentials;
  const told: unknown[] = [];
  credentials.on('rollback', (event) => told.push(event));
  const renewed = await (served ? authority : await createAuthority()).issue({ name: 'renewed' });
  await renew(renewed);
  await expect(request(credentials, url)).rejects.toThrow();
  expect(told).toEqual([]);
  expect(current(credentials)).toMatchObject({ version: 2, fingerprint256: renewed.fingerprint256 });
}

describe('attack: rules that are weakened', () => {
  /** Passes bytes on, and writes alert 42 to the client once it has seen so many writes of one side. */
  async function startMiddleMan(port: number, side: 'client' | 'server', writes: number) {
    let written = 0;
    const middle = createServer((client) => {
      const server = connect(port, 'localhost');
      let seen = 0;
      for (const [from, to] of [
        [client, server],
        [server, client],
      ] as const) {
        from.on('error', () => {}).on('close', () => to.destroy());
        from.on('data', (chunk) => {
          if ((from === client) === (side === 'client')) seen += 1;
          const inject = seen === writes && written === 0;
          // What the client says after that never arrives, so that nobody else answers.
          if (from === server || !inject) to.write(chunk);
          if (!inject) return;
          written += 1;
          client.write(Buffer.from([0x15, 3, 3, 0, 2, 2, 42]));
        });
      }
    });
    middle.listen(0, 'localhost');
    await once(middle, 'listening');
    return {
      port: (middle.address() as AddressInfo).port,
      written: () => written,
      [Symbol.asyncDispose]: async () => void middle.close(),
    };
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'an alert that somebody on the way writes takes nothing back: %s, before and after the server’s flight',
    async (tls) => {
      for (const [side, writes] of [
        ['client', 1],
        ['server', 1],
        ['client', 2],
      ] as const) {
        await using server = await startServer({ authority, host: 'localhost', tls });
        await using middle = await startMiddleMan(server.port, side, writes);
        await expectNothingTakenBack(middle.port, `https://localhost:${middle.port}`, true);
        expect(middle.written()).toBe(1);
      }
    },
  );

  it('an alert that an https: proxy says on its own connection takes nothing back', async () => {
    const ofProxy = await authority.issue({ name: 'proxy', hosts: ['localhost'], usage: 'server' });
    await using proxy = await startAlertingProxy(ofProxy);
    await using server = await startServer({ authority, host: 'localhost', handler: whenAsked(proxy.alert) });
    const state = { current: good };
    const ca = authority.certificate;
    await using credentials = await loadCredentials({
      certificates: {
        bank: () => ({ cert: state.current.fullChain, key: state.current.key, ca }),
      },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      proxy: { url: proxy.url, ca },
      rollback: true,
    });
    const told: unknown[] = [];
    credentials.on('rollback', (event) => told.push(event));
    state.current = await issue(authority, 'renewed');
    await credentials.reload();
    await expect(request(credentials, server.url)).rejects.toThrow(/bad certificate/);
    expect(seen(server)).toEqual([state.current.fingerprint256]);
    expect(told).toEqual([]);
    expect(current(credentials)).toMatchObject({ version: 2 });
  });

  it('nor does an alert of another server that a request is ended with, as axios does where a body fails', async () => {
    const stranger = await createAuthority();
    await using elsewhere = await startServer({ authority: stranger, host: 'localhost', tls: 'TLSv1.3' });
    const [alert] = await once(https.get(elsewhere.url, { ca: stranger.certificate }), 'error');
    expect(alert.code).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
    let end = () => {};
    await using server = await startServer({ authority, host: 'localhost', handler: whenAsked(() => end()) });
    const { credentials, renew } = await load(server.port, true);
    await using _ = credentials;
    const told: unknown[] = [];
    credentials.on('rollback', (event) => told.push(event)).on('failure', (event) => told.push(event));
    await renew(await issue(authority, 'renewed'));
    const sent = https.get(server.url, { agent: credentials.agent() });
    end = () => sent.destroy(alert);
    await expect(once(sent, 'response')).rejects.toBe(alert);
    expect(seen(server)).toHaveLength(1);
    expect(told).toEqual([]);
    expect(current(credentials)).toMatchObject({ version: 2 });
  });

  it('nor does a text that somebody has put into the error of a caller’s own', async () => {
    let end = () => {};
    await using server = await startServer({ authority, host: 'localhost', handler: whenAsked(() => end()) });
    const { credentials, renew } = await load(server.port, true);
    await using _ = credentials;
    const told: unknown[] = [];
    credentials.on('rollback', (event) => told.push(event));
    await renew(await issue(authority, 'renewed'));
    const sent = https.get(server.url, { agent: credentials.agent() });
    end = () => sent.destroy(new Error('error:0A000412:SSL routines::bad certificate'));
    await expect(once(sent, 'response')).rejects.toThrow(/bad certificate/);
    expect(seen(server)).toHaveLength(1);
    expect(told).toEqual([]);
    expect(current(credentials)).toMatchObject({ version: 2 });
  });
});

/** Answers nothing, and does something instead. */
function whenAsked(act: () => void): () => Promise<never> {
  return () => {
    act();
    return new Promise(() => {});
  };
}
