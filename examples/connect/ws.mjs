import { once } from 'node:events';
import { loadCredentials } from '@clientcert/core';
import WebSocket from 'ws';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'rates.bank.example': 'bank' },
});

const agent = credentials.agent();

const url = 'wss://rates.bank.example/EUR';
const socket = new WebSocket(url, { agent, followRedirects: true });
const [message] = await once(socket, 'message');
console.log(String(message));
socket.close();
