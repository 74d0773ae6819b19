import { loadCredentials } from '@clientcert/core';
import { ChannelCredentials } from '@grpc/grpc-js';
// what a compiler made of your .proto file
import { LedgerClient } from './ledger.mjs';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'grpc.bank.example': 'bank' },
});

const target = { host: 'grpc.bank.example', port: 443 };
// A channel keeps the version of the certificate that it was made with: make a
// new one on 'rotate'.
const { secureContext, ...verifyOptions } = credentials.connectOptions(target);
const channel = ChannelCredentials.createFromSecureContext(
  secureContext,
  verifyOptions,
);
const ledger = new LedgerClient(`${target.host}:${target.port}`, channel);

console.log(await ledger.balance({ account: 'NL02BANK0123456789' }));
ledger.close();
