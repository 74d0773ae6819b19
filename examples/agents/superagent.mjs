import { loadCredentials } from '@clientcert/core';
import superagent from 'superagent';

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

const { body } = await superagent
  .get('https://api.bank.example/accounts')
  .agent(agent);
console.log(body);
