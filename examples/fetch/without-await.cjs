const { createFetch, loadCredentials } = require('@clientcert/undici');

// Calls wait for the promise; where loading fails, each of them fails with that
// error.
const fetch = createFetch(
  loadCredentials({
    certificates: {
      bank: {
        pfx: 'bank.pfx',
        passphrase: process.env.BANK_PASSPHRASE,
        ca: 'bank-root.pem',
      },
    },
    hosts: { 'api.bank.example': 'bank' },
    proxy: 'env',
  }),
);

fetch('https://api.bank.example/accounts')
  .then((response) => response.json())
  .then(
    (accounts) => console.log(accounts),
    (error) => console.error(error.cause?.message ?? error.message),
  );
