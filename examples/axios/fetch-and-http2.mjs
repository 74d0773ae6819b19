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
  proxy: 'env', // axios' fetch adapter does not read the environment by itself
});

// #region differs
const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, credentials);

const overFetch = await api.get('/accounts', { adapter: 'fetch' });
const overHttp2 = await api.get('/accounts', { httpVersion: 2 });
console.log(overFetch.status, overHttp2.status);
// #endregion differs
