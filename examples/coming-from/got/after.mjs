import { clientCertificates, loadCredentials } from '@clientcert/got';
import got from 'got';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'api.bank.example': 'bank' },
});

const api = got.extend(clientCertificates(credentials));
console.log(await api('https://api.bank.example/accounts').json());
