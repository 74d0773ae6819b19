import { spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { engines } from '../../../scripts/engines.mjs';
import { freePort, untilSaid } from '../../../test/spawned.ts';
import type { VaultLogin } from '../src/index.ts';

/** What speaks this API, by name. */
export const servers = [
  ['Vault', engines.vault],
  ['OpenBao', engines.openBao],
] as const;
for (const [name, program] of servers) {
  if (!existsSync(program))
    console.warn(`${name} is not there, so nothing is tried with it: node scripts/engines.mjs builds it`);
}

export interface Vault {
  readonly url: string;
  /** That may do everything. */
  readonly token: string;
  root: string;
  call(method: string, path: string, body?: object): Promise<Record<string, string>>;
  stop(): Promise<void>;
}

const rootToken = 'the root token of a throwaway server'.replaceAll(' ', '-');

/** A server in memory, on loopback. */
export async function startVault(program: string): Promise<Vault> {
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
    token: rootToken,
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
export async function setUp(vault: Vault): Promise<Record<string, VaultLogin>> {
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
  await write('clients/roles/agent', { ...role, key_type: 'ec' }); // makes the key, so 'any' will not do
  const rules = ['sign/bank-client', 'sign/no-addresses', 'sign/nobody', 'issue/agent'].map(
    (path) => `path "clients/${path}" { capabilities = ["update"] }`,
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
