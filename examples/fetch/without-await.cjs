const {
  createFetch,
  defineConfig,
  loadCredentials,
} = require('@clientcert/undici');

const config = defineConfig({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
  proxy: 'env',
});

// #region differs
// Calls wait for the promise; where loading fails, each of them fails with that
// error.
const fetch = createFetch(loadCredentials(config));

fetch('https://api.bank.example/accounts')
  .then((response) => response.json())
  .then(
    (accounts) => console.log(accounts),
    (error) => console.error(error.cause?.message ?? error.message),
  );
// #endregion differs
