// For an SDK that calls Node's own fetch, and has no option for another.
import { createDispatcher, loadCredentials } from '@clientcert/undici';
import { setGlobalDispatcher } from 'undici';

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

// #region differs
setGlobalDispatcher(createDispatcher(credentials));

const response = await fetch('https://api.bank.example/accounts');
console.log(await response.json());
// #endregion differs
