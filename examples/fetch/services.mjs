import { createFetch, loadCredentials } from '@clientcert/undici';

const credentials = await loadCredentials({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PFX_PASSPHRASE, ca: 'bank-root.pem' },
    tax: { pfx: 'tax.pfx', passphrase: process.env.TAX_PFX_PASSPHRASE },
  },
  hosts: { 'api.bank.example': 'bank' },
  services: {
    'Billing.InvoiceService': { certificate: 'tax', hosts: ['api.bank.example'] },
  },
  proxy: 'env',
});

const fetch = createFetch(credentials);
const asInvoices = createFetch(credentials, { service: 'Billing.InvoiceService' });

await (await fetch('https://api.bank.example/accounts')).json(); // as the host says: bank
await (await asInvoices('https://api.bank.example/invoices', { method: 'POST', body: '{}' })).json(); // tax
await (await fetch('https://api.bank.example/public', { clientCertificate: false })).json(); // none
