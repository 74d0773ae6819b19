// Redis, or any store that answers a question: certificate and key as two
// fields.
import https from 'node:https';
import { loadCredentials } from '@clientcert/core';
import { createClient } from 'redis';

const store = createClient({
  url: process.env.REDIS_URL ?? 'redis://localhost:6379',
  // fail at once while it is away: the certificate in use stays
  disableOfflineQueue: true,
});
// it connects again by itself
store.on('error', (error) => console.error(`redis: ${error.message}`));
await store.connect();

async function fromRedis() {
  const { cert = '', key = '' } = await store.hGetAll('clientcert:bank');
  return {
    cert,
    key,
    ca: 'bank-root.pem',
    refresh: Number(process.env.REFRESH_SECONDS ?? 60),
  };
}

const credentials = await loadCredentials({
  certificates: { bank: fromRedis },
  hosts: { 'api.bank.example': 'bank' },
});
credentials.on('rotate', ({ name, version }) =>
  console.log(`${name} is now version ${version}`),
);
credentials.on('error', (error) =>
  console.error(`not renewed: ${error.message}`, error.cause ?? ''),
);

const agent = credentials.agent();
https.get('https://api.bank.example/accounts', { agent }, (response) => {
  response.pipe(process.stdout);
});

export { credentials, store };
