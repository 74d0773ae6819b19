import { connect } from 'node:tls';
import { loadCredentials } from '@clientcert/core';
import { Kafka, logLevel } from 'kafkajs';

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
 * Called for each broker, also those that the first one names: every connection
 * has its own name to verify, and the newest version of the certificate.
 *
 * @type {import('kafkajs').ISocketFactory}
 */
function socketFactory({ host, port, onConnect }) {
  const socket = connect({
    host,
    port,
    ...credentials.connectOptions({ host, port }),
  });
  socket.once('secureConnect', onConnect);
  return socket;
}

const kafka = new Kafka({
  brokers: ['one.kafka.bank.example:9093'],
  ssl: true,
  socketFactory,
  logLevel: logLevel.ERROR,
});

const producer = kafka.producer();
await producer.connect();
await producer.send({ topic: 'payments', messages: [{ value: 'EUR 100' }] });
await producer.disconnect();
