import { loadCredentials } from '@clientcert/core';

export const credentials = await loadCredentials({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  tls: 'TLSv1.3', // for every host, unless its rule says otherwise
  hosts: {
    'api.bank.example': 'bank',
    'old.bank.example': { certificate: 'bank', tls: 'TLSv1.2' },
  },
});
