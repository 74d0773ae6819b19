import { loadCredentials } from '@clientcert/core';
import fetch from 'node-fetch';

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

const agent = credentials.agent();

const response = await fetch('https://api.bank.example/accounts', { agent });
console.log(await response.json());
