import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
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
  proxy: 'env',
});

const api = got.extend(clientCertificates(credentials));

// #region differs
await api.post('https://api.bank.example/payments', {
  body: createReadStream('payments.xml'),
});
await pipeline(
  api.stream('https://api.bank.example/statement'),
  createWriteStream('statement.xml'),
);
// #endregion differs
