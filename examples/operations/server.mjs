// A server that presents a certificate of the config, renewed while it runs,
// and takes clients of one authority only.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { loadCredentials } from '@clientcert/core';

const credentials = await loadCredentials({
  certificates: { workload: { cert: 'workload.crt', key: 'workload.key' } },
  // and as a client too
  hosts: { '*.svc.example': 'workload' },
});

const server = createServer(
  { requestCert: true, ca: readFileSync('clients.pem') },
  (_request, response) => response.end('hello\n'),
);
credentials.secureServer(server, 'workload');
server.listen(Number(process.env.PORT ?? 8443));

export { credentials, server };
