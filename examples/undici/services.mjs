import { createDispatcher, loadCredentials } from '@clientcert/undici';
import { request } from 'undici';

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

// #region differs
const dispatcher = createDispatcher(credentials);

// as the host says: bank
const accounts = await request('https://api.bank.example/accounts', {
  dispatcher,
});
await accounts.body.json();

const invoices = await request('https://api.bank.example/invoices', {
  dispatcher,
  clientCertificate: 'Billing.InvoiceService', // tax
});
await invoices.body.json();

// none
const open = await request('https://api.bank.example/public', {
  dispatcher,
  clientCertificate: false,
});
await open.body.json();
// #endregion differs
