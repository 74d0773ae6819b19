import { type Credentials, clientCertificates, loadCredentials } from '@clientcert/axios';
import { createAuthority, type IssuedCertificate } from '@clientcert/testing';
import axios from 'axios';

const authority = await createAuthority();
const alice: IssuedCertificate = await authority.issue({ name: 'alice' });
const credentials = await loadCredentials({
  certificates: { bank: { cert: alice.cert, key: alice.key, passphrase: process.env.BANK_PASSPHRASE } },
  hosts: { 'api.bank.example': 'bank' },
});
const general: Credentials = credentials;
const api = axios.create();
const eject: () => void = clientCertificates(api, general);
await api.get('https://api.bank.example', { clientCertificate: false });
// @ts-expect-error: a service's name, or false
await api.get('https://api.bank.example', { clientCertificate: 1 });
eject();
