import https from 'node:https';
import { loadCredentials } from '@clientcert/core';

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
    // without hosts: where the caller's own request goes
    'Billing.Archive': 'tax',
  },
});

/**
 * @param {string} path
 * @param {https.Agent} agent
 */
const get = (path, agent) =>
  https.get(`https://api.bank.example${path}`, { agent }, (response) =>
    response.resume(),
  );

get('/accounts', credentials.agent()); // bank, as the host says
// tax
get('/invoices', credentials.agent({ service: 'Billing.InvoiceService' }));
// tax
get(
  '/archive',
  credentials.agent({
    service: 'Billing.Archive',
    origin: 'https://api.bank.example',
  }),
);
get('/public', credentials.agent({ service: false })); // none
