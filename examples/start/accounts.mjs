import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';

const credentials = await loadCredentials({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  hosts: { 'api.bank.example': 'bank' },
});

const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, credentials);

const { data } = await api.get('/accounts');
console.log(data);
