import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientcert } from './run.ts';

const has = (program: string, ...args: string[]) => {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });

let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-convert-slow-'));
  const authority = await createAuthority({ intermediates: 1 });
  const alice = await authority.issue({
    name: 'alice',
    subject: { C: 'NL', O: 'Éxample, B.V.', CN: 'alice' },
    keyType: 'rsa',
    hosts: ['client.example', '192.0.2.7'],
    usage: 'client',
  });
  await writeFile(at('old.pfx'), await alice.pfx('secret1', { encryption: 'legacy-rc2' }));
  vi.stubEnv('SECRET', 'secret1');
});
afterAll(() => rm(directory, { recursive: true }));

const convert = async (to: string, out: string) => {
  const args = ['--passphrase-env', 'SECRET', '--to', to, '--out', at(out)];
  expect(await clientcert('convert', at('old.pfx'), ...args)).toMatchObject({ code: 0 });
};

describe.skipIf(!has('openssl', 'version'))('what convert and csr write, read by openssl', () => {
  it.each(['pfx', 'pfx-legacy'])('%s', async (format) => {
    await convert(format, `${format}.p12`);
    const text = openssl('pkcs12', '-in', at(`${format}.p12`), '-passin', 'env:SECRET', '-nodes');
    expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(text).toContain('BEGIN PRIVATE KEY');
  });

  it('pem, crt, der and p7b', async () => {
    for (const [format, args] of [
      ['pem', ['pkey', '-passin', 'env:SECRET', '-noout']],
      ['crt', ['x509', '-noout', '-subject']],
      ['der', ['x509', '-inform', 'DER', '-noout', '-subject']],
      ['p7b', ['pkcs7', '-inform', 'DER', '-print_certs', '-noout']],
    ] as const) {
      await convert(format, `out.${format}`);
      const text = openssl(...args, '-in', at(`out.${format}`));
      if (format !== 'pem') expect(text).toContain('alice');
    }
  });

  it('a request takes over subject, names and usages, and proves that it has its key', async () => {
    for (const type of ['rsa-2048', 'p-256', 'p-384', 'p-521']) {
      const args = [
        at('old.pfx'),
        '--passphrase-env',
        'SECRET',
        '--key-type',
        type,
        '--out',
        at(`${type}.csr`),
      ];
      expect(await clientcert('csr', ...args)).toMatchObject({ code: 0 });
      const text = openssl(
        'req',
        '-in',
        at(`${type}.csr`),
        '-verify',
        '-text',
        '-noout',
        '-nameopt',
        'RFC2253,utf8,-esc_msb',
      );
      for (const part of [
        'CN=alice',
        'O=Éxample\\, B.V.',
        'DNS:client.example',
        'IP Address:192.0.2.7',
        'TLS Web Client Authentication',
      ])
        expect(text).toContain(part);
      const ours = openssl('pkey', '-in', at(`${type}.key`), '-passin', 'env:SECRET', '-pubout');
      expect(openssl('req', '-in', at(`${type}.csr`), '-pubkey', '-noout')).toBe(ours);
    }
  });

  it('a first request has the subject and names that were written', async () => {
    const args = [
      '--subject',
      'C=NL, O=Example\\, B.V., CN=client',
      '--san',
      'a.example',
      '--san',
      'me@a.example',
      '--san',
      'https://a.example/x',
      '--san',
      '2001:db8::1',
    ];
    expect(await clientcert('csr', ...args, '--plain', '--out', at('first.csr'))).toMatchObject({ code: 0 });
    const text = openssl('req', '-in', at('first.csr'), '-verify', '-text', '-noout');
    expect(text).toMatch(/Subject: C ?= ?NL, O ?= ?"?Example\\?, B.V."?, CN ?= ?client/);
    expect(text).toContain(
      'DNS:a.example, email:me@a.example, URI:https://a.example/x, IP Address:2001:DB8:0:0:0:0:0:1',
    );
  });
});

describe.skipIf(!has('keytool', '-help'))('what convert writes, read by keytool', () => {
  it.each(['pfx', 'pfx-legacy'])('%s', async (format) => {
    await convert(format, `${format}-java.p12`);
    const args = [
      '-list',
      '-v',
      '-storetype',
      'PKCS12',
      '-keystore',
      at(`${format}-java.p12`),
      '-storepass:env',
      'SECRET',
    ];
    const text = execFileSync('keytool', args, { encoding: 'utf8', stdio: 'pipe' });
    expect(text).toContain('PrivateKeyEntry');
    expect(text).toMatch(/chain length: 2/i);
  });
});
