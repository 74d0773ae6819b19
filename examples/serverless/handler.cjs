const { clientCertificates, loadCredentials } = require('@clientcert/axios');
const axios = require('axios');

const bank = axios.create({ baseURL: 'https://api.bank.example' });
// Loading begins with the instance and requests wait for it; where it fails,
// each of them fails with that error.
clientCertificates(
  bank,
  loadCredentials({
    certificates: {
      bank: {
        pfx: { env: 'BANK_PFX' },
        passphrase: { env: 'BANK_PASSPHRASE' },
        ca: 'bank-root.pem',
      },
    },
    hosts: { 'api.bank.example': 'bank' },
    watch: false, // variables do not change
  }),
);

exports.handler = async () => {
  const { status, data } = await bank.get('/accounts');
  return { statusCode: status, body: JSON.stringify(data) };
};
