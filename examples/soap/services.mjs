import {
  ClientCertificateSecurity,
  loadCredentials,
  soapOptions,
} from '@clientcert/soap';
import soap from 'soap';

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

const client = await soap.createClientAsync(
  'https://api.bank.example/rates?wsdl',
  soapOptions(credentials),
);
await client.GetRateAsync({ currency: 'EUR' }); // as the host says: bank

client.setSecurity(
  new ClientCertificateSecurity(credentials, {
    service: 'Billing.InvoiceService',
  }),
);
await client.GetRateAsync({ currency: 'USD' }); // tax
