import { get } from 'node:https';
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

// for every request to every host, as long as the process lives
const agent = credentials.agent();

get('https://api.bank.example/accounts', { agent }, async (response) => {
  console.log(await json(response));
});
