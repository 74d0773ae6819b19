import { spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { type Authority, createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { engines } from '../../../scripts/engines.mjs';
import { freePort, untilSaid } from '../../../test/spawned.ts';
import type { VaultLogin, VaultOptions } from '../src/index.ts';
import * as ground from './ground.ts';
import { next, sourceAt } from './ground.ts';

for (const [name, program] of [
  ['Vault', engines.vault],
  ['OpenBao', engines.openBao],
] as const) {
  const built = existsSync(program);
  if (!built)
    console.warn(`${name} is not there, so nothing is tried with it: node scripts/engines.mjs builds it`);
  describe.skipIf(!built)(`fromVault() and ${name} itself`, () => tryWith(program));
}

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
}

interface Vault {
  readonly url: string;
  root: string;
  call(method: string, path: string, body?: object): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

const rootToken = 'the root token of a throwaway server'.replaceAll(' ', '-');

/** A server in memory, on loopback. */
async function startVault(program: string): Promise<Vault> {
  const [port, cluster] = [await freePort(), await freePort()];
  const options = [`-dev-listen-address=127.0.0.1:${port}`, `-dev-root-token-id=${rootToken}`];
  const server = spawn(program, ['server', '-dev', '-dev-no-store-token', ...options], {
    env: { ...process.env, VAULT_CLUSTER_ADDR: `https://127.0.0.1:${cluster}` }, // OpenBao reads it as well
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  await untilSaid(server, /Root Token: /);
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    root: '',
    async call(method, path, body) {
      const response = await fetch(`${url}/v1/${path}`, {
        method,
        headers: { 'x-vault-token': rootToken },
        ...(body && { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
      return text === ''
        ? {}
        : ({ ...JSON.parse(text).data, ...JSON.parse(text).auth } as Record<string, string>);
    },
    async stop() {
      server.kill('SIGTERM');
      await once(server, 'exit');
    },
  };
}

/** A root, an authority under it, what it issues for, and each way to log in. */
async function setUp(vault: Vault): Promise<Record<string, VaultLogin>> {
  const write = (path: string, body: object) => vault.call('POST', path, body);
  const config = { max_lease_ttl: '87600h' };
  for (const mount of ['pki', 'clients']) await write(`sys/mounts/${mount}`, { type: 'pki', config });
  const root = await write('pki/root/generate/internal', { common_name: 'Root', ttl: '87000h' });
  vault.root = root.certificate!;
  const { csr } = await write('clients/intermediate/generate/internal', { common_name: 'Issuing' });
  const signed = await write('pki/root/sign-intermediate', { csr, common_name: 'Issuing', ttl: '80000h' });
  const chain = { certificate: `${signed.certificate}\n${root.certificate}` };
  await write('clients/intermediate/set-signed', chain);
  const role = {
    allowed_domains: ['me.example'],
    allow_bare_domains: true,
    allow_subdomains: true,
    allowed_uri_sans: ['spiffe://me.example/*'],
    key_type: 'any',
    max_ttl: '1h',
  };
  await write('clients/roles/bank-client', role);
  await write('clients/roles/no-addresses', { ...role, allow_ip_sans: false });
  await write('clients/roles/forbidden', role);
  const rules = ['bank-client', 'no-addresses', 'nobody'].map(
    (name) => `path "clients/sign/${name}" { capabilities = ["update"] }`,
  );
  await vault.call('PUT', 'sys/policies/acl/clients', { policy: rules.join('\n') });

  await write('sys/auth/approle', { type: 'approle' });
  const tokens = { token_policies: ['clients'] };
  const approle = async (name: string, more: object): Promise<VaultLogin> => {
    await write(`auth/approle/role/${name}`, { ...tokens, ...more });
    await write(`auth/approle/role/${name}/role-id`, { role_id: name });
    const { secret_id: secretId = '' } = await write(`auth/approle/role/${name}/secret-id`, {});
    return { method: 'approle', roleId: name, secretId };
  };
  const { client_token: token = '' } = await write('auth/token/create', { policies: ['clients'], ttl: '1h' });
  return {
    token: { method: 'token', token },
    approle: await approle('me', {}),
    brief: await approle('brief', { token_ttl: '2s', token_max_ttl: '4s' }),
    kubernetes: await trustServiceAccounts(write, tokens),
  };
}

/** As Kubernetes logs in, with the method that checks its tokens without a cluster: the request is the same. */
async function trustServiceAccounts(
  write: (path: string, body: object) => Promise<unknown>,
  tokens: object,
): Promise<VaultLogin> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await write('sys/auth/kubernetes', { type: 'jwt' });
  const key = publicKey.export({ type: 'spki', format: 'pem' });
  await write('auth/kubernetes/config', { jwt_validation_pubkeys: [key] });
  const role = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['vault'], ...tokens };
  await write('auth/kubernetes/role/me', role);
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: 'system:serviceaccount:default:me', aud: 'vault', iat: now, exp: now + 600 };
  const text = [{ alg: 'ES256', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return { method: 'kubernetes', role: 'me', jwt: `${text}.${signature.toString('base64url')}` };
}
