import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Credentials, loadCredentials } from '../../src/index.ts';
import { get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
});

const { DEFAULT_MIN_VERSION, DEFAULT_MAX_VERSION, DEFAULT_CIPHERS } = tls;
const roots = tls as {
  getCACertificates?(type: 'default'): string[];
  setDefaultCACertificates?(certificates: readonly string[]): void;
};
const defaultRoots = roots.setDefaultCACertificates && roots.getCACertificates?.('default');

afterEach(() => {
  Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_MAX_VERSION, DEFAULT_CIPHERS });
  if (defaultRoots) roots.setDefaultCACertificates?.(defaultRoots);
});

const load = (port: number, rule: object = {}, config: object = {}) =>
  loadCredentials({
    certificates: { alice: sourceOf(alice, authority) },
    hosts: { [`127.0.0.1:${port}`]: { certificate: 'alice', ...rule } },
    ...config,
  });

/** 200, or what the call ended with. */
const call = (url: string, credentials: Credentials, options: object = {}) =>
  get(url, { agent: credentials.agent(), ...options }).then(
    ({ status }) => status,
    (error: NodeJS.ErrnoException) => error.code,
  );

const ca = () => ({ ca: authority.certificate });

describe('attack: rules that are weakened', () => {
  it.each([
    ['TLSv1.2', { DEFAULT_MIN_VERSION: 'TLSv1.3' }],
    ['TLSv1.3', { DEFAULT_MAX_VERSION: 'TLSv1.2' }],
  ] as const)('a server over %s where the process has %o', async (version, hardening) => {
    await using server = await startServer({ authority, tls: version, clientCertificate: 'optional' });
    await using plain = await load(server.port);
    await using config = await load(server.port, {}, { tls: { min: 'TLSv1.2' } });
    await using named = await load(server.port, { tls: version });
    await using none = await loadCredentials({});
    expect(await call(server.url, plain)).toBe(200);
    Object.assign(tls, hardening);
    // Also for one that has connected before, and where no rule names the host: as Node.
    for (const credentials of [plain, config, none]) {
      expect(await call(server.url, credentials, ca())).toMatch(/^(EPROTO|ERR_SSL)/);
    }
    expect(await call(server.url, named)).toBe(200);
    expect(subjects(server)).toEqual(['alice', 'alice']);
  });

  it('the ciphers of the process hold, and add none that Node leaves out', async () => {
    const suite = 'ECDHE-ECDSA-AES256-GCM-SHA384';
    const ciphers = { ciphers: suite, maxVersion: 'TLSv1.2' } as const;
    await using server = await startServer({ authority, tls: ciphers, clientCertificate: 'optional' });
    await using pinned = await load(server.port);
    await using none = await loadCredentials({});
    for (const [list, expected] of [
      ['ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256', /^(EPROTO|ERR_SSL)/],
      ['TLS_AES_128_GCM_SHA256', /^(EPROTO|ERR_SSL)/],
      [`TLS_AES_128_GCM_SHA256:${suite}`, /^200/],
      [`${suite}:@SECLEVEL=0`, /^200/],
      ['DEFAULT@SECLEVEL=0', /^200/],
      ['DEFAULT:!AESGCM@SECLEVEL=0', /^(EPROTO|ERR_SSL)/],
      [DEFAULT_CIPHERS, /^200/],
    ] as const) {
      tls.DEFAULT_CIPHERS = list;
      for (const credentials of [pinned, none]) {
        expect(`${await call(server.url, credentials, ca())} ${list}`).toMatch(expected);
      }
    }
  });

  it.each(['DEFAULT@SECLEVEL=0', 'DEFAULT:@SECLEVEL=0', 'ALL @SECLEVEL=0'])(
    'nor do they, as %s, take the certificate of a server that is too weak without them',
    async (list) => {
      const weak = { name: 'old', hosts: ['127.0.0.1'], keyType: 'rsa', hash: 'sha1' } as const;
      const certificate = await authority.issue(weak);
      const own = { ciphers: 'DEFAULT@SECLEVEL=0' };
      await using server = await startServer({
        authority,
        certificate,
        tls: own,
        clientCertificate: 'optional',
      });
      await using pinned = await load(server.port);
      await using legacy = await load(server.port, { tls: { legacy: true } });
      await using none = await loadCredentials({});
      const refusal = await call(server.url, pinned);
      tls.DEFAULT_CIPHERS = list;
      expect(await call(server.url, pinned)).toBe(refusal);
      expect(server.requests).toEqual([]);
      for (const credentials of [legacy, none]) expect(await call(server.url, credentials, ca())).toBe(200);
      expect(subjects(server)).toEqual(['alice', null]);
    },
  );

  it('nor does a caller’s empty list, which to Node is that of the process', async () => {
    const rsa = await authority.issue({ name: 'rsa', hosts: ['127.0.0.1'], usage: 'server', keyType: 'rsa' });
    const ciphers = 'eNULL:@SECLEVEL=0';
    const own = { key: rsa.key, cert: rsa.fullChain, ciphers, maxVersion: 'TLSv1.2' } as const;
    const spoken: string[] = [];
    const server = tls.createServer(own, (socket) => {
      spoken.push(socket.getCipher().name);
      socket.destroy();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    await using pinned = await load(port);
    tls.DEFAULT_CIPHERS = `ECDHE+AESGCM:${ciphers}`;
    for (const options of [{}, { ciphers: '' }])
      expect(await call(`https://127.0.0.1:${port}`, pinned, options)).toMatch(/^(EPROTO|ERR_SSL)/);
    server.close();
    expect(spoken).toEqual([]);
  });

  it('a config for all hosts and a process that leave no version say so', async () => {
    await using server = await startServer({ authority });
    tls.DEFAULT_MIN_VERSION = 'TLSv1.3';
    await using credentials = await load(server.port, {}, { tls: 'TLSv1.2' });
    await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      hint: expect.stringContaining('--tls-min-v'),
    });
    expect(server.connections).toBe(0);
  });

  it.skipIf(!defaultRoots)('roots that the process no longer trusts, after a connection', async () => {
    const other = await createAuthority();
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    const source = { cert: alice.cert, key: alice.key };
    await using plain = await load(server.port, {}, { certificates: { alice: source } });
    await using more = await load(
      server.port,
      { ca: other.certificate },
      { certificates: { alice: source } },
    );
    await using none = await loadCredentials({});
    const all = [plain, more, none];
    for (const [trusted, expected] of [
      [authority, 200],
      [other, expect.stringMatching(/SELF_SIGNED|UNABLE_TO/)],
      [authority, 200],
    ] as const) {
      roots.setDefaultCACertificates!([trusted.certificate]);
      for (const credentials of all) {
        expect(await call(server.url, credentials)).toEqual(expected);
        await credentials.reload();
        // And no TLS session of before is resumed, in which nobody would look again.
        expect(await call(server.url, credentials)).toEqual(expected);
      }
    }
    expect(server.requests).toHaveLength(12);
  });
});
