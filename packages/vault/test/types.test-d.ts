import { type Config, fromVault, loadCredentials, type RenewedSource } from '@clientcert/vault';

const source: RenewedSource = fromVault({
  address: process.env.VAULT_ADDR,
  login: { method: 'approle', roleId: { env: 'ROLE_ID' }, secretId: { file: '/run/secrets/id' } },
  role: 'bank-client',
  commonName: 'me.example',
  ttl: '72h',
});

// It stands where a certificate does.
export const config: Config = { certificates: { bank: source } };
const credentials = await loadCredentials({
  certificates: { bank: source },
  hosts: { 'api.bank.example': 'bank' },
});
export const name: 'bank' | undefined = credentials.certificates()[0]?.name;

fromVault({ login: { method: 'kubernetes', role: 'me' }, role: 'r', commonName: 'c', keyType: 'p-384' });
// @ts-expect-error: no way to log in is written
fromVault({ role: 'r', commonName: 'c' });
// @ts-expect-error: a token needs one
fromVault({ login: { method: 'token' }, role: 'r', commonName: 'c' });
// @ts-expect-error: of another method
fromVault({ login: { method: 'token', token: 't', roleId: 'r' }, role: 'r', commonName: 'c' });
// @ts-expect-error: no such key
fromVault({ login: { method: 'token', token: 't' }, role: 'r', commonName: 'c', keyType: 'p-512' });
