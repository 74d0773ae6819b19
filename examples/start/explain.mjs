import { loadCredentials } from '@clientcert/axios';

const credentials = await loadCredentials({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  hosts: { 'api.bank.example': 'bank' },
});

console.log(`${credentials.explain('https://api.bank.example/accounts')}`);
