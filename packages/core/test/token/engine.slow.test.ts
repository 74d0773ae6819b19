import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeBinary } from '../../../../scripts/node-binary.mjs';
import { buildModules } from '../built.ts';
import { countCalls } from './installed.ts';
import { createSoftHsm, engine, missing, pin } from './softhsm.ts';

if (missing.length > 0)
  console.warn(`keys that an engine reaches are not tested: not installed are ${missing.join(', ')}`);

const program = fileURLToPath(new URL('client.mjs', import.meta.url));
const wrong = 'Wrong-4711';

let built: Awaited<ReturnType<typeof buildModules>> | undefined;
beforeAll(async () => {
  if (missing.length === 0) built = await buildModules('core');
});
afterAll(() => built?.[Symbol.asyncDispose]());

describe.skipIf(missing.length > 0).each(['20', '22', '24', '26'])(
  'on Node %s, a key that an engine reaches',
  (version) => {
    let binary: string;
    beforeAll(() => {
      binary = nodeBinary(version);
    });

    it.each(['ec', 'rsa'] as const)(
      '%s: is presented, resumed, renewed, and shown nowhere',
      async (keyType) => {
        await using place = await createPlace(keyType);
        const { server, client, next, run } = place;
        const found = await run({ steps: ['calls', 'connectOptions', 'signing', 'said', 'rotation'] });
        expect(found.failed).toBeUndefined();
        const seen = server.requests.map(({ url, clientCertificate }) => [
          new URL(url).pathname,
          clientCertificate?.serialNumber,
        ]);
        const before = ['/first', '/again', '/tls12', '/connect'].map((url) => [url, client.serialNumber]);
        expect(seen).toEqual([...before, ['/renewed', next.serialNumber]]);
        expect(found.reload).toMatchObject({ changed: ['bank'], failed: [] });
        const token = 'pkcs11:token=bank;object=client';
        expect(found.info).toMatchObject({ key: 'token', token, signedBy: 'engine' });
        expect(found.explained).toContain('by an OpenSSL engine');
        expect(found.signed).toMatchObject({ code: 'ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED' });
        expect(found.signed.hint).toContain('pkcs11-provider');
      },
    );

    it('gives as many contexts as there are certificates and rules, over one login', async () => {
      await using place = await createPlace('rsa');
      const { server, client, other, token, run } = place;
      const second = { cert: place.otherCert, key: 'pkcs11:token=bank;object=other' };
      const found = await run({ steps: ['both'], second });
      expect(found.failed).toBeUndefined();
      expect(server.requests.map((seen) => [seen.clientCertificate?.serialNumber, seen.protocol])).toEqual([
        [client.serialNumber, 'TLSv1.3'],
        [other.serialNumber, 'TLSv1.2'],
        [client.serialNumber, 'TLSv1.3'],
        [other.serialNumber, 'TLSv1.2'],
        [client.serialNumber, 'TLSv1.2'],
      ]);
      expect(await countCalls(token.log, 'C_Login')).toBe(1);
    });

    it('goes back to the certificate before where a server refuses the new one', async () => {
      await using place = await createPlace('ec');
      const { server, client, stranger, run } = place;
      const found = await run({ steps: ['rollback'], rollback: true, refused: stranger });
      expect(found.failed).toBeUndefined();
      expect(found.reload).toMatchObject({ changed: ['bank'] });
      expect(found.rolledBack).toEqual(['bank']);
      expect(server.requests.map(({ clientCertificate }) => clientCertificate?.serialNumber)).toEqual([
        client.serialNumber,
      ]);
    });

    it('is presented by a server', async () => {
      await using place = await createPlace('ec', 'both');
      const { client, next, run } = place;
      const found = await run({ steps: ['server'] });
      expect(found.failed).toBeUndefined();
      expect(found.shown).toEqual([client.serialNumber, next.serialNumber]);
    });

    it('is tried with a wrong PIN once for all certificates of the token, and loaded when that is mended', async () => {
      await using place = await createPlace('ec');
      const { server, client, token, run } = place;
      const file = await place.file('wrong-pin', wrong);
      const broken = { cert: place.otherFileCert, key: place.otherFileKey };
      const second = { cert: place.otherCert, key: 'pkcs11:token=bank;object=other' };
      const found = await run({
        steps: ['overReloads'],
        pin: { file },
        pinFile: token.password,
        broken,
        second,
      });
      expect(found.failed).toBeUndefined();
      expect(found.reloads).toEqual(Array(6).fill('ERR_CLIENTCERT_PIN_WRONG'));
      expect(found.error).toMatchObject({ code: 'ERR_CLIENTCERT_PIN_WRONG' });
      expect(found.recovered).toMatchObject({ changed: ['bank', 'second'], failed: [] });
      expect(server.requests.map(({ clientCertificate }) => clientCertificate?.serialNumber)).toEqual([
        client.serialNumber,
      ]);
      expect(await countCalls(token.log, 'C_Login')).toBe(2);
    });

    it('is refused with what is wrong', async () => {
      await using place = await createPlace('ec');
      const { token, run } = place;
      const name = (uri: string) => `pkcs11:${uri}`;
      const refusals = {
        KEY_MISMATCH: { cert: place.otherCert },
        TOKEN_KEY_NOT_FOUND: { key: name('token=bank;object=nobody') },
        TOKEN_NOT_FOUND: { key: name('token=elsewhere;object=client') },
        PIN_MISSING: { pin: '' },
        MODULE_MISSING: { key: name('token=bank;object=client?module-path=%2Fno%2Fsuch.so') },
        ENGINE_FAILED: { engine: '/no/such/pkcs11.so' },
      };
      const { refused, worker, stderr } = await run({ steps: ['refusals', 'worker'], refusals });
      for (const code of Object.keys(refusals))
        expect(refused[code]).toMatchObject({ code: `ERR_CLIENTCERT_${code}` });
      // It is there by now, and would not be without the main thread.
      expect(worker).toBe('loaded');
      expect(stderr).toContain('was not found at: pkcs11:'); // the engine's own words, which are to hold no PIN
      expect(await countCalls(token.log, 'C_Login')).toBe(1);

      // With a key of another type OpenSSL takes both, and sends no certificate.
      await using mixed = await createPlace('rsa');
      const crossed = await mixed.run({ steps: [], cert: mixed.ecCert });
      expect(crossed.failed).toMatchObject({ code: 'ERR_CLIENTCERT_KEY_MISMATCH' });
      const away = await mixed.run({ steps: [] }, { PKCS11_MODULE_PATH: '/no/such/module.so' });
      expect(away.failed).toMatchObject({ code: 'ERR_CLIENTCERT_MODULE_MISSING' });
    });

    async function createPlace(keyType: 'ec' | 'rsa', usage: 'client' | 'both' = 'client') {
      const [authority, stranger] = [await createAuthority(), await createAuthority()];
      const hosts = usage === 'both' ? { hosts: ['localhost'] } : {};
      const client = await authority.issue({ name: 'client', keyType, usage, ...hosts });
      const next = await authority.issue({ name: 'client', key: client.key, usage, ...hosts });
      const other = await authority.issue({ name: 'other', keyType });
      const inFile = await authority.issue({ name: 'in a file', keyType: 'ec' });
      const refused = await stranger.issue({ name: 'client', key: client.key });
      const token = await createSoftHsm([client, other]);
      const server = await startServer({ authority, clientCertificate: 'required' });
      const file = async (name: string, content: string) => {
        const path = join(token.directory, name);
        await writeFile(path, content);
        return path;
      };
      const settings = {
        module: join(built!.path, 'core.mjs'),
        url: server.url,
        cert: await file('client.pem', client.cert),
        next: await file('next.pem', next.cert),
        ca: await file('ca.pem', authority.certificate),
        root: authority.certificate,
        key: 'pkcs11:token=bank;object=client',
        pin: { file: token.password },
        engine,
      };
      return {
        server,
        client,
        next,
        other,
        token,
        file,
        stranger: await file('stranger.pem', refused.cert),
        otherCert: await file('other.pem', other.cert),
        otherFileCert: await file('file.pem', inFile.cert),
        otherFileKey: await file('file.key', inFile.key),
        ecCert: await file('ec.pem', inFile.cert),
        async run(more: Record<string, unknown>, environment: NodeJS.ProcessEnv = {}) {
          const env = {
            ...process.env,
            ...token.environment,
            NODE_DEBUG: 'tls,https,http,net,module',
            ...environment,
          };
          const { stdout, stderr } = await promisify(execFile)(
            binary,
            [program, JSON.stringify({ ...settings, ...more })],
            { env, timeout: 120_000, maxBuffer: 2 ** 26 },
          );
          for (const text of [stdout, stderr]) {
            expect(text).not.toContain(pin);
            expect(text).not.toContain(wrong);
          }
          return { ...JSON.parse(stdout), stderr };
        },
        async [Symbol.asyncDispose]() {
          await server.close();
          await token[Symbol.asyncDispose]();
        },
      };
    }
  },
);
