import { AuthClient } from '@auth0/auth0-auth-js';
import { createFetch, loadCredentials } from '@clientcert/undici';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'mtls.login.bank.example': 'bank', 'api.bank.example': 'bank' },
});

// #region differs
const fetch = createFetch(credentials);
const auth0 = new AuthClient({
  domain: 'login.bank.example',
  clientId: 'my-client',
  customFetch: fetch,
  useMtls: true, // the addresses that the tenant names for certificates
});

const { accessToken } = await auth0.getTokenByClientCredentials({
  audience: 'https://api.bank.example',
});
const response = await fetch('https://api.bank.example/accounts', {
  headers: { authorization: `Bearer ${accessToken}` },
});
console.log(await response.json());
// #endregion differs
