// node --env-file=before.env after.mjs
import {
  clientCertificates,
  fromMendixSettings,
  loadCredentials,
} from '@clientcert/axios';
import axios from 'axios';

const credentials = await loadCredentials(fromMendixSettings());

const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, credentials);

await api.get('/accounts'); // bank, as the host says
await api.get('/invoices', { clientCertificate: 'Billing.Invoices' }); // tax
