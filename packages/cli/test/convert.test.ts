import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { inspectFile, readCertificate } from '@clientcert/core';
import { type Authority, createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientcert, json } from './run.ts';

let directory: string;
let authority: Authority;
let alice: IssuedCertificate;
const at = (name: string) => join(directory, name);
const modeOf = async (file: string) => (await stat(file)).mode & 0o777;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-convert-'));
  authority = await createAuthority({ intermediates: 1 });
  alice = await authority.issue({ name: 'alice' });
  await writeFile(at('old.pfx'), await alice.pfx('sécret €', { encryption: 'legacy-rc2' }));
  await writeFile(at('alice.crt'), alice.cert);
  await writeFile(at('alice.key'), alice.key, { mode: 0o600 });
  await writeFile(at('windows-secret'), Buffer.from('\ufeffsécret €\r\n', 'utf16le'));
  vi.stubEnv('SECRET', 'sécret €');
  vi.stubEnv('OTHER', 'another');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true });
});

const convert = (...args: string[]) =>
  clientcert('convert', at('old.pfx'), '--passphrase-env', 'SECRET', ...args);

describe('convert', () => {
  it('writes a PFX that Node opens itself, under the same passphrase, for its owner alone', async () => {
    expect(await convert('--to', 'pfx', '--out', at('new.pfx'))).toMatchObject({ code: 0, out: '' });
    const pfx = await readFile(at('new.pfx'));
    expect(() => createSecureContext({ pfx, passphrase: 'sécret €' })).not.toThrow();
    const read = await readCertificate({ pfx, passphrase: 'sécret €' });
    expect(read.certificate.fingerprint256).toBe(alice.fingerprint256);
    expect(read.chain).toHaveLength(1);
    expect(read.warnings).toEqual([]);
    expect(await modeOf(at('new.pfx'))).toBe(0o600);
  });

  it('takes the passphrase as Windows wrote it into a file', async () => {
    const args = ['--passphrase-file', at('windows-secret'), '--to', 'pfx', '--out', at('win.pfx')];
    expect(await clientcert('convert', at('old.pfx'), ...args)).toMatchObject({ code: 0 });
    const { certificate } = await readCertificate({ pfx: at('win.pfx'), passphrase: 'sécret €' });
    expect(certificate.fingerprint256).toBe(alice.fingerprint256);
  });

  it('writes TripleDES-SHA1 for what is old, under a passphrase of its own', async () => {
    const args = ['--to', 'pfx-legacy', '--out-passphrase-env', 'OTHER', '--out', at('legacy.pfx')];
    expect((await convert(...args)).code).toBe(0);
    const { format, keys } = await inspectFile(at('legacy.pfx'), { passphrase: 'another' });
    expect(format.algorithms.join()).toMatch(/3DES|TripleDES/);
    expect(format.algorithms.join()).toMatch(/MAC .*SHA-?1/i);
    expect(keys).toHaveLength(1);
  });

  it('writes PEM, encrypted unless --plain says otherwise', async () => {
    await convert('--to', 'pem', '--out', at('sealed.pem'));
    const sealed = await readFile(at('sealed.pem'), 'utf8');
    expect(sealed.match(/BEGIN [A-Z ]+/g)).toEqual([
      'BEGIN CERTIFICATE',
      'BEGIN CERTIFICATE',
      'BEGIN ENCRYPTED PRIVATE KEY',
    ]);
    expect(() =>
      createPrivateKey({ key: sealed.slice(sealed.indexOf('-----BEGIN ENC')), passphrase: 'sécret €' }),
    ).not.toThrow();
    await convert('--to', 'pem', '--plain', '--out', at('plain.pem'));
    const plain = await readFile(at('plain.pem'), 'utf8');
    expect(() => createSecureContext({ cert: plain, key: plain })).not.toThrow();
    expect(await modeOf(at('plain.pem'))).toBe(0o600);
    const { err } = await convert('--to', 'pem', '--plain', '--force', '--out', at('plain.pem'));
    expect(err).toContain('NOT encrypted');
  });

  it.each(['crt', 'der', 'p7b'])(
    'writes %s without the key, also of a file that has none',
    async (format) => {
      for (const source of ['old.pfx', 'alice.crt']) {
        const out = at(`${source}.${format}`);
        const { code } = await clientcert(
          'convert',
          at(source),
          '--passphrase-env',
          'SECRET',
          '--to',
          format,
          '--out',
          out,
        );
        expect(code).toBe(0);
        const { keys, certificates } = await inspectFile(out);
        expect(keys).toEqual([]);
        expect(certificates[0]!.certificate.fingerprint256).toBe(alice.fingerprint256);
        expect(certificates).toHaveLength(source === 'old.pfx' && format !== 'der' ? 2 : 1);
      }
    },
  );

  it('puts a certificate and its key together, and says which passphrase is missing', async () => {
    const pair = [at('alice.crt'), at('alice.key'), '--to', 'pfx', '--out', at('pair.pfx')];
    const refused = await clientcert('convert', ...pair);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('--out-passphrase-env') });
    expect((await clientcert('convert', ...pair, '--out-passphrase-env', 'OTHER')).code).toBe(0);
    const { certificate } = await readCertificate({ pfx: at('pair.pfx'), passphrase: 'another' });
    expect(certificate.fingerprint256).toBe(alice.fingerprint256);
    expect(
      await json(
        'convert',
        at('alice.crt'),
        '--to',
        'pfx',
        '--out',
        at('none.pfx'),
        '--out-passphrase-env',
        'OTHER',
      ),
    ).toMatchObject({
      ok: false,
      errors: [{ code: 'ERR_CLIENTCERT_KEY_MISSING' }],
    });
  });

  it('writes no key under an empty passphrase, wherever that comes from, and says so', async () => {
    vi.stubEnv('EMPTY', '');
    await writeFile(at('empty.txt'), '\n');
    await writeFile(at('open.pfx'), await alice.pfx(''));
    const pair = ['convert', at('alice.crt'), at('alice.key'), '--out', at('weak')];
    const same = ['convert', at('open.pfx'), '--passphrase-env', 'EMPTY', '--out', at('weak')];
    for (const line of [
      [...pair, '--to', 'pfx', '--out-passphrase-env', 'EMPTY'],
      [...pair, '--to', 'pem', '--out-passphrase-file', at('empty.txt')],
      [...same, '--to', 'pem'],
      ['csr', at('alice.crt'), '--out', at('weak'), '--out-passphrase-env', 'EMPTY'],
    ]) {
      const { code, err } = await clientcert(...line);
      expect([code, err.replace(/\s+/g, ' ')]).toEqual([
        1,
        expect.stringMatching(/key (?:is empty|has no passphrase).*--plain/),
      ]);
      expect(await readdir(directory)).not.toContain('weak');
    }
    expect(await readdir(directory)).not.toContain('weak.key');
    expect((await clientcert(...same, '--to', 'pem', '--plain')).code).toBe(0);
  });

  it('says how a passphrase is given to a command, and names a file that is not there', async () => {
    const args = ['convert', at('old.pfx'), '--to', 'pfx', '--out', at('never.pfx')];
    for (const line of [args, ['inspect', at('old.pfx')]]) {
      const { code, out, err } = await clientcert(...line);
      expect([code, (out + err).replace(/\s+/g, ' ')]).toEqual([
        1,
        expect.stringMatching(/--passphrase-env NAME or --passphrase-file FILE/),
      ]);
    }
    for (const [option, file, reason] of [
      ['--passphrase-file', 'nope.txt', /is not there: nope\.txt/],
      ['--out-passphrase-file', 'nope.txt', /--out-passphrase-file is not there: nope\.txt/],
      ['--out-passphrase-file', directory, /cannot be read: EISDIR/],
    ] as const) {
      const given = option === '--passphrase-file' ? [] : ['--passphrase-env', 'SECRET'];
      const { code, err } = await clientcert(...args, ...given, option, file);
      expect([code, err.replace(/\s+/g, ' ')]).toEqual([1, expect.stringMatching(reason)]);
      expect(err).toContain('→');
      expect(err).not.toContain('--debug');
    }
  });

  it('never replaces a file without --force, nor follows a link, nor leaves anything behind', async () => {
    const place = at('place');
    await mkdir(place);
    await writeFile(join(place, 'mine'), 'precious');
    await symlink(join(place, 'mine'), join(place, 'link'));
    await symlink(join(place, 'nowhere'), join(place, 'dangling'));
    for (const name of ['mine', 'link', 'dangling']) {
      const { code, err } = await convert('--to', 'crt', '--out', join(place, name));
      expect([name, code, err]).toEqual([name, 1, expect.stringContaining('--force')]);
    }
    expect(await readFile(join(place, 'mine'), 'utf8')).toBe('precious');
    expect(await readlink(join(place, 'link'))).toBe(join(place, 'mine'));
    expect((await convert('--to', 'crt', '--force', '--out', join(place, 'link'))).code).toBe(0);
    expect(await readFile(join(place, 'mine'), 'utf8')).toBe('precious');
    expect((await lstat(join(place, 'link'))).isSymbolicLink()).toBe(false);
    expect((await convert('--to', 'crt', '--force', '--out', place)).code).toBe(1);
    expect((await convert('--to', 'crt', '--out', join(place, 'no/such'))).err).toContain('does not exist');
    expect((await readdir(place)).sort()).toEqual(['dangling', 'link', 'mine']);
  });

  it('writes to standard output, and nothing else there', async () => {
    const write = vi.spyOn(process.stdout, 'write').mockImplementation(((_: unknown, done: () => void) => {
      done();
      return true;
    }) as never);
    const { code, err } = await convert('--to', 'der', '--out', '-');
    const written = write.mock.calls.map(([bytes]) => bytes);
    write.mockRestore();
    expect([code, err]).toEqual([0, '']);
    expect(new X509Certificate(written[0] as Buffer).fingerprint256).toBe(alice.fingerprint256);
    expect((await convert('--to', 'der', '--out', '-', '--json')).code).toBe(1);
  });
});

describe('csr', () => {
  it('makes a key of the same kind, under the same passphrase, and never writes over one', async () => {
    const args = [at('old.pfx'), '--passphrase-env', 'SECRET', '--out', at('next.csr')];
    expect(await clientcert('csr', ...args)).toMatchObject({ code: 0, out: '' });
    expect(await modeOf(at('next.key'))).toBe(0o600);
    const key = await readFile(at('next.key'), 'utf8');
    const made = createPrivateKey({ key, passphrase: 'sécret €' });
    expect(made.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
    expect(await readFile(at('next.csr'), 'utf8')).toMatch(/^-----BEGIN CERTIFICATE REQUEST-----/);
    expect((await clientcert('csr', ...args)).code).toBe(1);
    expect(await readFile(at('next.key'), 'utf8')).toBe(key);
  });

  it('writes no request in the place of its key', async () => {
    const args = ['--subject', 'CN=x', '--plain', '--force', '--out', at('one.key')];
    expect(await clientcert('csr', ...args)).toMatchObject({
      code: 1,
      err: expect.stringContaining('--key-out'),
    });
    // One file on macOS and Windows, and one by another way to its directory.
    await symlink(directory, at('here'), 'junction');
    for (const other of ['ONE.key', join('here', 'one.key')])
      expect((await clientcert('csr', ...args, '--key-out', at(other))).err).toContain('--key-out');
    await expect(readFile(at('one.key'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await clientcert('csr', ...args, '--key-out', at('other.key'))).code).toBe(0);
  });

  it('says what a subject must look like', async () => {
    for (const args of [
      [],
      ['--subject', 'alice'],
      ['--subject', 'XX=1'],
      ['--subject', 'C=Netherlands'],
      ['--subject', ''],
    ]) {
      const { code, err } = await clientcert('csr', '--plain', '--out', at('no.csr'), ...args);
      expect([args, code, err.length > 0]).toEqual([args, 1, true]);
    }
    expect((await clientcert('csr', '--subject', 'CN=x', '--plain', '--out', '-')).err).toContain(
      '--key-out',
    );
  });
});
