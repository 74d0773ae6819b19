const {
  clientCertificates,
  defineConfig,
  loadCredentials,
} = require('@clientcert/axios');
const axios = require('axios');

const config = defineConfig({
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
const api = axios.create({ baseURL: 'https://api.bank.example' });
// Requests wait for the promise; where loading fails, each of them fails with
// that error.
clientCertificates(api, loadCredentials(config));

api.get('/accounts').then(
  ({ data }) => console.log(data),
  (error) => console.error(error.message),
);
// #endregion differs
