import axios from 'axios';

const api = axios.create({ baseURL: 'https://api.bank.example' });
const passphrase = process.env.BANK_PASSPHRASE;

// #region six-lines
import { clientCertificates, loadCredentials } from '@clientcert/axios';

const credentials = await loadCredentials({
  certificates: { bank: { pfx: 'bank.pfx', passphrase } },
  hosts: { 'api.bank.example': 'bank' },
});
clientCertificates(api, credentials); // the axios instance you have
// #endregion six-lines

console.log((await api.get('/accounts')).data);
