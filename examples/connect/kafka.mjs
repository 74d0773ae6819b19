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
  hosts: { '*.kafka.bank.example:9093': 'bank' },
});

/**
 * Called for each broker, also those that the first one names:
 * `new Kafka({ brokers, ssl: true, socketFactory })`.
 *
 * @param {{ host: string, port: number, onConnect: () => void }} broker
 */
export function socketFactory({ host, port, onConnect }) {
  const socket = connect({
    host,
    port,
    ...credentials.connectOptions({ host, port }),
  });
  socket.once('secureConnect', onConnect);
  return socket;
}
