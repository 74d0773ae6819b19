import { clientCertificates, loadCredentials } from '@clientcert/undici';
import { Agent, request } from 'undici';

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

const dispatcher = new Agent().compose(clientCertificates(credentials));

const call = async (path, options) => {
  const { body } = await request(`https://api.bank.example${path}`, { dispatcher, ...options });
  return body.json();
};
await call('/accounts'); // as the host says: bank
await call('/invoices', { method: 'POST', body: '{}', clientCertificate: 'Billing.InvoiceService' }); // tax
await call('/public', { clientCertificate: false }); // none
