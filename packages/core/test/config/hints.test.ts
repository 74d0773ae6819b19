import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FileSource, loadCredentials } from '../../src/index.ts';

let directory: string;
let pfx: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-hints-'));
  pfx = join(directory, 'bank.pfx');
  const authority = await createAuthority();
  await writeFile(pfx, await (await authority.issue({ name: 'bank' })).pfx('right'));
});
afterAll(() => rm(directory, { recursive: true }));

const refuse = (source: FileSource): Promise<{ code: string; message: string; hint: string }> =>
  loadCredentials({ certificates: { bank: source }, hosts: { 'api.bank.example': 'bank' } }).then(
    () => expect.unreachable('it was taken'),
    (error) => error,
  );

describe('a hint', () => {
  it.each<[string, Partial<FileSource>, string, string]>([
    ['adds a passphrase where there is none', {}, 'no passphrase was given', 'Add passphrase'],
    [
      'sets the variable of one that is undefined',
      { passphrase: process.env.CLIENTCERT_TEST_UNSET },
      '`passphrase` is written and is undefined',
      'Set the environment variable',
    ],
    [
      'names the variable that is not set',
      { passphrase: { env: 'BANK_PASSPHRASE_UNSET' } },
      'BANK_PASSPHRASE_UNSET is not set',
      'Set BANK_PASSPHRASE_UNSET to the passphrase.',
    ],
  ])('%s', async (_, source, message, hint) => {
    const error = await refuse({ pfx, ...source } as FileSource);
    expect(error.code).toBe('ERR_CLIENTCERT_PASSPHRASE_MISSING');
    expect(error.message).toContain(message);
    expect(error.hint).toContain(hint);
    expect(error.hint.includes('Add')).toBe(hint.startsWith('Add'));
  });

  it('names the variable whose value was written in the place of its name', async () => {
    process.env.CLIENTCERT_TEST_SECRET = 'sw0rdfish-77!';
    try {
      for (const source of [
        { pfx, passphrase: { env: 'sw0rdfish-77!' } },
        { pfx: { env: 'sw0rdfish-77!' } },
      ]) {
        const error = await refuse(source);
        expect(error.hint).toBe(
          "Write { env: 'CLIENTCERT_TEST_SECRET' }: the name of the variable, not its value.",
        );
        expect(error.message).not.toContain('sw0rdfish');
      }
    } finally {
      delete process.env.CLIENTCERT_TEST_SECRET;
    }
  });

  it.each([
    ['a path', { pfx: './certs/gone.pfx' }, './certs/gone.pfx'],
    ['a path without extension', { dir: '/var/run/secrets/gone' }, '/var/run/secrets/gone'],
    ['a directory that is called by a digest', { pfx: `/var/lib/${'0a'.repeat(32)}/bank.pfx` }, '0a0a0a'],
    ['a path of Windows', { pfx: 'C:\\Program Files (x86)\\bank\\client cert.pfx' }, 'client cert.pfx'],
    ['a file name', { cert: 'gone.crt', key: 'gone.key' }, 'gone.crt'],
    ['a mounted secret', { pfx: '/mnt/..2026_11_28_01_02_03.123456789/tls.p12' }, '..2026_11_28'],
    ['a variable', { pfx: { env: 'BANK_P12_BASE64' } }, 'BANK_P12_BASE64'],
  ])('and a message show %s that reads as one', async (_, source, shown) => {
    expect((await refuse(source)).message).toContain(shown);
  });

  it('tells a certificate from a service', async () => {
    await using credentials = await loadCredentials({
      certificates: { bank: { pfx, passphrase: 'right' } },
      hosts: { 'api.bank.example': 'bank' },
    });
    credentials.on('warning', () => {});
    const ask = () => credentials.resolve({ host: 'api.bank.example', service: 'bank' as never });
    expect(ask).toThrow(/"bank" is a certificate and no service/);
    expect(() => credentials.agent({ service: 'bank' as never })).toThrow(/"bank" is a certificate/);
    expect(() => credentials.resolve({ host: 'x.example', service: 'Billing.Invoices' as never })).toThrow(
      'no service is called "Billing.Invoices"',
    );
  });

  it.each([
    ['the config', Promise.resolve({}), 'the config: is a promise'],
    ['a certificate', { certificates: { bank: Promise.resolve({ pfx }) } }, '["bank"]: is a promise'],
    ['bytes', { certificates: { bank: { pfx: Promise.resolve(pfx) } } }, '.pfx: is a promise'],
    [
      'a passphrase',
      { certificates: { bank: { pfx, passphrase: Promise.resolve('right') } } },
      '.passphrase: is',
    ],
    ['a rule', { hosts: { 'a.example': Promise.resolve({ server: 'x' }) } }, '["a.example"]: is a promise'],
  ])('says of a promise that it is one: %s', async (_, config, said) => {
    const error = await loadCredentials(config as never).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      message: expect.stringMatching(/^the config:[^\n]* is a promise: write `await` before it$/),
    });
    expect((error as Error).message).toContain(said);
  });

  it('says what to write for SOCKS', async () => {
    await expect(loadCredentials({ proxy: 'socks5://proxy.example:1080' })).rejects.toThrow(
      /is a SOCKS proxy.*http:/,
    );
    await using credentials = await loadCredentials({});
    expect(() => credentials.agent({ proxy: 'socks5://user:secret@proxy.example' })).toThrow(
      /is a SOCKS proxy/,
    );
  });

  it('refuses a target whose host no name in the DNS has', async () => {
    await using credentials = await loadCredentials({});
    for (const url of ['https://example!.org', 'https://exa$mple.org', "https://ex'ample.org"]) {
      expect(() => credentials.resolve(url)).toThrow(/is not a host name|not shown/);
    }
  });
});
