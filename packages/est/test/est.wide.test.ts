import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect, promisify } from 'node:util';
import { build } from 'tsdown';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import type { Renewed } from '../src/index.ts';
import { asked, authority, est, load, source, startBank, startEach } from './scene.ts';
import { certificates } from './server.ts';

startEach();

describe('fromEst(), in its further ways', () => {
  describe('when the authority lets one wait', () => {
    it('asks again when it said, for the same key', async () => {
      let left = 2;
      est.answer = ({ path }) =>
        path.endsWith('simpleenroll') && left-- > 0 ? [202, '', { 'retry-after': '1' }] : undefined;
      est.login = undefined;
      await using _credentials = await load();
      const bodies = est.asked.filter(({ path }) => path.endsWith('simpleenroll')).map(({ body }) => body);
      expect(bodies).toHaveLength(3);
      expect(new Set(bodies).size).toBe(1);
    });

    it('has a process that has no certificate yet wait as well', async () => {
      est.login = undefined;
      let left = 1;
      est.answer = ({ path }) =>
        path.endsWith('simpleenroll') && left-- > 0 ? [202, '', { 'retry-after': '1' }] : undefined;
      const folder = await mkdtemp(join(tmpdir(), 'clientcert-est-'));
      await build({
        entry: { est: fileURLToPath(new URL('../src/index.ts', import.meta.url)) },
        outDir: folder,
        format: 'esm',
        deps: { alwaysBundle: /./, onlyBundle: false },
        inputOptions: { resolve: { conditionNames: ['@clientcert/source', 'node', 'import'] } },
        fixedExtension: true,
        dts: false,
        config: false,
        logLevel: 'silent',
      });
      const options = { address: est.url, ca: authority.certificate, commonName: 'me.example' };
      const script = join(folder, 'run.mjs');
      await writeFile(
        script,
        `import { fromEst, loadCredentials } from './est.mjs';
        const certificates = { bank: fromEst(${JSON.stringify(options)}) };
        loadCredentials({ certificates }).then((credentials) => {
          console.log(credentials.certificates().length);
          return credentials.close();
        });`,
      );
      const run = promisify(execFile);
      const { stdout } = await run(process.execPath, ['--no-warnings', script]);
      await rm(folder, { recursive: true });
      expect(stdout).toBe('1\n');
    });

    it('says so where it says again and again that it will be soon', async () => {
      est.login = undefined;
      const begun = Date.now();
      let asked = 0;
      est.answer = ({ path }) => {
        if (!path.endsWith('simpleenroll')) return undefined;
        // Half a minute goes by each time.
        vi.spyOn(Date, 'now').mockReturnValue(begun + 30_000 * ++asked);
        return asked < 10 ? [202, '', { 'retry-after': '1' }] : undefined;
      };
      try {
        await expect(load()).rejects.toThrow('has not decided yet (202)');
        expect(asked).toBeLessThan(5);
      } finally {
        vi.restoreAllMocks();
      }
    });

    it.each(['600', '9'.repeat(400)])(
      'says so where that is long (%s), and asks no sooner',
      async (seconds) => {
        est.login = undefined;
        est.answer = ({ path }) =>
          path.endsWith('simpleenroll') ? [202, '', { 'retry-after': seconds }] : undefined;
        const waiting = source();
        for (let times = 0; times < 2; times++)
          await expect(ground.load(waiting, authority)).rejects.toMatchObject({
            message: expect.stringMatching(/simpleenroll: localhost:\d+ has not decided yet \(202\)/),
            hint: expect.stringContaining('approve'),
          });
        expect(asked()).toEqual(['GET cacerts', 'POST simpleenroll']);
        vi.spyOn(Date, 'now').mockImplementation(
          () => performance.timeOrigin + performance.now() + 86_401_000,
        );
        try {
          est.answer = undefined;
          est.certificateTtl = 7200;
          await using _credentials = await ground.load(waiting, authority);
        } finally {
          vi.restoreAllMocks();
        }
        const bodies = est.asked.filter(({ path }) => path.endsWith('simpleenroll')).map(({ body }) => body);
        expect(new Set(bodies).size).toBe(1);
      },
    );
  });

  describe('files', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'clientcert-est-'));
    });
    afterEach(() => rm(folder, { recursive: true }));

    it.each(['one', 'two'])('starts with what is in %s, and asks for nothing', async (count) => {
      const files = {
        cert: join(folder, 'bank.pem'),
        ...(count === 'two' && { key: join(folder, 'bank.key') }),
      };
      await using bank = await startBank();
      {
        await using credentials = await load({ files });
        await bank.call(credentials);
      }
      est.stop();
      const before = est.asked.length;
      await using credentials = await load({ files, login: undefined });
      await bank.call(credentials);
      expect(bank.seen[1]).toEqual(bank.seen[0]);
      expect(est.asked).toHaveLength(before);
      for (const name of await readdir(folder))
        expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    });

    it('takes the former where a process was stopped in between', async () => {
      const files = { cert: join(folder, 'bank.pem'), key: join(folder, 'bank.key') };
      await using bank = await startBank();
      {
        await using credentials = await load({ files });
        await bank.call(credentials);
      }
      await writeFile(`${files.key}.old`, await readFile(files.key));
      await writeFile(files.key, (await authority.issue({ name: 'next' })).key);
      est.stop();
      await using credentials = await load({ files });
      await bank.call(credentials);
      expect(bank.seen[1]).toEqual(bank.seen[0]);
    });

    it('is of another name: asks for a new one', async () => {
      const files = { cert: join(folder, 'bank.pem') };
      (await load({ files })).close();
      await using bank = await startBank();
      await using credentials = await load({ files, commonName: 'you.example' });
      await bank.call(credentials);
      expect(bank.seen).toMatchObject([{ subject: 'CN=you.example' }]);
      est.login = 'of another';
      await expect(load({ files, names: ['b.example'] })).rejects.toMatchObject({
        message: expect.stringMatching(/\(401\).*"files" is for other names/),
      });
    });

    it('overwrites nothing that it cannot read', async () => {
      const files = { cert: join(folder, 'bank.pfx') };
      const issued = await authority.issue({ name: 'mine' });
      await writeFile(files.cert, await issued.pfx('secret'));
      await expect(load({ files })).rejects.toMatchObject({ message: expect.stringContaining('bank.pfx') });
      expect(asked()).toEqual([]);
      expect(await readdir(folder)).toEqual(['bank.pfx']);
    });

    it('presents what cannot be written, and says so', async () => {
      const files = { cert: join(folder, 'missing', 'bank.pem') };
      await using bank = await startBank();
      await using credentials = await load({ files });
      expect(await ground.next(credentials, 'error')).toMatchObject({
        message: expect.stringMatching(/cannot be written to ".*bank\.pem"/),
      });
      await bank.call(credentials);
      expect(bank.seen).toMatchObject([{ subject: 'CN=me.example' }]);
      expect(est.requests).toHaveLength(1);
    });
  });

  describe('onRenewed', () => {
    it('is told the public half before it is presented', async () => {
      const told: Renewed[] = [];
      await using bank = await startBank();
      await using credentials = await load({
        onRenewed: async (renewed) => {
          expect(bank.seen).toEqual([]);
          told.push(renewed);
        },
      });
      await bank.call(credentials);
      expect(told).toMatchObject([
        {
          fingerprint256: bank.seen[0]!.fingerprint256,
          certificate: expect.stringMatching(/^-----BEGIN CERT/),
        },
      ]);
      expect(inspect(told)).not.toContain('PRIVATE KEY');
    });

    it('holds back what it fails for, and is called again for the same', async () => {
      const onRenewed = vi.fn<() => Promise<void>>().mockRejectedValueOnce(new Error('the bank is closed'));
      const once = source({ onRenewed });
      await expect(ground.load(once, authority)).rejects.toMatchObject({
        message: expect.stringContaining('onRenewed failed'),
      });
      await using _credentials = await ground.load(once, authority);
      expect(onRenewed).toHaveBeenCalledTimes(2);
      expect(est.requests).toHaveLength(1);
    });
  });

  describe('when there is none to be had', () => {
    it.each<[string, number, string, RegExp, RegExp]>([
      ['refuses', 403, 'no such device', /refuses it \(403\): no such device/, /revoked/],
      ['does not accept the request', 400, 'key too small', /\(400\): key too small/, /keyType/],
      ['knows no such path', 404, '', /\(404\)/, /label/],
      ['is busy', 503, '', /\(503\)/, /again/],
      ['fails', 500, '', /answers 500/, /log/],
      ['sends elsewhere', 302, '', /redirect/, /no other/],
      ['answers something else', 200, '<html>', /holds no certificates/, /EST/],
    ])('it says that the server %s', async (_, status, text, message, hint) => {
      est.answer = ({ path }) =>
        path.endsWith('simpleenroll') ? [status, text, { 'content-type': 'text/plain' }] : undefined;
      await expect(load()).rejects.toMatchObject({
        message: expect.stringMatching(new RegExp(`certificate "bank".*simpleenroll.*${message.source}`)),
        hint: expect.stringMatching(hint),
      });
    });

    it('it says that the password is wrong, and that the server cannot be reached', async () => {
      await expect(load({ login: { user: 'me', password: 'wrong' } })).rejects.toMatchObject({
        message: expect.stringMatching(/asks who this is \(401\)/),
      });
      est.stop();
      await expect(load()).rejects.toMatchObject({
        message: expect.stringMatching(/cacerts: localhost:\d+ cannot be reached/),
      });
    });

    it('a server that is not trusted is told nothing', async () => {
      await expect(load({ ca: undefined })).rejects.toMatchObject({
        message: expect.stringContaining('cannot be reached'),
        hint: expect.stringMatching(/root|ca/),
      });
      expect(est.asked).toEqual([]);
    });

    it('a certificate for another key is not presented', async () => {
      const other = await authority.issue({ name: 'other' });
      est.answer = ({ path }) =>
        path.endsWith('simpleenroll') ? certificates([new X509Certificate(other.cert).raw]) : undefined;
      await expect(load()).rejects.toMatchObject({ message: expect.stringMatching(/key/) });
    });
  });
});
