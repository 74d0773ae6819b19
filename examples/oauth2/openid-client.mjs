// OAuth 2.0 with mutual TLS (RFC 8705): the certificate authenticates the
// client, and the token is bound to it.
import { createFetch, loadCredentials } from '@clientcert/undici';
import * as client from 'openid-client';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'auth.bank.example': 'bank', 'api.bank.example': 'bank' },
});

const options = { [client.customFetch]: createFetch(credentials) };
const issuer = new URL('https://auth.bank.example');
const config = await client.discovery(
  issuer,
  'my-client',
  undefined,
  client.TlsClientAuth(),
  options,
);

const { access_token } = await client.clientCredentialsGrant(config, {
  scope: 'accounts',
});
const accounts = new URL('https://api.bank.example/accounts');
const response = await client.fetchProtectedResource(
  config,
  access_token,
  accounts,
  'GET',
);
console.log(await response.json());
