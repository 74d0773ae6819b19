import { createFetch, loadCredentials } from '@clientcert/undici';
import { createFetch as createOfetch } from 'ofetch';

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

const api = createOfetch({
  fetch: createFetch(credentials),
  defaults: { baseURL: 'https://api.bank.example' },
});

console.log(await api('/accounts'));
