// An API behind WSO2 API Manager, secured with mutual SSL and OAuth2. Each of
// our applications has a certificate of its own, which the gateway knows by its
// alias; tokens are bound to it (RFC 8705).
import { createFetch, loadCredentials } from '@clientcert/undici';
import * as client from 'openid-client';

const hosts = ['mtls.bank.example', 'gateway.bank.example'];
const passphrase = process.env.BANK_PASSPHRASE;
const ca = 'bank-root.pem';
const credentials = await loadCredentials({
  certificates: {
    orders: { pfx: 'orders.pfx', passphrase, ca },
    returns: { pfx: 'returns.pfx', passphrase, ca },
  },
  services: {
    Orders: { certificate: 'orders', hosts },
    Returns: { certificate: 'returns', hosts },
  },
});

/**
 * @param {'Orders' | 'Returns'} service
 * @param {string} clientId
 * @param {string} path
 */
async function read(service, clientId, path) {
  const config = await client.discovery(
    new URL('https://auth.bank.example'),
    clientId,
    { use_mtls_endpoint_aliases: true },
    client.TlsClientAuth(),
    { [client.customFetch]: createFetch(credentials, { service }) },
  );
  const { access_token } = await client.clientCredentialsGrant(config);
  const url = new URL(path, 'https://gateway.bank.example');
  const response = await client.fetchProtectedResource(
    config,
    access_token,
    url,
    'GET',
  );
  return await response.json();
}

console.log(await read('Orders', 'orders-app', '/orders/v1'));
console.log(await read('Returns', 'returns-app', '/returns/v1'));

// What the "cnf" of their tokens says
for (const certificate of credentials.certificates()) {
  console.log(certificate.name, certificate['x5t#S256']);
}
