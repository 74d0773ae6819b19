import { connect } from 'node:http2';
import { text } from 'node:stream/consumers';
import { loadCredentials } from '@clientcert/core';

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

const origin = 'https://api.bank.example';
const session = connect(origin, credentials.connectOptions(origin));
console.log(await text(session.request({ ':path': '/accounts' })));
session.close();
