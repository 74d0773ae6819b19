const { clientCertificates, loadCredentials } = require('@clientcert/axios');
const axios = require('axios');

const credentials = loadCredentials('clientcert.json');
const bank = axios.create({
  baseURL: 'https://api.bank.example',
  timeout: 20_000, // it is slow at noon
});
clientCertificates(bank, credentials);

bank.get('/accounts').then(({ data }) => console.log(data));
