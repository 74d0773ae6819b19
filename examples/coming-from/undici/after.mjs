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
});

const fetch = createFetch(credentials);
console.log(await (await fetch('https://api.bank.example/accounts')).json());
