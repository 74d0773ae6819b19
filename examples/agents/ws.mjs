import { once } from 'node:events';
import { loadCredentials } from '@clientcert/core';
import WebSocket from 'ws';

const credentials = await loadCredentials({
  certificates: {
    bank: { pfx: 'bank.pfx', passphrase: process.env.BANK_PFX_PASSPHRASE, ca: 'bank-root.pem' },
  },
  hosts: { 'api.bank.example': 'bank' },
});

const agent = credentials.agent();

const socket = new WebSocket('wss://api.bank.example/rates', { agent, followRedirects: true });
const [message] = await once(socket, 'message');
console.log(String(message));
socket.close();
