import { loadCredentials } from '@clientcert/core';
import needle from 'needle';

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

needle.defaults({ agent: credentials.agent(), follow_max: 5 });

const { body } = await needle('get', 'https://api.bank.example/accounts');
console.log(body);
