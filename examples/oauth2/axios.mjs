// OAuth 2.0 with mutual TLS (RFC 8705): the certificate authenticates the
// client, and the token is bound to it.
import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'auth.bank.example': 'bank', 'api.bank.example': 'bank' },
});

const api = axios.create();
clientCertificates(api, credentials);

const grant = new URLSearchParams({
  grant_type: 'client_credentials',
  client_id: 'my-client',
  scope: 'accounts',
});
const { data: token } = await api.post(
  'https://auth.bank.example/token',
  grant,
);
const { data: accounts } = await api.get('https://api.bank.example/accounts', {
  headers: { authorization: `Bearer ${token.access_token}` },
});
console.log(accounts);
