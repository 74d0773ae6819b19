import { createFetch, loadCredentials } from '@clientcert/undici';
import { ManagementClient } from 'auth0';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'mtls.login.bank.example': 'bank' },
});

// #region differs
const auth0 = new ManagementClient({
  domain: 'login.bank.example',
  clientId: 'my-client',
  clientSecret: process.env.AUTH0_CLIENT_SECRET ?? '',
  fetch: createFetch(credentials),
  useMTLS: true,
});

const { data } = await auth0.clients.list({ per_page: 10 });
console.log(data.map(({ name }) => name));
// #endregion differs
