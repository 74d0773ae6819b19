import { createFetch, loadCredentials } from '@clientcert/undici';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
  proxy: 'env',
});

const fetch = createFetch(credentials);

const response = await fetch('https://api.bank.example/accounts');
console.log(await response.json());
