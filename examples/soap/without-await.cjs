const {
  defineConfig,
  loadCredentials,
  soapOptions,
} = require('@clientcert/soap');
const soap = require('soap');

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
// Requests wait for the promise; where loading fails, each of them fails with
// that error.
const credentials = loadCredentials(config);

soap
  .createClientAsync(
    'https://api.bank.example/rates?wsdl',
    soapOptions(credentials),
  )
  .then((client) => client.GetRateAsync({ currency: 'EUR' }))
  .then(
    ([{ rate }]) => console.log(rate),
    (error) => console.error(error.message),
  );
// #endregion differs
