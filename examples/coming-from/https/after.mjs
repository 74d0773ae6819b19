import https from 'node:https';
import { json } from 'node:stream/consumers';
import { loadCredentials } from '@clientcert/core';

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

https.get('https://api.bank.example/accounts', { agent }, async (response) => {
  console.log(await json(response));
});
