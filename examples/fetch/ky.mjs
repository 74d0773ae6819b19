import { createFetch, loadCredentials } from '@clientcert/undici';
import ky from 'ky';

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

const api = ky.create({
  prefixUrl: 'https://api.bank.example',
  fetch: createFetch(credentials),
});

console.log(await api.get('accounts').json());
