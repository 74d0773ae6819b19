// Redis, or any store that tells of changes: nothing is asked for until the
// store says that there is something new.
import { on } from 'node:events';
import https from 'node:https';
import { loadCredentials } from '@clientcert/core';
import { createClient } from 'redis';

const store = {
  url: process.env.REDIS_URL ?? 'redis://localhost:6379',
  // where a connection is lost, this function is called again
  socket: { reconnectStrategy: /** @type {const} */ (false) },
};

/** @param {{ signal: AbortSignal }} call */
async function* fromRedis({ signal }) {
  const [reader, listener] = [createClient(store), createClient(store)];
  const lost = new Promise((_, reject) => {
    for (const client of [reader, listener]) client.on('error', reject);
  });
  lost.catch(() => {});
  try {
    await Promise.all([reader.connect(), listener.connect()]);
    const changes = on(listener, 'renewed', { signal });
    // before the first is read, so that no change is missed
    await listener.subscribe('clientcert:bank', () => {
      listener.emit('renewed');
    });
    for (;;) {
      const { cert = '', key = '' } = await reader.hGetAll('clientcert:bank');
      yield { cert, key, ca: 'bank-root.pem' };
      await Promise.race([changes.next(), lost]);
    }
  } finally {
    reader.destroy();
    listener.destroy();
  }
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

export { credentials };
