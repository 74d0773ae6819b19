// The files and servers of all cases: one authority, alice and bob, and servers on two addresses of loopback.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthority, startServer } from '../../packages/testing/dist/index.js';

export const passphrase = 'Canary-7f3a91';

let count = 0;

export async function createWorld() {
  const folder = mkdtempSync(join(tmpdir(), 'clientcert-neighbours-'));
  const authority = await createAuthority({ name: 'Bank Root' });
  const issuing = await authority.issueAuthority({ name: 'Bank Issuing' });
  // Each in a folder of its own: cases run side by side.
  const write = (name, content) => {
    const own = join(folder, `${count++}`);
    mkdirSync(own);
    const path = join(own, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const ca = write('root.pem', authority.certificate);
  return {
    folder,
    write,
    authority,
    issuing,
    ca,
    /** As every client is given it where the format is not the question. */
    identity: async (name, files, more = {}) => {
      const issued = await authority.issue({ name, keyType: 'rsa', ...more });
      return { issued, certificate: await filesOf(issued, files, write) };
    },
    serve: (options = {}) => startServer({ authority, handler, ...options }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A PFX with a passphrase; or for clients without one, a certificate and an encrypted key. */
export async function filesOf(issued, files, write) {
  const { name } = issued;
  if (files === 'pfx') {
    return { pfx: write(`${name}.pfx`, await issued.pfx(passphrase)), passphrase };
  }
  return {
    cert: write(`${name}.crt`, issued.fullChain),
    key: write(`${name}.key`, issued.encryptedKey(passphrase)),
    passphrase,
  };
}

/** Answers SOAP; below `/close` the connection ends with the answer, so that the next request needs a new one. */
function handler(request, response) {
  const { pathname } = new URL(request.url, 'https://host');
  if (pathname === '/close') response.setHeader('connection', 'close');
  if (pathname === '/redirect') return false;
  if (request.method === 'POST') {
    response.setHeader('content-type', 'text/xml');
    response.end(
      '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>' +
        '<Pong xmlns="urn:ping"/></soap:Body></soap:Envelope>',
    );
    return true;
  }
  response.end('{}');
  return true;
}

/** `openssl s_server`, which says by an alert why it refuses. */
export async function strictServer({ authority, write, ca }) {
  const { cert, key } = await authority.issue({ name: 'strict', hosts: ['127.0.0.1'] });
  const port = await freePort();
  const own = ['-cert', write('strict.crt', cert), '-key', write('strict.key', key), '-CAfile', ca];
  const child = spawn(
    'openssl',
    ['s_server', '-accept', `127.0.0.1:${port}`, '-Verify', '3', '-verify_return_error', '-www', ...own],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (log += chunk));
  for (let tries = 0; !log.includes('ACCEPT'); tries++) {
    if (tries > 300 || child.exitCode !== null) throw new Error(`openssl s_server does not start: ${log}`);
    await pause(50);
  }
  return {
    url: `https://127.0.0.1:${port}`,
    log: () => log,
    [Symbol.asyncDispose]: async () => void child.kill(),
  };
}

export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What OpenSSL or Java's keytool makes of files; `null` where the tool is missing. */
export function tool(command, ...args) {
  try {
    return execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw new Error(`${command} failed: ${error.stderr}`);
  }
}
