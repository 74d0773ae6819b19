// An interceptor chooses the certificate, and with its service's rule the TLS
// version, by what is called.
import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
    tax: { pfx: 'tax.pfx', passphrase: process.env.TAX_PASSPHRASE },
  },
  hosts: { 'api.bank.example': 'bank' },
  services: {
    Taxes: { certificate: 'tax', hosts: ['api.bank.example'], tls: 'TLSv1.2' },
  },
});

const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, credentials);
// #region differs
api.interceptors.request.use((config) => {
  if (config.url?.startsWith('/taxes')) config.clientCertificate = 'Taxes';
  return config;
});

await api.get('/accounts'); // bank
await api.get('/taxes/2026'); // tax, over TLS 1.2
// #endregion differs
