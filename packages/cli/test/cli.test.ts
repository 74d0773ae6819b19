import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority, type IssuedCertificate, writePfx } from '@clientcert/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../src/index.ts';
import { daysLeft } from '../src/text.ts';
import { clientcert } from './run.ts';

let directory: string;
let authority: Authority;
let alice: IssuedCertificate;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-cli-'));
  authority = await createAuthority({ intermediates: 1 });
  alice = await authority.issue({ name: 'alice' });
  await writeFile(at('bank.pfx'), await alice.pfx('secret', { friendlyName: 'for the bank' }));
  await writeFile(at('old.pfx'), await alice.pfx('secret', { encryption: 'legacy-rc2' }));
  await writeFile(at('passphrase'), 'secret\n');
  vi.stubEnv('PASSPHRASE', 'secret');
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => rm(directory, { recursive: true }));

const longest = (text: string) => Math.max(...text.split('\n').map((line) => [...line].length));

describe('inspect', () => {
  it('shows identity, chain, what encrypts the file, and the lines to paste', async () => {
    const { code, out } = await clientcert('inspect', at('bank.pfx'), '--passphrase-env', 'PASSPHRASE');
    expect(code).toBe(0);
    for (const part of [
      'for the bank',
      'CN=alice',
      alice.fingerprint256.slice(0, 47),
      'PBES2 AES-256-CBC',
      'opens it in 20, 22, 24, 26',
      'client authentication',
      '└─',
      'BANK_PASSPHRASE',
    ])
      expect(out).toContain(part);
    expect(out).not.toContain('secret');
    const paths = out.split('\n').filter((line) => !line.includes(directory));
    expect(longest(paths.join('\n'))).toBeLessThanOrEqual(80);
  });

  it('says of an RC2 file that no Node opens it, and warnings do not fail', async () => {
    const { code, out } = await clientcert(
      'inspect',
      at('old.pfx'),
      '--passphrase-file',
      at('passphrase'),
      '--json',
    );
    expect(code).toBe(0);
    const [report] = JSON.parse(out);
    expect(report).toMatchObject({ verdict: 'warning', format: 'PKCS#12', opensIn: [] });
    expect(report.identities[0]).toMatchObject({
      subject: 'CN=alice',
      fingerprint256: alice.fingerprint256,
      warnings: [{ code: 'LEGACY_ENCRYPTION' }],
    });
    expect(report.identities[0].chain).toHaveLength(1);
  });

  it('takes a passphrase file as Windows shells write it', async () => {
    await writeFile(at('utf16'), Buffer.from('\ufeffsecret\r\n', 'utf16le'));
    const { out } = await clientcert('inspect', at('bank.pfx'), '--passphrase-file', at('utf16'), '--json');
    expect(JSON.parse(out)[0]).toMatchObject({ identities: [{ subject: 'CN=alice' }] });
  });

  it('exits with 1 for a wrong passphrase, a missing one and a file that is none, each with its code', async () => {
    vi.stubEnv('WRONG', 'wrong');
    await writeFile(at('page.cer'), '<!DOCTYPE html><html><body>Sign in</body></html>');
    for (const [args, error] of [
      [[at('bank.pfx'), '--passphrase-env', 'WRONG'], 'ERR_CLIENTCERT_PASSPHRASE_WRONG'],
      [[at('bank.pfx'), '--passphrase-env', 'UNSET_VARIABLE'], 'ERR_CLIENTCERT_PASSPHRASE_MISSING'],
      [[at('bank.pfx'), '--passphrase-file', at('none')], 'ERR_CLIENTCERT_FILE_NOT_FOUND'],
      [[at('bank.pfx')], 'ERR_CLIENTCERT_PASSPHRASE_MISSING'],
      [[at('page.cer')], 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED'],
      [[at('none.pfx')], 'ERR_CLIENTCERT_FILE_NOT_FOUND'],
    ] as const) {
      const { code, out } = await clientcert('inspect', ...args, '--json');
      expect([code, JSON.parse(out)[0]]).toMatchObject([1, { verdict: 'unusable', error: { code: error } }]);
    }
  });

  it('lists every identity of a file that holds several, each with its alias', async () => {
    const bob = await authority.issue({ name: 'bob' });
    await writeFile(at('both.pfx'), await writePfx([alice, bob], 'secret'));
    const { out } = await clientcert('inspect', at('both.pfx'), '--passphrase-env', 'PASSPHRASE', '--json');
    const [report] = JSON.parse(out);
    expect(report.identities.map(({ subject }: { subject: string }) => subject)).toEqual([
      'CN=alice',
      'CN=bob',
    ]);
    expect(report.identities[1].config.join('')).toContain(bob.fingerprint256.replaceAll(':', ''));
  });

  it('takes a certificate and its key as one, with the chain beside them, and prints the config for both', async () => {
    await writeFile(at('leaf.pem'), alice.cert);
    await writeFile(at('leaf.key'), alice.key, { mode: 0o600 });
    await writeFile(at('chain.pem'), alice.chain);
    const { code, out } = await clientcert('inspect', at('leaf.pem'), at('leaf.key'), at('chain.pem'));
    // On Windows in double quotes, for the backslashes.
    const config = out.replaceAll('"', "'").replaceAll('\\\\', '\\');
    expect(config).toContain(`cert: ['${at('leaf.pem')}', '${at('chain.pem')}']`);
    expect(config).toContain(`key: '${at('leaf.key')}'`);
    expect(out).not.toContain('CHAIN_INCOMPLETE');
    expect(code).toBe(0);
  });

  it('says where a key does not belong to the certificate beside it', async () => {
    const bob = await authority.issue({ name: 'bob' });
    await writeFile(at('leaf.pem'), alice.cert);
    await writeFile(at('other.key'), bob.key);
    const { code, out } = await clientcert('inspect', at('leaf.pem'), at('other.key'));
    expect(out).toContain('ERR_CLIENTCERT_KEY_MISMATCH');
    expect(code).toBe(1);
  });

  it('says of a certificate alone and of a key alone what is missing', async () => {
    await writeFile(at('alice.cer'), alice.cert);
    await writeFile(at('alice.key'), alice.key);
    expect(await clientcert('inspect', at('alice.cer'))).toMatchObject({
      code: 0,
      out: expect.stringContaining('No private key'),
    });
    const { out } = await clientcert('inspect', at('alice.key'));
    expect(out).toContain('A key without its certificate');
    expect(out).not.toContain(alice.key.split('\n')[1]);
  });
});

describe('check and explain', () => {
  beforeAll(async () => {
    const expired = await authority.issue({ name: 'expired', expired: true });
    await writeFile(at('expired.pfx'), await expired.pfx('secret'));
    const bank = { pfx: 'bank.pfx', passphrase: { env: 'PASSPHRASE' } };
    const config = {
      certificates: { bank },
      hosts: { 'api.bank.example': 'bank', 'status.bank.example': false },
      services: { 'Billing.Archive': 'bank' },
    };
    const save = (name: string, value: unknown) => writeFile(at(name), JSON.stringify(value));
    await save('good.json', config);
    await save('spare.json', { ...config, certificates: { bank, spare: { ...bank, pfx: 'old.pfx' } } });
    await save('expired.json', { ...config, certificates: { bank: { ...bank, pfx: 'expired.pfx' } } });
    await save('wrong.json', {
      ...config,
      hosts: { 'api.bank.example': 'bnak', 'https://x.example': 'bank' },
    });
    await save('missing.json', {
      ...config,
      certificates: { bank: { ...bank, pfx: 'none.pfx' }, tax: { ...bank, pfx: 'neither.pfx' } },
    });
  });

  it('check lists every certificate and rule of a good config', async () => {
    const { code, out } = await clientcert('check', at('good.json'));
    expect(code).toBe(0);
    for (const part of [
      'bank',
      'CN=alice',
      'hosts["api.bank.example"] → bank',
      'none, ever',
      '1 certificate, 3 rules',
    ])
      expect(out).toContain(part);
    expect(longest(out)).toBeLessThanOrEqual(100);
  });

  it('check exits with 2 for a warning only with --strict', async () => {
    expect((await clientcert('check', at('spare.json'))).code).toBe(0);
    const { code, out } = await clientcert('check', at('spare.json'), '--strict', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(out).warnings.map((warning: { code: string }) => warning.code)).toContain(
      'CERTIFICATE_UNUSED',
    );
  });

  it('check exits with 1 for an expired certificate, for wrong rules and for missing files, and names each', async () => {
    expect(await clientcert('check', at('expired.json'))).toMatchObject({
      code: 1,
      out: expect.stringContaining('expired'),
    });
    const wrong = await clientcert('check', at('wrong.json'));
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('bnak');
    expect(wrong.err).toContain('https://x.example');
    const missing = await clientcert('check', at('missing.json'), '--json');
    expect(JSON.parse(missing.out).errors.map(({ code }: { code: string }) => code)).toEqual([
      'ERR_CLIENTCERT_FILE_NOT_FOUND',
      'ERR_CLIENTCERT_FILE_NOT_FOUND',
    ]);
  });

  it('explain says which certificate goes to a URL, and why none goes to another port', async () => {
    const { code, out } = await clientcert(
      'explain',
      'https://api.bank.example/accounts',
      '--config',
      at('good.json'),
    );
    expect(code).toBe(0);
    expect(out).toContain('CN=alice');
    expect(longest(out)).toBeLessThanOrEqual(80);
    const other = await clientcert('explain', 'https://api.bank.example:8443', '--config', at('good.json'));
    expect(other.out).toMatch(/443/);
    expect(other.out).toMatch(/Certificate\s+none/);
    const service = await clientcert(
      'explain',
      'https://soap.example',
      '--service',
      'Billing.Archive',
      '--config',
      at('good.json'),
      '--json',
    );
    expect(JSON.parse(service.out).resolution.certificate).toBe('bank');
  });

  it('explain says that none goes to http:, as a service too', async () => {
    const as = ['--service', 'Billing.Archive', '--config', at('good.json')];
    const { out } = await clientcert('explain', 'http://soap.example', ...as);
    expect(out).toMatch(/^http:.*no handshake.*Certificate\s+none/s);
    const { err } = await clientcert(
      'explain',
      'http://soap.example',
      '--service',
      'Billing.Archives',
      ...as.slice(2),
    );
    expect(err).toContain('ERR_CLIENTCERT_SERVICE_UNKNOWN');
  });

  it('explain takes an address without its scheme', async () => {
    const { out } = await clientcert('explain', 'localhost:18443', '--config', at('good.json'));
    expect(out).toContain('https://localhost:18443');
    const { err } = await clientcert('explain', 'ftp://localhost', '--config', at('good.json'));
    expect(err).toContain('https');
  });

  it('says where a config was looked for, and how to name one', async () => {
    vi.stubEnv('CLIENTCERT_CONFIG', '');
    for (const args of [['check'], ['explain', 'https://api.bank.example']]) {
      const { code, err } = await clientcert(...args);
      expect([code, err.replace(/\s+/g, ' ')]).toEqual([
        1,
        expect.stringMatching(/no clientcert\.json in .*--config FILE/),
      ]);
    }
  });

  it('explain takes the config of CLIENTCERT_CONFIG, and names an unknown service', async () => {
    vi.stubEnv('CLIENTCERT_CONFIG', at('good.json'));
    expect((await clientcert('explain', 'https://api.bank.example')).code).toBe(0);
    expect(
      await clientcert('explain', 'https://api.bank.example', '--service', 'Billing.Archives'),
    ).toMatchObject({
      code: 1,
      err: expect.stringContaining('Billing.Archive'),
    });
  });
});

it('counts whole days on both sides of the end', () => {
  expect([1, 0, -1, -2, -3].map(daysLeft)).toEqual([
    '1 day left',
    'less than a day left',
    'expired less than a day ago',
    'expired 1 day ago',
    'expired 2 days ago',
  ]);
});

it('an unknown command exits with 1 and says so', async () => {
  await cp(at('bank.pfx'), at('copy.pfx'));
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  expect(await run(['inspct', at('copy.pfx')])).toBe(1);
  expect(write.mock.calls.join('')).toContain('inspect');
});

it('a passphrase as an argument is refused, is not repeated, and where it goes is said', async () => {
  const write = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  expect(await run(['inspect', at('bank.pfx'), '--passphrase=hunter2'])).toBe(1);
  const said = write.mock.calls.join('');
  expect(said).toContain('--passphrase-env NAME');
  expect(said).not.toContain('hunter2');
});

it('says of a passphrase that was not given nothing but that', async () => {
  const { out } = await clientcert('inspect', at('bank.pfx'));
  expect(out).toContain('PASSPHRASE_MISSING');
  expect(out).not.toContain('undefined');
});

it('prints its version', async () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  expect(await run(['--version'])).toBe(0);
  expect(write.mock.calls.join('')).toMatch(/^\d+\.\d+\.\d+/);
});
