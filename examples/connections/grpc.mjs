import { promisify } from 'node:util';
import { loadCredentials } from '@clientcert/core';
import { ChannelCredentials } from '@grpc/grpc-js';
import { LedgerClient } from './ledger.mjs'; // what the compiler of your .proto file wrote

const credentials = await loadCredentials({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PFX_PASSPHRASE, ca: 'bank-root.pem' },
  },
  hosts: { 'grpc.bank.example': 'bank' },
});

const target = { host: 'grpc.bank.example', port: 443 };
const { secureContext, checkServerIdentity } = credentials.connectOptions(target);
const channel = ChannelCredentials.createFromSecureContext(secureContext, { checkServerIdentity });
const ledger = new LedgerClient(`${target.host}:${target.port}`, channel);

const balance = promisify(ledger.balance.bind(ledger));
console.log(await balance({ account: 'NL02BANK0123456789' }));
ledger.close();
