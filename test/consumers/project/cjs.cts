import { type Credentials, clientCertificates, loadCredentials } from '@clientcert/axios';

import axios = require('axios');

async function main(): Promise<void> {
  const credentials: Credentials = await loadCredentials({
    certificates: { bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE } },
    hosts: { 'api.bank.example': { certificate: 'bank', tls: 'TLSv1.2' } },
  });
  const api = axios.create();
  clientCertificates(api, credentials);
  await api.get('https://api.bank.example', { clientCertificate: false });
  // @ts-expect-error: a service's name, or false
  await api.get('https://api.bank.example', { clientCertificate: 1 });
}

void main;
