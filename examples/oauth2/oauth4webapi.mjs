// OAuth 2.0 with mutual TLS (RFC 8705): the certificate authenticates the
// client, and the token is bound to it.
import { createFetch, loadCredentials } from '@clientcert/undici';
import * as oauth from 'oauth4webapi';

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

const options = { [oauth.customFetch]: createFetch(credentials) };
const issuer = new URL('https://auth.bank.example');
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, options),
);

const client = { client_id: 'my-client' };
const grant = await oauth.clientCredentialsGrantRequest(
  server,
  client,
  oauth.TlsClientAuth(),
  new URLSearchParams({ scope: 'accounts' }),
  options,
);
const { access_token } = await oauth.processClientCredentialsResponse(
  server,
  client,
  grant,
);

const accounts = new URL('https://api.bank.example/accounts');
const response = await oauth.protectedResourceRequest(
  access_token,
  'GET',
  accounts,
  undefined,
  null,
  options,
);
console.log(await response.json());
