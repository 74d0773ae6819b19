import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import type { EstOptions } from '../src/index.ts';
import { asked, authority, est, load, login, source, startBank, startEach } from './scene.ts';

startEach();

describe('fromEst()', () => {
  it('presents what the authority issued, with its chain', async () => {
    await using bank = await startBank();
    await using credentials = await load({ names: ['a.example', '192.0.2.1'] });
    await bank.call(credentials);
    expect(bank.seen).toMatchObject([{ subject: 'CN=me.example', issuer: 'CN=Issuing' }]);
    expect(asked()).toEqual(['GET cacerts', 'POST simpleenroll', 'POST simpleenroll']);
    expect(est.requests).toMatchObject([
      { commonName: 'me.example', names: ['82 a.example', '87 c0000201'] },
    ]);
    expect(JSON.stringify(est.asked)).not.toContain('PRIVATE KEY');
  });

  it('asks for the first one with a certificate that there is, at the authority that is named', async () => {
    const device = await authority.issue({ name: 'device' });
    const certificate = { cert: device.fullChain, key: device.key };
    await using _credentials = await load({ login: undefined, certificate, label: 'devices' });
    expect(asked()).toEqual(['GET devices/cacerts', 'POST devices/simpleenroll']);
    expect(est.asked.map(({ client }) => client?.subject)).toEqual([undefined, 'CN=device']);
  });

  it('asks with the bytes that it was given, whatever has been written into them', async () => {
    const device = await authority.issue({ name: 'device' });
    const [bytes, ca] = [device.fullChain + device.key, authority.certificate].map((each) =>
      Buffer.from(each),
    );
    const loading = load({ login: undefined, ca, certificate: { cert: bytes! } });
    for (const each of [bytes, ca]) each!.fill(0);
    await using _credentials = await loading;
    expect(est.asked.map(({ client }) => client?.subject)).toEqual([undefined, 'CN=device']);
  });

  describe('files', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'clientcert-est-'));
    });
    afterEach(() => rm(folder, { recursive: true }));

    it('what is named by a relative path is where it was when it was named, wherever the process goes', async () => {
      const device = await authority.issue({ name: 'device' });
      await writeFile(join(folder, 'root.pem'), authority.certificate);
      await writeFile(join(folder, 'device.pem'), device.fullChain + device.key, { mode: 0o600 });
      await writeFile(join(folder, 'password'), login.password);
      const cwd = vi.spyOn(process, 'cwd').mockReturnValue(folder);
      onTestFinished(() => cwd.mockRestore()); // files share a process
      const certificate = { cert: 'device.pem' };
      const files = { cert: 'bank.pem', passphrase: { file: 'password' } };
      const sources = [
        source({ ca: { file: 'root.pem' }, login: undefined, certificate }),
        source({ ca: 'root.pem', login: { user: 'me', password: { file: 'password' } }, files }),
      ];
      cwd.mockReturnValue(tmpdir());
      for (const each of sources) (await ground.load(each, authority)).close();
      cwd.mockReturnValue(folder);
      const again = source({ ca: 'root.pem', login: undefined, files });
      cwd.mockReturnValue(tmpdir());
      (await ground.load(again, authority)).close();
      cwd.mockRestore();
      expect(est.asked.map(({ client, headers }) => client?.subject ?? headers.authorization)).toEqual([
        undefined,
        'CN=device',
        undefined,
        undefined,
        expect.stringMatching(/^Basic /),
      ]);
      expect(await readFile(join(folder, 'bank.pem'), 'utf8')).toContain('ENCRYPTED');
    });

    it('renews what was kept with itself, for a new key and the same names, and keeps the former', async () => {
      const files = { cert: join(folder, 'bank.pem') };
      (await load({ files, names: ['a.example'] })).close();
      const first = await readFile(files.cert, 'utf8');
      est.certificateTtl = 7200;
      const now = Date.now() + 3_000_000;
      vi.spyOn(Date, 'now').mockImplementation(() => now);
      try {
        await using later = await load({ files, login: undefined });
        await expect.poll(() => asked().at(-1)).toBe('POST simplereenroll');
        await expect.poll(() => readFile(`${files.cert}.old`, 'utf8').catch(() => '')).toBe(first);
        expect(await readFile(files.cert, 'utf8')).not.toBe(first);
        await expect.poll(() => later.certificates()[0]!.version).toBe(2);
      } finally {
        vi.restoreAllMocks();
      }
      const { client, headers } = est.asked.at(-1)!;
      expect(client?.fingerprint256).toBe(new X509Certificate(first).fingerprint256);
      expect(headers.authorization).toBeUndefined();
      const [before, again] = est.requests;
      expect(again).toMatchObject({ commonName: 'me.example', names: ['82 a.example'] });
      expect(before!.publicKey.equals(again!.publicKey)).toBe(false);
      expect((await readdir(folder)).sort()).toEqual(['bank.pem', 'bank.pem.old']);
    });
  });

  describe('attack: secrets that show', () => {
    it('the password is sent where it is asked for alone, and is in no error', async () => {
      est.answer = ({ headers }) =>
        headers.authorization
          ? [403, `denied: a secret ${headers.authorization}\u001b[31m`, { 'content-type': 'text/plain' }]
          : undefined;
      const error = await load().catch((reason: Error) => reason);
      expect(error).toMatchObject({ message: expect.stringContaining('denied: ') });
      const shown = inspect([error, source()], { depth: 20, showHidden: true });
      for (const secret of ['a secret', Buffer.from('me:a secret').toString('base64'), '\u001b'])
        expect(shown).not.toContain(secret);
      expect(est.asked.map(({ headers }) => headers.authorization !== undefined)).toEqual([
        false,
        false,
        true,
      ]);
    });
  });

  it('a password in the place of the path of its file is in no error', async () => {
    const error = await load({ login: { user: 'me', password: { file: 'Sesame4711' } } }).catch((e) => e);
    expect(error.message).toContain('login.password');
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('Sesame4711');
  });

  it.each<[string, Partial<Record<keyof EstOptions, unknown>>, string]>([
    ['no address', { address: '' }, 'no address'],
    ['an address that is not https:', { address: 'http://est.example' }, 'not https:'],
    ['an address with a path', { address: 'https://est.example/x' }, 'path'],
    ['a label with a slash', { label: 'a/b' }, 'label'],
    ['a label that climbs', { label: '..' }, 'label'],
    ['no common name', { commonName: undefined }, 'commonName'],
    ['a name with a blank', { names: ['a b'] }, 'not ASCII'],
    ['a login without its password', { login: { user: 'me', password: undefined } }, 'login.password'],
    ['a user with a colon', { login: { user: 'a:b', password: 'x' } }, 'colon'],
    ['a login with more', { login: { ...login, role: 'x' } }, '"role"'],
    ['a certificate that is none', { certificate: 'device.pfx' }, 'certificate'],
    ['an option that is unknown', { lable: 'x' } as object, '"lable"'],
    ['files without a certificate', { files: { key: 'a.key' } }, 'files.cert'],
    ['an onRenewed that is none', { onRenewed: 'x' }, 'onRenewed'],
    ['a trust that is none', { trust: 'all' }, 'trust'],
    ['a ca that is empty', { ca: '' }, 'ca is not written'],
  ])('refuses %s at once', (_, options, said) => {
    expect(() => source(options as Partial<EstOptions>)).toThrow(
      expect.objectContaining({
        code: 'ERR_CLIENTCERT_CONFIG_INVALID',
        message: expect.stringMatching(new RegExp(`^fromEst\\(\\): .*${said}`)),
      }),
    );
  });
});
