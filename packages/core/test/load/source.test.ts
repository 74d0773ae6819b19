import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { inspectFile, readCertificate, readRoots, readSource } from '../../src/load/index.ts';
import type { CertificateSource } from '../../src/types.ts';
import { withPolluted } from '../support.ts';
import { bytesOf, fixture } from './manifest.ts';
import { chain, codeOf, ecLeaf, identityPem, keyPem, leaf, passphrase, pem, root } from './material.ts';

const directory = mkdtempSync(join(tmpdir(), 'clientcert-load-'));
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, contents: string | Uint8Array, mode = 0o600): string {
  const path = join(directory, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, contents, { mode });
  chmodSync(path, mode);
  return path;
}

const file = bytesOf('pfx/aes128-sha256.p12');
const unix = it.skipIf(process.platform === 'win32');

describe('where bytes come from', () => {
  it('a URL of no file here is said to be one, whatever is wrong with it', async () => {
    for (const url of ['https://a.example/b.pfx', 'file:///a%2Fb.pfx']) {
      expect(await codeOf(readCertificate({ pfx: new URL(url) }))).toBe('CONFIG_INVALID');
      expect(await codeOf(readCertificate({ dir: new URL(url) }))).toBe('CONFIG_INVALID');
    }
  });

  it('a path, relative to the base directory; a file: URL, as URL and as text', async () => {
    const path = write('a/client.pfx', file);
    for (const pfx of ['a/client.pfx', pathToFileURL(path), pathToFileURL(path).href]) {
      const { certificate, files } = await readSource({ pfx, passphrase }, { baseDirectory: directory });
      expect(certificate.certificate.fingerprint256).toBe(leaf.fingerprint256);
      expect(files.map((each) => each.path)).toEqual([path]);
    }
  });

  it.each([
    'C:\\Users\\nina\\bank.pfx',
    'C:\\projects\\node\\bank.pfx',
    'certificates\\new\\bank-of-tomorrow',
    '\\\\server\\share\\name\\bank.pfx',
  ])('a path of Windows: %s', async (pfx) => {
    const error = await readCertificate({ pfx }, { baseDirectory: directory }).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND', message: `${pfx}: does not exist` });
  });

  it('an environment variable, with PEM or base64', async () => {
    for (const text of [
      identityPem,
      identityPem.replaceAll('\n', '\\n'),
      Buffer.from(identityPem).toString('base64'),
    ]) {
      const found = await readCertificate({ pfx: { env: 'CERT' } }, { env: { CERT: text } });
      expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
    }
    const pfx = { env: 'CERT' };
    expect(await codeOf(readCertificate({ pfx }, { env: {} }))).toBe('FILE_NOT_FOUND');
    expect(await codeOf(readCertificate({ pfx }, { env: { CERT: '' } }))).toBe('FILE_EMPTY');
    expect(await codeOf(readCertificate({ pfx }, { env: { CERT: '/etc/tls.pem' } }))).toBe('FORMAT_UNKNOWN');
  });

  it('a function, sync or async', async () => {
    for (const source of [() => ({ pfx: file, passphrase }), async () => ({ pfx: file, passphrase })])
      expect((await readCertificate(source)).certificate.fingerprint256).toBe(leaf.fingerprint256);
    const failing = async (): Promise<never> => {
      throw new Error('vault is sealed');
    };
    const error = await readCertificate(failing, { name: 'bank' }).catch((thrown) => thrown);
    expect(error.code).toBe('ERR_CLIENTCERT_FILE_UNREADABLE');
    expect(error.cause.message).toBe('vault is sealed');
  });

  it('leaves the bytes it was given alone', async () => {
    const given = Buffer.from(file);
    await readCertificate({ pfx: given, passphrase });
    expect(given.equals(file)).toBe(true);
  });

  it('takes nothing that a source does not say itself from a polluted Object.prototype', async () => {
    const pollution = {
      ca: fixture('der/p256.cer'),
      trust: 'only',
      alias: 'nobody',
      dir: directory,
      keyPassphrase: { file: 'nowhere' },
      maxIterations: 1,
      expiryWarningDays: 1e6,
    };
    const plain = { pfx: file, passphrase };
    const clean = await readCertificate(plain);
    const [given, returned, inspected, keyless] = await withPolluted(pollution, () =>
      Promise.all([
        readCertificate(plain),
        readCertificate(() => ({ ...plain })),
        inspectFile(file, { passphrase }),
        withPolluted({ key: 'optional' }, () =>
          readCertificate({ cert: fixture('der/p256.cer') }).catch((e) => e),
        ),
      ]),
    );
    for (const read of [given, returned]) {
      expect(read.ca).toEqual(clean.ca);
      expect(read.warnings).toEqual(clean.warnings);
    }
    expect(inspected.keys).toHaveLength(1);
    expect(keyless).toMatchObject({ code: 'ERR_CLIENTCERT_KEY_MISSING' });
  });

  it('names certificate and file in messages', async () => {
    const path = write('b/none.pem', 'x');
    const error = await readCertificate({ cert: fixture('der/p256.cer'), key: path }, { name: 'bank' }).catch(
      (thrown) => thrown,
    );
    expect(error.message).toMatch(
      /^certificate "bank" \(.*p256\.cer, .*none\.pem\): .*none\.pem: is neither PEM/,
    );
    const missing = await readCertificate(
      { pfx: 'gone.pfx' },
      { name: 'bank', baseDirectory: directory },
    ).catch((thrown) => thrown);
    expect(missing.code).toBe('ERR_CLIENTCERT_FILE_NOT_FOUND');
    expect(missing.message).toBe('certificate "bank" (gone.pfx): does not exist');
    expect(missing.hint).toContain(join(directory, 'gone.pfx'));
    const roots = await readRoots('gone.pem', { name: 'bank' }).catch((thrown) => thrown);
    expect(roots.code).toBe('ERR_CLIENTCERT_FILE_NOT_FOUND');
    expect(roots.hint).toContain('Leave `ca` out where the server has its certificate from an authority');
    expect(missing.hint).not.toContain('Leave `ca` out');
  });

  it.each([
    [{ cert: 'cut', key: 'whole' }, 'cert the text given: has a'],
    [{ cert: 'whole', key: 'cut' }, 'key the text given: has a'],
    [{ cert: 'whole', key: 'whole', ca: 'cut' }, 'ca the text given: has a'],
    [{ cert: 'cut' }, 'the text given: has a'],
  ])('names the one of several texts that it is about, once: %j', async (written, message) => {
    const texts = {
      cut: '-----BEGIN CERTIFICATE-----\nAAAAAAA\n-----END CERTIFICATE-----\n',
      whole: identityPem,
    };
    const source = Object.fromEntries(
      Object.entries(written).map(([name, text]) => [name, texts[text as 'cut' | 'whole']]),
    ) as unknown as CertificateSource;
    const { message: nameless } = await readCertificate(source).catch((thrown) => thrown);
    expect(nameless.slice(0, message.length)).toBe(message);
    const { message: named } = await readCertificate(source, { name: 'bank' }).catch((thrown) => thrown);
    expect(named).toBe(`certificate "bank" (the text given): ${nameless.replace(/^the text given: /, '')}`);
  });

  it('a directory, an empty path, no source at all', async () => {
    expect(await codeOf(readCertificate({ pfx: directory }))).toBe('FILE_UNREADABLE');
    expect(await codeOf(readCertificate({ pfx: '' }))).toBe('FILE_NOT_FOUND');
    expect(await codeOf(readCertificate({ pfx: new URL('https://example.com/client.pfx') }))).toBe(
      'CONFIG_INVALID',
    );
    for (const source of [{}, { pfx: undefined }, null, 5, { pfx: file, dir: directory }, { pfx: 5 }])
      expect(await codeOf(readCertificate(source as never))).toBe('CONFIG_INVALID');
  });

  unix('a file without permission to read, unless we are root', async () => {
    const path = write('c/secret.pfx', file, 0o000);
    expect(['FILE_UNREADABLE', 'none']).toContain(await codeOf(readCertificate({ pfx: path, passphrase })));
  });

  it('more than 5 MiB', async () => {
    const path = write('d/huge.pfx', Buffer.alloc(5 * 2 ** 20 + 1));
    expect(await codeOf(readCertificate({ pfx: path }))).toBe('FILE_TOO_LARGE');
    expect(await codeOf(readCertificate({ pfx: Buffer.alloc(5 * 2 ** 20 + 1) }))).toBe('FILE_TOO_LARGE');
  });

  unix('a device without end', async () => {
    expect(await codeOf(readCertificate({ pfx: '/dev/zero' }))).toBe('FILE_UNREADABLE');
  });
});

describe('passphrases', () => {
  it('from a variable, a file with one newline, a function', async () => {
    const path = write('e/passphrase', `${passphrase}\n`);
    const env = { P: passphrase };
    for (const each of [
      { env: 'P' },
      { file: path },
      { file: pathToFileURL(path) },
      () => passphrase,
      async () => passphrase,
    ])
      expect(
        (await readCertificate({ pfx: file, passphrase: each }, { env })).certificate.fingerprint256,
      ).toBe(leaf.fingerprint256);
    write('e/passphrase2', `${passphrase}\n\n`);
    expect(await codeOf(readCertificate({ pfx: file, passphrase: { file: `${path}2` } }))).toBe(
      'PASSPHRASE_WRONG',
    );
  });

  it('says where a missing one was looked for', async () => {
    const error = await readCertificate({ pfx: file, passphrase: { env: 'NOT_SET' } }, { env: {} }).catch(
      (thrown) => thrown,
    );
    expect(error.code).toBe('ERR_CLIENTCERT_PASSPHRASE_MISSING');
    expect(error.message).toContain('NOT_SET');
    const gone = await readCertificate({ pfx: file, passphrase: { file: '/nowhere/passphrase' } }).catch(
      (thrown) => thrown,
    );
    expect(gone.code).toBe('ERR_CLIENTCERT_FILE_NOT_FOUND');
    expect(gone.message).toContain('passphrase file');
  });

  it.each([0, null, {}])('says what is none: %j', async (none) => {
    const passphrase = none as unknown as string;
    expect(await codeOf(readCertificate({ pfx: file, passphrase }))).toBe('CONFIG_INVALID');
  });
});

describe('no secret in what is thrown', () => {
  const everything = (error: unknown): string => inspect(error, { depth: 12, showHidden: true });

  it('key material that was given as a path by mistake', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const der = privateKey.export({ format: 'der', type: 'pkcs8' });
    const base64 = der.toString('base64');
    const body = base64.slice(16, 60);
    for (const text of [
      base64,
      base64.slice(0, 79),
      `x${base64}`,
      `./${base64}`,
      der.toString('hex'),
      der.toString('base64url'),
    ])
      for (const source of [{ pfx: text }, { cert: pem(ecLeaf), key: text }, { pfx: file, ca: text }]) {
        const error = await readCertificate(source, { name: 'bank' }).catch((thrown) => thrown);
        expect(error.name).toBe('ClientCertificateError');
        expect(everything(error)).not.toContain(body);
        expect(everything(error)).not.toContain(der.toString('hex').slice(40, 80));
      }
  });

  it('passphrases', async () => {
    const secret = 'hunter2-canary';
    for (const name of ['pfx/aes128-sha256.p12', 'pem/p256.p8enc.key', 'jks/rsa.jks', 'bad/trunc2000.p12']) {
      const error = await readCertificate({
        pfx: fixture(name),
        passphrase: secret,
        keyPassphrase: secret,
      }).catch((thrown) => thrown);
      expect(everything(error)).not.toContain('canary');
    }
  });
});

describe('permissions', () => {
  unix('an unencrypted key that others may read', async () => {
    const codes = async (mode: number): Promise<string[]> =>
      (await readCertificate({ cert: write('f/id.pem', identityPem, mode) })).warnings.map(
        ({ code }) => code,
      );
    expect(await codes(0o644)).toEqual(['KEY_FILE_READABLE']);
    expect(await codes(0o640)).toEqual(['KEY_FILE_READABLE']);
    expect(await codes(0o600)).toEqual([]);
    const encrypted = await readCertificate({ pfx: write('f/id.pfx', file, 0o644), passphrase });
    expect(encrypted.warnings).toEqual([]);
  });
});

describe('mounted secrets', () => {
  it('kubernetes.io/tls', async () => {
    write('k8s/tls.crt', pem(leaf) + pem(chain[1]!) + pem(chain[2]!));
    write('k8s/tls.key', keyPem);
    write('k8s/ca.crt', pem(root));
    const { certificate, files } = await readSource({ dir: join(directory, 'k8s') });
    expect(certificate.certificate.fingerprint256).toBe(leaf.fingerprint256);
    expect(certificate.ca.map(({ fingerprint256 }) => fingerprint256)).toEqual([root.fingerprint256]);
    expect(files.map(({ path }) => path.slice(directory.length + 5))).toEqual([
      'tls.crt',
      'tls.key',
      'ca.crt',
    ]);
    write('k8s/ca.crt', '');
    expect((await readCertificate({ dir: join(directory, 'k8s') })).ca).toEqual([]);
  });

  it('cert-manager keystores, with one passphrase for both', async () => {
    write('p12/keystore.p12', file);
    write('p12/truststore.p12', bytesOf('extra/trust.p12'));
    const found = await readCertificate({ dir: join(directory, 'p12'), passphrase });
    expect(found.certificate.fingerprint256).toBe(leaf.fingerprint256);
    expect(found.ca).toHaveLength(2);
    write('jks/keystore.jks', bytesOf('extra/multi.jks'));
    write('jks/truststore.jks', bytesOf('extra/trust.jks'));
    const java = await readCertificate({ dir: join(directory, 'jks'), passphrase, alias: 'ONE' });
    expect(java.certificate.subject).toContain('CN=rsa');
  });

  it('SPIFFE helper', async () => {
    write('spiffe/svid.pem', pem(leaf) + pem(chain[1]!));
    write('spiffe/svid_key.pem', keyPem);
    write('spiffe/svid_bundle.pem', pem(root));
    const found = await readCertificate({ dir: pathToFileURL(join(directory, 'spiffe')) });
    expect(found.chain).toHaveLength(1);
    expect(found.ca).toHaveLength(1);
  });

  it('a directory without any of these', async () => {
    write('empty/readme.txt', 'x');
    expect(await codeOf(readCertificate({ dir: join(directory, 'empty') }))).toBe('FILE_NOT_FOUND');
    expect(await codeOf(readCertificate({ dir: join(directory, 'nowhere') }))).toBe('FILE_NOT_FOUND');
    expect(await codeOf(readCertificate({ dir: join(directory, 'empty/readme.txt') }))).toBe(
      'FILE_UNREADABLE',
    );
  });

  unix('certbot, also through a link to its directory', async () => {
    for (const [name, contents] of [
      ['fullchain', pem(leaf) + pem(chain[1]!) + pem(chain[2]!)],
      ['privkey', keyPem],
    ] as const) {
      write(`letsencrypt/archive/bank.example/${name}1.pem`, contents);
      mkdirSync(join(directory, 'letsencrypt/live/bank.example'), { recursive: true });
      symlinkSync(
        `../../archive/bank.example/${name}1.pem`,
        join(directory, `letsencrypt/live/bank.example/${name}.pem`),
      );
    }
    write('letsencrypt/live/bank.example/README', 'This directory contains your keys and certificates.');
    const live = join(directory, 'letsencrypt/live/bank.example');
    symlinkSync(live, join(directory, 'linked'));
    for (const dir of [live, join(directory, 'linked')]) {
      const { certificate, files } = await readSource({ dir });
      expect(certificate.certificate.fingerprint256).toBe(leaf.fingerprint256);
      expect(certificate.chain).toHaveLength(2);
      expect(files[1]!.path).toBe(join(dir, 'privkey.pem'));
      expect(files[1]!.realpath).toMatch(/archive.bank\.example.privkey1\.pem$/);
    }
  });

  unix('a link that leads to itself', async () => {
    symlinkSync('self.pem', join(directory, 'self.pem'));
    expect(await codeOf(readCertificate({ cert: join(directory, 'self.pem') }))).toBe('FILE_UNREADABLE');
  });
});

describe('roots', () => {
  it('in every format, and never silently nothing', async () => {
    const forms = [
      root.raw,
      pem(root),
      Buffer.from(pem(root)).toString('base64'),
      bytesOf('p7/chain.pem.p7b'),
    ];
    for (const form of forms)
      expect((await readRoots(form)).map(({ fingerprint256 }) => fingerprint256)).toContain(
        root.fingerprint256,
      );
    expect(await readRoots([pem(root), root.raw])).toHaveLength(1);
    expect(await readRoots(bytesOf('extra/trust.jks'))).toHaveLength(1);
    expect(await readRoots(bytesOf('extra/trust.jks'), { passphrase })).toHaveLength(1);
    expect(await readRoots(bytesOf('extra/trust.p12'), { passphrase })).toHaveLength(1);
    expect(await codeOf(readRoots(keyPem))).toBe('CERTIFICATE_MISSING');
    expect(await codeOf(readRoots(bytesOf('pem/p256.p8enc.key')))).toBe('CERTIFICATE_MISSING');
    expect(await codeOf(readRoots('<html><body>Sign in</body></html>'))).toBe('FORMAT_UNSUPPORTED');
    expect(await codeOf(readRoots(bytesOf('extra/trust.p12')))).toBe('PASSPHRASE_MISSING');
  });

  it('in the file are taken out of the chain; those given come beside them, and fill gaps', async () => {
    const found = await readCertificate({ cert: [identityPem, pem(root)], ca: [ecLeaf.raw] });
    expect(found.chain).toHaveLength(2);
    expect(found.ca.map(({ fingerprint256 }) => fingerprint256)).toEqual([
      root.fingerprint256,
      ecLeaf.fingerprint256,
    ]);
    const filled = await readCertificate({
      cert: pem(leaf),
      key: keyPem,
      ca: [pem(chain[1]!), pem(chain[2]!), pem(root)],
    });
    expect(filled.chain).toHaveLength(2);
    expect(filled.warnings).toEqual([]);
  });
});
