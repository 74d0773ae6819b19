import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeBinary } from '../../../../scripts/node-binary.mjs';
import { buildModules } from '../built.ts';
import { countCalls } from './installed.ts';
import { createToken, missing, pin } from './softoken.ts';

if (missing.length > 0)
  console.warn(`keys on tokens are not tested: not installed are ${missing.join(', ')}`);

const program = fileURLToPath(new URL('client.mjs', import.meta.url));
const wrong = 'Wrong-4711';

let built: Awaited<ReturnType<typeof buildModules>> | undefined;
beforeAll(async () => {
  if (missing.length === 0) built = await buildModules('core');
});
afterAll(() => built?.[Symbol.asyncDispose]());

describe.skipIf(missing.length > 0).each(['20', '22', '24', '26'])(
  'on Node %s, a key on a token',
  (version) => {
    let binary: string;
    beforeAll(() => {
      binary = nodeBinary(version);
    });

    describe.each(['ec', 'rsa'] as const)('%s', (keyType) => {
      it('is presented, resumed, lent for signatures, renewed, and shown nowhere', async () => {
        await using place = await createPlace(keyType);
        const { server, client, next, run } = place;
        const steps = ['calls', 'connectOptions', 'signing', 'said', 'rotation', 'server'];
        const found = await run({ steps });
        expect(found.failed).toBeUndefined();
        const seen = server.requests.map(({ url, clientCertificate }) => [
          new URL(url).pathname,
          clientCertificate?.serialNumber,
        ]);
        const before = ['/first', '/again', '/tls12', '/connect'].map((url) => [url, client.serialNumber]);
        expect(seen).toEqual([...before, ['/renewed', next.serialNumber]]);
        expect(found).toMatchObject({ signed: true, details: true, exported: false });
        expect(found.renewed).toMatchObject({ changed: ['bank'], failed: [] });
        expect(found.shown).toEqual([next.serialNumber, next.serialNumber]);
        expect(found.health).toBe('ok');
        const token = `pkcs11:token=NSS%20Certificate%20DB;object=client`;
        expect(found.info).toMatchObject({
          key: 'token',
          token,
          signedBy: 'provider',
          source: expect.stringContaining(token),
        });
        expect(found.explained).toContain('on a token');
        for (const text of [found.explained, ...found.said]) {
          expect(text).not.toContain(pin);
          expect(text).not.toContain('PRIVATE');
        }
      });
    });

    it('signs once for many calls: of those on kept connections and in resumed sessions the token sees nothing', async () => {
      await using place = await createPlace('rsa');
      await place.run({ steps: ['many'] });
      expect(place.server.requests.map(({ clientCertificate }) => clientCertificate?.serialNumber)).toEqual(
        Array(40).fill(place.client.serialNumber),
      );
      // To prove the key when it is loaded, and the first connection; a second in case it came before the first's tickets.
      expect(await countCalls(place.token.log, 'C_SignInit')).toBeLessThanOrEqual(4);
      expect(await countCalls(place.token.log, 'C_Login')).toBe(1);
    });

    it('goes back to the certificate before where a server refuses the new one', async () => {
      await using place = await createPlace('ec', { sigalgs: 'ECDSA+SHA256', minVersion: 'TLSv1.3' });
      const refused = { cert: place.rsaCert, key: 'pkcs11:token=NSS%20Certificate%20DB;object=rsa' };
      const found = await place.run({ steps: ['rollback'], rollback: true, refused });
      expect(found.failed).toBeUndefined();
      expect(found.rolledBack).toBe('bank');
      expect(place.server.requests.map(({ clientCertificate }) => clientCertificate?.serialNumber)).toEqual([
        place.client.serialNumber,
      ]);
    });

    it('is tried with a wrong PIN once for all certificates of the token, and loaded when that is mended', async () => {
      await using place = await createPlace('ec');
      const { server, client, token, stranger, run } = place;
      const file = await place.file('wrong-pin', wrong);
      const broken = { cert: place.other, key: await place.file('other.key', stranger.key) };
      const second = { cert: place.rsaCert, key: 'pkcs11:token=NSS%20Certificate%20DB;object=rsa' };
      const wanted = { pin: { file }, pinFile: token.password, broken, second };
      const found = await run({ steps: ['overReloads'], ...wanted });
      expect(found.failed).toBeUndefined();
      expect(found.reloads).toEqual(Array(6).fill('ERR_CLIENTCERT_PIN_WRONG'));
      expect(found.error).toMatchObject({ code: 'ERR_CLIENTCERT_PIN_WRONG' });
      expect(found.recovered).toMatchObject({ changed: ['bank', 'second'], failed: [] });
      expect(server.requests.map(({ clientCertificate }) => clientCertificate?.serialNumber)).toEqual([
        client.serialNumber,
      ]);
      expect(await countCalls(token.log, 'C_Login')).toBe(2);
    });

    it('is refused with what is wrong, and a PIN is tried once', async () => {
      await using place = await createPlace('ec');
      const { other, token, run } = place;
      const name = (uri: string) => `pkcs11:${uri}`;
      const refusals = {
        KEY_MISMATCH: { cert: other },
        TOKEN_KEY_NOT_FOUND: { key: name('token=NSS%20Certificate%20DB;object=nobody') },
      };
      const { refused } = await run({ steps: ['refusals'], refusals });
      for (const code of Object.keys(refusals))
        expect(refused[code]).toMatchObject({ code: `ERR_CLIENTCERT_${code}` });

      await rm(token.log, { force: true });
      const away = await run({ steps: [], key: name('token=elsewhere;object=client') });
      expect(away.failed).toMatchObject({ code: 'ERR_CLIENTCERT_TOKEN_NOT_FOUND' });
      const none = await run({ steps: [], pin: undefined });
      expect(none.failed).toMatchObject({ code: 'ERR_CLIENTCERT_PIN_MISSING' });
      expect(await countCalls(token.log, 'C_Login')).toBe(0);

      const failed = await run({ steps: [], pin: wrong });
      expect(failed.failed).toMatchObject({ code: 'ERR_CLIENTCERT_PIN_WRONG' });
      expect(failed.failed.hint).toContain('locks');
      expect(failed.said[0]).not.toContain(wrong);
      expect(await countCalls(token.log, 'C_Login')).toBe(1);

      const module = await run({ steps: [] }, '/no/such/module.so');
      expect(module.failed).toMatchObject({
        code: 'ERR_CLIENTCERT_MODULE_MISSING',
        message: expect.stringContaining('/no/such/module.so'),
      });
    });

    async function createPlace(
      keyType: 'ec' | 'rsa',
      tls: { readonly sigalgs: string; readonly minVersion: 'TLSv1.3' } | undefined = undefined,
    ) {
      const authority = await createAuthority();
      const usage = { usage: 'both', hosts: ['localhost'] } as const;
      const client = await authority.issue({ name: 'client', keyType, ...usage });
      const next = await authority.issue({ name: 'client', key: client.key, ...usage });
      const rsa = await authority.issue({ name: 'rsa', keyType: 'rsa' });
      const stranger = await authority.issue({ name: 'other', keyType });
      const token = await createToken([client, rsa]);
      const server = await startServer({ authority, clientCertificate: 'required', ...(tls && { tls }) });
      const file = async (name: string, content: string) => {
        const path = join(token.directory, name);
        await writeFile(path, content);
        return path;
      };
      const other = await file('other.pem', stranger.cert);
      const settings = {
        module: join(built!.path, 'core.mjs'),
        url: server.url,
        cert: await file('client.pem', client.cert),
        next: await file('next.pem', next.cert),
        ca: await file('ca.pem', authority.certificate),
        root: authority.certificate,
        key: 'pkcs11:token=NSS%20Certificate%20DB;object=client',
        pin: { file: token.password },
      };
      return {
        server,
        client,
        next,
        other,
        stranger,
        // What a certificate goes back from is of the same subject.
        rsaCert: await file('rsa.pem', (await authority.issue({ name: 'client', key: rsa.key })).cert),
        file,
        token,
        async run(more: Record<string, unknown>, module?: string) {
          const environment = { ...(await token.configure(module)), NODE_DEBUG: 'tls,https,http,net' };
          const { stdout, stderr } = await promisify(execFile)(
            binary,
            [program, JSON.stringify({ ...settings, ...more })],
            { env: { ...process.env, ...environment }, timeout: 120_000, maxBuffer: 2 ** 26 },
          );
          for (const text of [stdout, stderr]) {
            expect(text).not.toContain(pin);
            if (more.pin !== wrong) expect(text).not.toContain(wrong);
          }
          return JSON.parse(stdout);
        },
        async [Symbol.asyncDispose]() {
          await server.close();
          await token[Symbol.asyncDispose]();
        },
      };
    }
  },
);
