import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Authority, createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { VaultLogin, VaultOptions } from '../src/index.ts';
import * as ground from './ground.ts';
import { next, sourceAt } from './ground.ts';
import { servers, setUp, startVault, type Vault } from './real-engine.ts';

for (const [name, program] of servers)
  describe.skipIf(!existsSync(program))(`fromVault() and ${name} itself`, () => tryWith(program));

function tryWith(program: string): void {
  let authority: Authority;
  let vault: Vault;
  let logins: Record<string, VaultLogin>;
  beforeAll(async () => {
    authority = await createAuthority();
    vault = await startVault(program);
    logins = await setUp(vault);
  });
  afterAll(() => vault?.stop());

  const load = (options: Partial<VaultOptions>) =>
    ground.load(sourceAt(vault.url, { mount: 'clients', ...options }), authority);

  it.each(['token', 'approle', 'kubernetes'])(
    'logged in by %s, presents what was signed for what was asked',
    async (method) => {
      await using bank = await ground.startBank(authority, vault.root);
      const names = ['a.me.example', '192.0.2.1', '2001:db8::1', 'spiffe://me.example/payments'];
      await using credentials = await load({ login: logins[method]!, names, ttl: '1h' });
      await bank.call(credentials);
      expect(bank.seen).toMatchObject([{ subject: 'CN=me.example', issuer: 'CN=Issuing' }]);
      const { certificate } = credentials.withSigningKey('https://localhost:1', (key) => key);
      for (const name of ['DNS:a.me.example', 'IP Address:192.0.2.1', 'URI:spiffe://me.example/payments'])
        expect(certificate.subjectAltName).toContain(name);
      expect(certificate.checkIP('2001:db8::1')).toBeDefined();
    },
  );

  it.each(['p-256', 'p-384', 'rsa-2048', 'rsa-3072'] as const)(
    'takes requests of %s keys',
    async (keyType) => {
      await using bank = await ground.startBank(authority, vault.root);
      await using credentials = await load({ login: logins.token!, keyType });
      await bank.call(credentials);
      expect(bank.seen).toHaveLength(1);
    },
  );

  it('is renewed again and again, over the ends of its tokens', async () => {
    await using bank = await ground.startBank(authority, vault.root);
    // Its tokens last 2 seconds, and 4 at most.
    await using credentials = await load({ login: logins.brief!, ttl: '15s' });
    const errors = vi.fn();
    credentials.on('error', errors);
    for (let version = 1; version <= 3; version++) {
      await bank.call(credentials);
      if (version < 3) await next(credentials, 'rotate');
    }
    expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(3);
    expect(errors).not.toHaveBeenCalled();
  });

  it.each<[string, Partial<VaultOptions>, RegExp]>([
    [
      'a name that the role does not allow',
      { commonName: 'other.example' },
      /does not accept.*other\.example not allowed by this role/,
    ],
    [
      'an address that it does not allow',
      { role: 'no-addresses', names: ['192.0.2.1'] },
      /does not accept.*IP/i,
    ],
    ['a role that is unknown', { role: 'nobody' }, /does not accept.*unknown role/],
    ['a mount that is unknown', { mount: 'nothing' }, /refuses it \(403\)|does not know the path/],
    ['a lifetime that it shortens', { ttl: '72h' }, /259200 seconds was asked for, and 3[56]\d\d were given/],
    ['a policy that does not allow it', { role: 'forbidden' }, /refuses it \(403\).*permission denied/],
    [
      'a token that is wrong',
      { login: { method: 'token', token: 's.wrong' } },
      /looking up the token.*\(403\)/,
    ],
    [
      'a secret id that is wrong',
      { login: { method: 'approle', roleId: 'me', secretId: 'wrong' } },
      /logging in \(approle\).*invalid/,
    ],
    [
      'a JWT that is wrong',
      { login: { method: 'kubernetes', role: 'me', jwt: 'a.b.c' } },
      /logging in \(kubernetes\)/,
    ],
  ])('says what is wrong with %s', async (_, options, said) => {
    await expect(load({ login: logins.approle!, ...options })).rejects.toMatchObject({
      message: expect.stringMatching(said),
      hint: expect.any(String),
    });
  });

  it('says that it is sealed', async () => {
    await vault.call('POST', 'sys/seal', {});
    await expect(load({ login: logins.token! })).rejects.toMatchObject({
      message: expect.stringMatching(/sealed or in maintenance \(503\)/),
      hint: expect.stringContaining('Unseal'),
    });
  });

  it.skipIf(process.platform === 'win32')('issues by what the guide has set up', async () => {
    const fresh = await startVault(program);
    const programs = mkdtempSync(join(tmpdir(), 'clientcert-vault-'));
    try {
      symlinkSync(program, join(programs, 'vault'));
      const said = execFileSync('sh', [script], {
        encoding: 'utf8',
        env: {
          ...process.env,
          PATH: `${programs}:${process.env.PATH}`,
          VAULT_ADDR: fresh.url,
          VAULT_TOKEN: fresh.token,
        },
      });
      const [roleId = '', secretId = ''] = said.trim().split('\n').slice(-2);
      const root = await fetch(`${fresh.url}/v1/pki/ca/pem`).then((response) => response.text());
      await using bank = await ground.startBank(authority, root);
      const login = { method: 'approle', roleId, secretId } as const;
      const source = sourceAt(fresh.url, { login, commonName: 'my-service.example', ttl: '72h' });
      await using credentials = await ground.load(source, authority);
      await bank.call(credentials);
      expect(bank.seen).toMatchObject([{ subject: 'CN=my-service.example', issuer: 'CN=Clients' }]);
    } finally {
      rmSync(programs, { recursive: true });
      await fresh.stop();
    }
  });
}

const script = fileURLToPath(new URL('../../../examples/secret-stores/vault-setup.sh', import.meta.url));
