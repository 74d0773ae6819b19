// As a load balancer that ends TLS does it: to try a gateway from inside, where
// the certificate arrives in a header.
import {
  clientCertHeaders,
  createFetch,
  loadCredentials,
} from '@clientcert/undici';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'gateway.bank.example': 'bank' },
});

const url = 'https://gateway.bank.example/accounts';
const header = 'X-WSO2-CLIENT-CERTIFICATE';
const headers = credentials.withSigningKey(url, (key) =>
  clientCertHeaders(key, { header }),
);
const response = await createFetch(credentials)(url, { headers });
console.log(await response.json());
