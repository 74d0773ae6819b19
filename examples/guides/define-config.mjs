import {
  clientCertificates,
  defineConfig,
  loadCredentials,
} from '@clientcert/axios';
import axios from 'axios';

// In a module of its own it is as well checked as where it is used: a rule
// cannot name a certificate that is not there.
const config = defineConfig({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: { env: 'BANK_PASSPHRASE' },
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
});

const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, await loadCredentials(config));
console.log((await api.get('/accounts')).status);
