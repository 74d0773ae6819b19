// What runs in the pods below: it calls the bank, and answers the probes of
// Kubernetes.
import { once } from 'node:events';
import { createServer } from 'node:http';
import https from 'node:https';
import { loadCredentials } from '@clientcert/core';

// CLIENTCERT_CONFIG names the file, mounted from the ConfigMap
const credentials = await loadCredentials();
credentials.on('rotate', ({ name, version }) =>
  console.log(`${name} is now version ${version}`),
);
credentials.on('error', (error) =>
  console.error(`not renewed: ${error.message}`),
);

const agent = credentials.agent();

const server = createServer((request, response) => {
  if (request.url !== '/health') {
    const call = https.get(
      'https://api.bank.example/accounts',
      { agent },
      (answer) => answer.pipe(response),
    );
    call.on('error', (error) => response.writeHead(502).end(error.message));
    return;
  }
  const { status, reasons } = credentials.health();
  response
    .writeHead(status === 'error' ? 503 : 200)
    .end(JSON.stringify(reasons));
});
server.listen(Number(process.env.PORT ?? 8080));
await once(server, 'listening');
console.log(
  'listening on',
  /** @type {import('node:net').AddressInfo} */ (server.address()).port,
);

process.once('SIGTERM', async () => {
  server.close();
  await credentials.close();
});
