import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createSecureServer } from 'node:http2';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { type Credentials, loadCredentials } from '@clientcert/core';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { Aedes } from 'aedes';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import WebSocket, { WebSocketServer } from 'ws';
import { createClient } from '../connect/grpc.mjs';
import { getOverHttp2 } from '../connect/http2.mjs';
import { connectToBroker } from '../connect/mqtt.mjs';
import { sendMail } from '../connect/nodemailer.mjs';
import { connectToDatabase } from '../connect/pg.mjs';
import { openConnection } from '../connect/tls.mjs';
import { openWebSocket } from '../connect/ws.mjs';

let authority: Authority;
let alice: IssuedCertificate;
let server: IssuedCertificate;
let credentials: Credentials;
/** What a TLS server needs to demand certificates of this authority. */
let demand: { key: string; cert: string; ca: string; requestCert: true; rejectUnauthorized: true };

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  server = await authority.issue({ name: 'server', hosts: ['localhost', '127.0.0.1'], usage: 'server' });
  demand = {
    key: server.key,
    cert: server.fullChain,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  };
  credentials = await loadCredentials({
    certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
    hosts: { 'localhost:*': 'alice' },
  });
});
afterAll(() => credentials.close());

const nameOf = (socket: unknown) =>
  /CN=(.*)/.exec((socket as TLSSocket).getPeerX509Certificate()?.subject ?? '')?.[1];

async function listening(each: {
  listen(port: number, host: string): unknown;
  address(): unknown;
}): Promise<number> {
  await once(each.listen(0, 'localhost') as NodeJS.EventEmitter, 'listening');
  return (each.address() as AddressInfo).port;
}

it('tls.connect', async () => {
  await using tls = await startServer({ authority, host: 'localhost' });
  const socket = await openConnection(credentials, tls.url);
  socket.end('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  await once(socket.resume(), 'close');
  expect(tls.requests[0]?.clientCertificate?.commonName).toBe('alice');
});

it('http2.connect', async () => {
  const seen: unknown[] = [];
  const http2 = createSecureServer(demand, (request, response) => {
    seen.push(nameOf(request.stream.session?.socket));
    response.end();
  });
  const port = await listening(http2);
  expect(await getOverHttp2(credentials, `https://localhost:${port}`)).toBe(200);
  expect(seen).toEqual(['alice']);
  http2.close();
});

it('ws, over the agent and with connectOptions', async () => {
  await using https = await startServer({ authority, host: 'localhost' });
  const seen: unknown[] = [];
  const sockets = new WebSocketServer({ server: https.servers[0] as never });
  sockets.on('connection', (_, request) => seen.push(nameOf(request.socket)));
  const url = https.url.replace('https:', 'wss:');
  const first = await openWebSocket(credentials, url);
  const second = new WebSocket(url, credentials.connectOptions(url) as object);
  await once(second, 'open');
  expect(seen).toEqual(['alice', 'alice']);
  first.terminate();
  second.terminate();
  sockets.close();
});

it('mqtt, against Aedes', async () => {
  const broker = await Aedes.createBroker();
  const seen: unknown[] = [];
  const tls = createTlsServer(demand, (socket) => {
    seen.push(nameOf(socket));
    broker.handle(socket);
  });
  const port = await listening(tls);
  const client = await connectToBroker(credentials, { host: 'localhost', port });
  await client.publishAsync('invoices', '42');
  await client.endAsync();
  expect(seen).toEqual(['alice']);
  broker.close();
  tls.close();
});

it('nodemailer, against smtp-server', async () => {
  const seen: unknown[] = [];
  const smtp = new SMTPServer({
    ...demand,
    secure: true,
    authOptional: true,
    onSecure(socket, _session, done) {
      seen.push(nameOf(socket));
      done();
    },
    onData(stream, _session, done) {
      stream.resume().on('end', () => done());
    },
  });
  const port = await listening(smtp.server);
  expect(await sendMail(credentials, { host: 'localhost', port })).toEqual(['archive@gateway.example']);
  expect(seen).toEqual(['alice']);
  await new Promise<void>((resolve) => smtp.close(() => resolve()));
});

it('gRPC', async () => {
  const grpc = new GrpcServer();
  const echo = {
    path: '/demo.Echo/Call',
    requestStream: false,
    responseStream: false,
    requestSerialize: (value: Buffer) => value,
    requestDeserialize: (value: Buffer) => value,
    responseSerialize: (value: Buffer) => value,
    responseDeserialize: (value: Buffer) => value,
  } as const;
  grpc.addService({ call: echo }, {
    call(
      call: { getAuthContext(): { sslPeerCertificate?: { subject: { CN: string } } } },
      done: (error: null, value: Buffer) => void,
    ) {
      done(null, Buffer.from(call.getAuthContext().sslPeerCertificate?.subject.CN ?? 'nobody'));
    },
  } as never);
  const keys = [{ private_key: Buffer.from(demand.key), cert_chain: Buffer.from(demand.cert) }];
  const port = await new Promise<number>((resolve, reject) => {
    const secured = ServerCredentials.createSsl(Buffer.from(demand.ca), keys, true);
    grpc.bindAsync('127.0.0.1:0', secured, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  const client = createClient(credentials, { host: 'localhost', port });
  const seen = await new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = echo;
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, Buffer.from('?'), (error, value) =>
      error ? reject(error) : resolve(`${value}`),
    );
  });
  expect(seen).toBe('alice');
  client.close();
  grpc.forceShutdown();
});

const postgres = findPostgres();

it.skipIf(postgres === undefined)(
  'pg, against PostgreSQL (skipped where it is not installed)',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'clientcert-pg-'));
    // PostgreSQL refuses to run as root.
    const owner = process.getuid?.() === 0 ? userId('postgres') : undefined;
    const as = owner === undefined ? {} : { uid: owner, gid: owner };
    const data = join(directory, 'data');
    try {
      if (owner !== undefined) chownSync(directory, owner, owner);
      execFileSync(join(postgres!, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'alice'], {
        ...as,
        cwd: directory,
      });
      const files = {
        'server.crt': server.fullChain,
        'server.key': server.key,
        'root.crt': authority.certificate,
      };
      for (const [name, text] of Object.entries(files)) {
        writeFileSync(join(data, name), text);
        chmodSync(join(data, name), 0o600);
        if (owner !== undefined) chownSync(join(data, name), owner, owner);
      }
      writeFileSync(join(data, 'pg_hba.conf'), 'hostssl all all all cert clientcert=verify-full\n');
      const port = await freePort();
      const settings = {
        port,
        listen_addresses: 'localhost',
        ssl: 'on',
        ssl_ca_file: 'root.crt',
        unix_socket_directories: '',
      };
      const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      const child = spawn(join(postgres!, 'postgres'), ['-D', data, ...options], {
        ...as,
        cwd: directory,
        stdio: 'pipe',
      });
      const ended = once(child, 'exit');
      try {
        let log = '';
        await new Promise<void>((resolve, reject) => {
          child.stderr.on('data', (chunk) => {
            log += chunk;
            if (log.includes('ready to accept connections')) resolve();
          });
          child.on('exit', () => reject(new Error(log)));
        });
        const client = await connectToDatabase(credentials, { host: 'localhost', port });
        const { rows } = await client.query('SELECT client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
        await client.end();
        expect(rows).toEqual([{ client_dn: '/CN=alice' }]);
      } finally {
        child.kill('SIGINT');
        await ended;
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  60_000,
);

/** The folder of PostgreSQL's programs: Debian's, else that of `pg_config`. */
function findPostgres(): string | undefined {
  if (process.platform === 'win32' || (process.getuid?.() === 0 && userId('postgres') === undefined))
    return undefined;
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian)
    ? readdirSync(debian).map((version) => join(debian, version, 'bin'))
    : [];
  const { stdout } = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  return [...versions, `${stdout ?? ''}`.trim()].find((path) => path && existsSync(join(path, 'initdb')));
}

function userId(name: string): number | undefined {
  const { status, stdout } = spawnSync('id', ['-u', name], { encoding: 'utf8' });
  return status === 0 ? Number(stdout) : undefined;
}

async function freePort(): Promise<number> {
  const probe = createTcpServer();
  const port = await listening(probe);
  probe.close();
  return port;
}
