// Metrics for Prometheus: when each certificate expires, and how many
// handshakes, rotations and failures there were.
import { createServer } from 'node:http';
import { loadCredentials, registerMetrics } from '@clientcert/core';
import prometheus from 'prom-client';

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
registerMetrics(credentials, { prometheus });

export const server = createServer(async (_, response) => {
  response.setHeader('content-type', prometheus.register.contentType);
  response.end(await prometheus.register.metrics());
}).listen(Number(process.env.PORT ?? 9464));
