import { createFetch, loadCredentials } from '@clientcert/undici';

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

const fetch = createFetch(credentials);
const asInvoices = createFetch(credentials, {
  service: 'Billing.InvoiceService',
});

// as the host says: bank
const accounts = await fetch('https://api.bank.example/accounts');
await accounts.json();
// tax
const invoices = await asInvoices('https://api.bank.example/invoices', {
  method: 'POST',
  body: '{}',
});
await invoices.json();
// none
const open = await fetch('https://api.bank.example/public', {
  clientCertificate: false,
});
await open.json();
