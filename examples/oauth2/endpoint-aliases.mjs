// RFC 8705, section 5: a server that asks for certificates at other addresses
// than it shows to browsers names them as mtls_endpoint_aliases. Their hosts
// need a rule, too.
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
  hosts: { 'mtls.bank.example': 'bank', 'api.bank.example': 'bank' },
});

const issuer = new URL('https://auth.bank.example');
const metadata = { use_mtls_endpoint_aliases: true };
const options = { [client.customFetch]: createFetch(credentials) };
const config = await client.discovery(
  issuer,
  'my-client',
  metadata,
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
