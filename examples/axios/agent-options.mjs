// Options of Node's agents, beside the certificate: how many connections, how
// names are looked up, …
import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';

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
const api = axios.create({
  baseURL: 'https://api.bank.example',
  httpsAgent: credentials.agent({
    maxSockets: 4,
    keepAliveMsecs: 30_000,
    proxy: 'env',
  }),
});
clientCertificates(api, credentials);

const { data } = await api.get('/accounts');
console.log(data);
// #endregion differs
