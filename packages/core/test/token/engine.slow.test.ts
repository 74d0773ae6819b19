import { execFile } from 'node:child_process';
import { mkdtemp, writeFile } from 'node:fs/promises';
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
const another = 'Other-4711';

let built: Awaited<ReturnType<typeof buildModules>> | undefined;
let ground: Awaited<ReturnType<typeof createGround>>;
beforeAll(async () => {
  if (missing.length > 0) return;
  built = await buildModules('core');
  ground = await createGround();
});
afterAll(async () => {
  await built?.[Symbol.asyncDispose]();
  await ground?.token[Symbol.asyncDispose]();
});

describe.skipIf(missing.length > 0).each(['20', '22', '24', '26'])(
  'on Node %s, a key that an engine reaches',
  (version) => {
    let binary: string;
    beforeAll(() => {
      binary = nodeBinary(version);
    });

    it('is presented, resumed, renewed, and shown nowhere', async () => {
      await using place = await createPlace('rsa');
      const { server, client, next, run } = place;
      const found = await run({ steps: ['calls', 'connectOptions', 'signing', 'said', 'rotation'] });
      expect(found.failed).toBeUndefined();
      const seen = server.requests.map(({ url, clientCertificate }) => [
        new URL(url).pathname,
        clientCertificate?.serialNumber,
      ]);
      const before = ['/first', '/again', '/tls12', '/connect'].map((url) => [url, client.serialNumber]);
      expect(seen).toEqual([...before, ['/renewed', next.serialNumber]]);
      expect(found.renewed).toMatchObject({ changed: ['bank'], failed: [] });
      expect(found.health).toBe('ok');
      const token = 'pkcs11:token=bank;object=rsa';
      expect(found.info).toMatchObject({ key: 'token', token, signedBy: 'engine' });
      expect(found.explained).toContain('by an OpenSSL engine');
      expect(found.signed).toMatchObject({ code: 'ERR_CLIENTCERT_SIGNATURE_UNSUPPORTED' });
      expect(found.signed.hint).toContain('pkcs11-provider');
    });

    it('gives as many contexts as there are certificates and rules, over one login', async () => {
      await using place = await createPlace('rsa');
      const { server, client, log, run } = place;
      const second = { cert: place.otherCert, key: 'pkcs11:token=bank;object=other' };
      const found = await run({ steps: ['both'], second });
      expect(found.failed).toBeUndefined();
      expect(server.requests.map((seen) => [seen.clientCertificate?.serialNumber, seen.protocol])).toEqual([
        [client.serialNumber, 'TLSv1.3'],
        [ground.other.serialNumber, 'TLSv1.2'],
        [client.serialNumber, 'TLSv1.3'],
        [ground.other.serialNumber, 'TLSv1.2'],
        [client.serialNumber, 'TLSv1.2'],
      ]);
      expect(await countCalls(log, 'C_Login')).toBe(1);
    });

    it('goes back to the certificate before where a server refuses the new one', async () => {
      const tls = { sigalgs: 'ECDSA+SHA256', minVersion: 'TLSv1.3' } as const;
      await using place = await createPlace('ec', tls);
      const { server, client, run } = place;
      const refused = { cert: place.rsaCert, key: 'pkcs11:token=bank;object=rsa' };
      const found = await run({ steps: ['rollback'], rollback: true, refused });
      expect(found.failed).toBeUndefined();
      expect(found.reload).toMatchObject({ changed: ['bank'] });
      expect(found.rolledBack).toBe('bank');
      expect(server.requests.map(({ clientCertificate }) => clientCertificate?.serialNumber)).toEqual([
        client.serialNumber,
      ]);
    });

    it('is presented by a server', async () => {
      await using place = await createPlace('ec');
      const { client, next, run } = place;
      const found = await run({ steps: ['server'] });
      expect(found.failed).toBeUndefined();
      expect(found.shown).toEqual([client.serialNumber, next.serialNumber]);
    });

    it('is tried with a wrong PIN once for all certificates of the token, and loaded when that is mended', async () => {
      await using place = await createPlace('ec');
      const { server, client, log, run } = place;
      const file = await place.file('wrong-pin', wrong);
      const broken = { cert: place.fileCert, key: place.fileKey };
      const second = { cert: place.otherCert, key: 'pkcs11:token=bank;object=other' };
      const found = await run({
        steps: ['overReloads'],
        pin: { file },
        pinFile: ground.token.password,
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
      expect(await countCalls(log, 'C_Login')).toBe(2);
    });

    it('is opened with the PIN of now from then on, where the token was given another', async () => {
      const { client } = ground.ec;
      await using token = await createSoftHsm([client]);
      await using place = await createPlace('ec');
      const { file, run, server } = place;
      const login = ['--module', token.environment.PKCS11SPY!, '--login', '--pin', pin];
      const found = await run(
        {
          steps: ['anotherPin'],
          pin: { file: await file('pin', pin) },
          changePin: ['pkcs11-tool', ...login, '--change-pin', '--new-pin', another],
          pinFile: await file('another-pin', another),
        },
        token.environment,
      );
      expect(found.failed).toBeUndefined();
      expect(found.another).toMatchObject([
        { changed: ['bank'], failed: [] },
        { changed: [], failed: [] },
      ]);
      expect(server.requests.map(({ clientCertificate }) => clientCertificate?.serialNumber)).toEqual([
        client.serialNumber,
      ]);
    });

    it('is refused with what is wrong', async () => {
      await using place = await createPlace('ec');
      const { log, run } = place;
      const name = (uri: string) => `pkcs11:${uri}`;
      const refusals = {
        KEY_MISMATCH: { cert: place.otherCert },
        TOKEN_KEY_NOT_FOUND: { key: name('token=bank;object=nobody') },
        TOKEN_NOT_FOUND: { key: name('token=elsewhere;object=ec') },
        PIN_MISSING: { pin: '' },
        MODULE_MISSING: { key: name('token=bank;object=ec?module-path=%2Fno%2Fsuch.so') },
        ENGINE_FAILED: { engine: '/no/such/pkcs11.so' },
      };
      const { refused, worker, stderr } = await run({ steps: ['refusals', 'worker'], refusals });
      for (const code of Object.keys(refusals))
        expect(refused[code]).toMatchObject({ code: `ERR_CLIENTCERT_${code}` });
      // It is there by now, and would not be without the main thread.
      expect(worker).toBe('loaded');
      expect(stderr).toContain('was not found at: pkcs11:'); // the engine's own words, which are to hold no PIN
      expect(await countCalls(log, 'C_Login')).toBe(1);

      // With a key of another type OpenSSL takes both, and sends no certificate.
      await using mixed = await createPlace('rsa');
      const crossed = await mixed.run({ steps: [], cert: mixed.fileCert });
      expect(crossed.failed).toMatchObject({ code: 'ERR_CLIENTCERT_KEY_MISMATCH' });
      const away = await mixed.run({ steps: [] }, { PKCS11_MODULE_PATH: '/no/such/module.so' });
      expect(away.failed).toMatchObject({ code: 'ERR_CLIENTCERT_MODULE_MISSING' });
    });

    /** A server, and a process that reaches the token of all tests with a log of its own. */
    async function createPlace(
      keyType: 'ec' | 'rsa',
      tls: { readonly sigalgs: string; readonly minVersion: 'TLSv1.3' } | undefined = undefined,
    ) {
      const { authority, token, other, inFile, ecByRsa } = ground;
      const { client, next } = ground[keyType];
      const directory = await mkdtemp(join(token.directory, 'place-'));
      const server = await startServer({ authority, clientCertificate: 'required', ...(tls && { tls }) });
      const file = async (name: string, content: string) => {
        const path = join(directory, name);
        await writeFile(path, content);
        return path;
      };
      const log = join(directory, 'calls.log');
      const settings = {
        module: join(built!.path, 'core.mjs'),
        url: server.url,
        cert: await file('client.pem', client.cert),
        next: await file('next.pem', next.cert),
        ca: await file('ca.pem', authority.certificate),
        root: authority.certificate,
        key: `pkcs11:token=bank;object=${keyType}`,
        pin: { file: token.password },
        engine,
      };
      return {
        server,
        client,
        next,
        log,
        file,
        rsaCert: await file('rsa.pem', ecByRsa.cert),
        otherCert: await file('other.pem', other.cert),
        fileCert: await file('file.pem', inFile.cert),
        fileKey: await file('file.key', inFile.key),
        async run(more: Record<string, unknown>, environment: NodeJS.ProcessEnv = {}) {
          const { stdout, stderr } = await promisify(execFile)(
            binary,
            [program, JSON.stringify({ ...settings, ...more })],
            {
              env: {
                ...process.env,
                ...token.environment,
                PKCS11SPY_OUTPUT: log,
                NODE_DEBUG: 'tls,https,http,net',
                ...environment,
              },
              timeout: 120_000,
              maxBuffer: 2 ** 26,
            },
          );
          for (const text of [stdout, stderr]) {
            expect(text).not.toContain(pin);
            expect(text).not.toContain(wrong);
            expect(text).not.toContain(another);
          }
          return { ...JSON.parse(stdout), stderr };
        },
        [Symbol.asyncDispose]: () => server.close(),
      };
    }
  },
);

/** What all tests share: to make keys and to fill a token takes longer than to use them. */
async function createGround() {
  const authority = await createAuthority();
  const issueBoth = async (keyType: 'ec' | 'rsa') => {
    const usage = { usage: 'both', hosts: ['localhost'] } as const;
    const client = await authority.issue({ name: keyType, keyType, ...usage });
    return { client, next: await authority.issue({ name: keyType, key: client.key, ...usage }) };
  };
  const [ec, rsa] = [await issueBoth('ec'), await issueBoth('rsa')];
  // What a certificate goes back from is of the same subject.
  const ecByRsa = await authority.issue({ name: 'ec', key: rsa.client.key });
  const other = await authority.issue({ name: 'other', keyType: 'rsa' });
  const inFile = await authority.issue({ name: 'in a file', keyType: 'ec' });
  const token = await createSoftHsm([ec.client, rsa.client, other]);
  return { authority, ec, rsa, ecByRsa, other, inFile, token };
}
