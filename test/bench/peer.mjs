// The servers that benchmarks call, in a process of their own: they take none of the client's CPU time.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import https from 'node:https';
import { argv, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { createAuthority } from '@clientcert/testing';

const passphrase = 'secret';

if (process.send && argv[1] === fileURLToPath(import.meta.url)) await serve();

/**
 * Starts the servers.
 *
 * - `url` demands a certificate and resumes TLS sessions, as servers do.
 * - `forgetful` demands one and resumes none.
 * - `open` asks for none.
 *
 * `counted()` resolves to what they saw since it was called last: `requests`, by the name in the certificate that came
 * with them, `connections`, and how many of those were `resumed`.
 */
export async function startPeer() {
  const child = fork(new URL(import.meta.url), { execArgv: [] });
  const [{ pfx, ...facts }] = await once(child, 'message');
  return {
    ...facts,
    pfx: Buffer.from(pfx, 'base64'),
    passphrase,
    async counted() {
      child.send('count');
      return (await once(child, 'message'))[0];
    },
    close: () => child.disconnect(),
  };
}

async function serve() {
  const authority = await createAuthority();
  const [alice, own] = await Promise.all([
    authority.issue({ name: 'alice', keyType: 'rsa' }),
    authority.issue({ name: 'peer', keyType: 'rsa', hosts: ['localhost', '127.0.0.1'] }),
  ]);
  let counts = empty();

  const listen = async (options) => {
    const server = https.createServer({ cert: own.fullChain, key: own.key, ...options });
    server.keepAliveTimeout = 60_000;
    const names = new WeakMap();
    server.on('secureConnection', (socket) => {
      counts.connections += 1;
      if (socket.isSessionReused()) counts.resumed += 1;
      names.set(socket, /CN=(.*)/.exec(socket.getPeerX509Certificate()?.subject)?.[1] ?? 'nobody');
    });
    server.on('request', (request, response) => {
      const name = names.get(request.socket);
      counts.requests[name] = (counts.requests[name] ?? 0) + 1;
      request.resume();
      if (request.method === 'POST') response.setHeader('content-type', 'text/xml').end(envelope);
      else response.end('ok');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { server, url: `https://127.0.0.1:${server.address().port}` };
  };
  const mutual = { ca: authority.certificate, requestCert: true, rejectUnauthorized: true };
  const remembering = await listen(mutual);
  const forgetful = await listen(mutual);
  // Every ticket is sealed with a key that is gone when it comes back.
  forgetful.server.on('connection', () => forgetful.server.setTicketKeys(randomBytes(48)));
  const open = await listen({});

  process.on('message', () => {
    process.send(counts);
    counts = empty();
  });
  process.on('disconnect', () => exit());
  process.send({
    url: remembering.url,
    forgetful: forgetful.url,
    open: open.url,
    ca: authority.certificate,
    cert: alice.fullChain,
    key: alice.key,
    pfx: (await alice.pfx(passphrase)).toString('base64'),
    // Alice's certificates to come.
    renewals: await Promise.all(
      ['alice-1', 'alice-2'].map(async (name) => {
        const { fullChain, key } = await authority.issue({ name, keyType: 'rsa' });
        return { name, cert: fullChain, key };
      }),
    ),
  });
}

function empty() {
  return { requests: {}, connections: 0, resumed: 0 };
}

const envelope =
  '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><said xmlns="urn:bench">ok</said></e:Body></e:Envelope>';
