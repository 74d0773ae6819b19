import { clientCertificates, loadCredentials } from '@clientcert/got';
import got from 'got';

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
  proxy: 'env',
});

const api = got.extend(clientCertificates(credentials));
const invoices = got.extend(
  clientCertificates(credentials, { service: 'Billing.InvoiceService' }),
);

await api('https://api.bank.example/accounts'); // as the host says: bank
// tax
await invoices.post('https://api.bank.example/invoices', {
  json: { amount: 100 },
});
// tax
await api('https://api.bank.example/archive', {
  context: { clientCertificate: 'Billing.InvoiceService' },
});
// none
await api('https://api.bank.example/public', {
  context: { clientCertificate: false },
});
