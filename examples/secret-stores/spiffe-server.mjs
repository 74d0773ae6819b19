// A server that other workloads call: it presents the SVID of this process, and
// lets in those of its trust domain, of which some may call.
import { createServer } from 'node:https';
import {
  fromWorkloadApi,
  loadCredentials,
  spiffeIdOf,
} from '@clientcert/spiffe';

const callers = ['spiffe://example.org/payments'];

const credentials = await loadCredentials({
  certificates: { workload: fromWorkloadApi() },
});

const server = createServer({ requestCert: true }, (request, response) => {
  const socket = /** @type {import('node:tls').TLSSocket} */ (request.socket);
  const caller = spiffeIdOf(socket.getPeerX509Certificate());
  if (!caller || !callers.includes(caller)) response.statusCode = 403;
  response.end(`${caller}\n`);
});
credentials.secureServer(server, 'workload', { clientCa: 'certificate' });
server.listen(Number(process.env.PORT ?? 8443));

export { credentials, server };
