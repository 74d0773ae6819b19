import { loadCredentials } from '@clientcert/core';
import { connectAsync } from 'mqtt';

const credentials = await loadCredentials({
  certificates: {
    bank: {
      pfx: 'bank.pfx',
      passphrase: process.env.BANK_PASSPHRASE,
      ca: 'bank-root.pem',
    },
  },
  hosts: { 'broker.bank.example:8883': 'bank' },
});

const target = { host: 'broker.bank.example', port: 8883 };
const client = await connectAsync({
  protocol: 'mqtts',
  ...target,
  ...credentials.connectOptions(target),
});
// It reconnects by itself, and is to do so with the version of the certificate
// that is then the newest.
credentials.on('rotate', () =>
  Object.assign(client.options, credentials.connectOptions(target)),
);

await client.publishAsync('payments', 'EUR 100', { qos: 1 });
await client.endAsync();
