import { clientCertificates, loadCredentials } from '@clientcert/axios';
import axios from 'axios';

const credentials = await loadCredentials({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PASSPHRASE },
  },
  hosts: {
    // The root that the server's certificate is issued from: trusted here,
    // beside the ones that Node trusts.
    'api.bank.example': { certificate: 'bank', ca: 'bank-root.pem' },
  },
});

const api = axios.create();
clientCertificates(api, credentials);

const headers = { authorization: 'Bearer secret' };
const { data } = await api.get('https://api.bank.example/accounts', {
  headers,
});
console.log(data);
