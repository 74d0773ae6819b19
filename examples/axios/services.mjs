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
    'Billing.InvoiceService': {
      certificate: 'tax',
      hosts: ['api.bank.example'],
    },
  },
});

const api = axios.create({ baseURL: 'https://api.bank.example' });
clientCertificates(api, credentials);

await api.get('/accounts'); // as the host says: bank
// tax
await api.post(
  '/invoices',
  { amount: 100 },
  { clientCertificate: 'Billing.InvoiceService' },
);
await api.get('/public', { clientCertificate: false }); // none
