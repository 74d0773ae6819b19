import { once } from 'node:events';
import { connect } from 'node:tls';
import { loadCredentials } from '@clientcert/core';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'syslog.bank.example:6514': 'bank' },
});

const target = { host: 'syslog.bank.example', port: 6514 };
const socket = connect({ ...target, ...credentials.connectOptions(target) });
await once(socket, 'secureConnect');
socket.end('<13>1 - app.example ledger - - - Payment received\n');
