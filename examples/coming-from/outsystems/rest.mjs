import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx', // TripleDES-SHA1
      passphrase: process.env.BANK_PASSPHRASE,
      ca: ['bank-root.pem', 'partner-root.cer'],
    },
    tax: {
      // AES256-SHA256, without its intermediate: that is sent after it
      pfx: ['tax.pfx', 'tax-intermediate.cer'],
      passphrase: process.env.TAX_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: {
    'api.bank.example': 'bank',
    // SetTLSVersion, for a host
    'old.bank.example': { certificate: 'bank', tls: 'TLSv1.2' },
  },
  services: {
    // AddClientCertificate and SetTLSVersion, for a call
    Taxes: { certificate: 'tax', hosts: ['api.bank.example'], tls: 'TLSv1.2' },
  },
});

const api = axios.create();
clientCertificates(api, credentials);

// OnBeforeRequest
api.interceptors.request.use((request) => {
  if (request.url?.includes('/taxes')) request.clientCertificate = 'Taxes';
  return request;
});

await api.get('https://api.bank.example/accounts'); // bank
await api.get('https://api.bank.example/taxes'); // tax, over TLS 1.2
await api.get('https://old.bank.example/accounts'); // bank, over TLS 1.2
