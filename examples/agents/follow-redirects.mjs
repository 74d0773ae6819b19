import { json } from 'node:stream/consumers';
import { loadCredentials } from '@clientcert/core';
import followRedirects from 'follow-redirects';

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

const agents = { https: credentials.agent() };

followRedirects.https.get(
  'https://api.bank.example/accounts',
  { agents },
  async (response) => {
    console.log(await json(response));
  },
);
