// The server that is measured against: it demands a certificate, and counts.
import { createServer } from 'node:https';

let seen;
const reset = () => {
  seen = { requests: 0, connections: 0, resumed: 0, strangers: 0 };
};
reset();
const soap =
  '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><Pong xmlns="urn:ping"/></soap:Body></soap:Envelope>';

process.on('message', ({ start, reset: again, seen: wanted }) => {
  if (start) listen(start);
  if (again) {
    reset();
    process.send({});
  }
  if (wanted) process.send(seen);
});

function listen({ cert, key, ca }) {
  const server = createServer(
    { cert, key, ca, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      seen.requests++;
      if (!request.socket.authorized) seen.strangers++;
      if (request.url === '/close') response.setHeader('connection', 'close');
      if (request.method === 'POST') {
        response.setHeader('content-type', 'text/xml');
        response.end(soap);
      } else response.end('{"ok":true}');
      request.resume();
    },
  );
  server.keepAliveTimeout = 60_000;
  server.on('secureConnection', (socket) => {
    seen.connections++;
    if (socket.isSessionReused()) seen.resumed++;
  });
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
}
