import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { type Authority, createAuthority } from '@clientcert/testing';
import {
  Server as GrpcServer,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { Aedes } from 'aedes';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { ledgerService } from '../connect/ledger.mjs';
import { findPostgres, startPostgres } from './postgres.ts';
import { type Examples, layOut } from './run.ts';

let authority: Authority;
let examples: Examples;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority);
}, 60_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

/** Settings of a server that lets nobody in without a certificate of the authority. */
async function demanding(host: string): Promise<TlsOptions & { cert: string; key: string; ca: string }> {
  const { cert, key } = await authority.issue({ name: host, hosts: [host], usage: 'server' });
  return { cert, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: true };
}

async function listen(server: Server): Promise<AsyncDisposable & { port: number }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

function nameOf(socket: TLSSocket): string | undefined {
  return socket.getPeerX509Certificate()?.subject.replace('CN=', '');
}

it('examples/connect/tls.mjs', async () => {
  const seen: unknown[] = [];
  const server = createTlsServer(await demanding('syslog.bank.example'), async (socket) => {
    seen.push(nameOf(socket), await text(socket));
  });
  await using listening = await listen(server);
  const { code, output } = await examples.run('connect/tls.mjs', {
    'syslog.bank.example:6514': listening.port,
  });
  expect({ code, output }).toEqual({ code: 0, output: '' });
  expect(seen).toEqual(['bank', '<13>1 - app.example ledger - - - Payment received\n']);
});

it('examples/connect/http2.mjs', async () => {
  const server = createSecureServer(await demanding('api.bank.example'), (request, response) => {
    response.end(
      `${request.httpVersion} ${request.url} ${nameOf(request.stream.session?.socket as TLSSocket)}`,
    );
  });
  await using listening = await listen(server);
  const run = await examples.run('connect/http2.mjs', { 'api.bank.example:443': listening.port });
  expect(run).toEqual({ code: 0, output: '2.0 /accounts bank\n' });
});

const byOptions = (source: string) =>
  source.replace(/{ agent, .*}/, 'credentials.connectOptions(url)').replace(/^const agent.*/m, '');

it.each([{ how: 'over the agent' }, { how: 'with connectOptions', edit: byOptions }])(
  'examples/connect/ws.mjs, $how',
  async ({ edit }) => {
    const server = createHttpsServer(await demanding('rates.bank.example'));
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (client, request) => {
      client.send(`${request.url} ${nameOf(request.socket as TLSSocket)}`);
    });
    await using listening = await listen(server);
    const ports = { 'rates.bank.example:443': listening.port };
    const run = await examples.run('connect/ws.mjs', ports, { edit });
    expect(run).toEqual({ code: 0, output: '/EUR bank\n' });
  },
);

it('examples/connect/ws.mjs presents none where it is redirected to', async () => {
  const seen: unknown[] = [];
  const open = { ...(await demanding('elsewhere.example')), rejectUnauthorized: false };
  const elsewhere = createHttpsServer(open);
  const sockets = new WebSocketServer({ server: elsewhere });
  sockets.on('connection', (client, request) => {
    seen.push(`elsewhere: ${nameOf(request.socket as TLSSocket)}`);
    client.send('1.08');
  });
  const server = createHttpsServer(await demanding('rates.bank.example'), (request, response) => {
    seen.push(`bank: ${nameOf(request.socket as TLSSocket)}`);
    response.writeHead(302, { location: 'wss://elsewhere.example/EUR' }).end();
  });
  await using listening = await listen(server);
  await using listeningElsewhere = await listen(elsewhere);
  const run = await examples.run('connect/ws.mjs', {
    'rates.bank.example:443': listening.port,
    'elsewhere.example:443': listeningElsewhere.port,
  });
  expect(run).toEqual({ code: 0, output: '1.08\n' });
  expect(seen).toEqual(['bank: bank', 'elsewhere: undefined']);
});

it('examples/connect/mqtt.mjs', async () => {
  const broker = await Aedes.createBroker();
  const seen: unknown[] = [];
  broker.on('publish', ({ topic, payload }, client) => {
    if (client) seen.push(topic, String(payload), nameOf(client.conn as TLSSocket));
  });
  const server = createTlsServer(await demanding('broker.bank.example'), broker.handle);
  await using listening = await listen(server);
  const run = await examples.run('connect/mqtt.mjs', { 'broker.bank.example:8883': listening.port });
  broker.close();
  expect(run).toEqual({ code: 0, output: '' });
  expect(seen).toEqual(['payments', 'EUR 100', 'bank']);
});

it.each([true, false])('examples/connect/nodemailer.mjs, secure: %s', async (secure) => {
  const seen: unknown[] = [];
  const server = new SMTPServer({
    ...(await demanding('smtp.bank.example')),
    secure,
    authOptional: true,
    onSecure: (socket, _, done) => {
      seen.push(nameOf(socket as TLSSocket));
      done();
    },
    onData: async (stream, _, done) => {
      seen.push((await text(stream)).match(/EUR \d+/)?.[0]);
      done();
    },
  });
  await using listening = await listen(server.server);
  const edit = secure ? undefined : (source: string) => source.replace('secure: true', 'secure: false');
  const ports = { 'smtp.bank.example:465': listening.port };
  expect(await examples.run('connect/nodemailer.mjs', ports, { edit })).toEqual({ code: 0, output: '' });
  expect(seen).toEqual(['bank', 'EUR 100']);
});

it('examples/connect/grpc.mjs', async () => {
  const { cert, key } = await demanding('grpc.bank.example');
  const server = new GrpcServer();
  server.addService(ledgerService, {
    balance: (
      call: ServerUnaryCall<{ account: string }, unknown>,
      done: sendUnaryData<{ account: string; seen: string | undefined }>,
    ) => done(null, { ...call.request, seen: call.getAuthContext().sslPeerCertificate?.subject.CN }),
  });
  const credentials = ServerCredentials.createSsl(
    Buffer.from(authority.certificate),
    [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }],
    true,
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
  const { code, output } = await examples.run('connect/grpc.mjs', { 'grpc.bank.example:443': port });
  server.forceShutdown();
  expect({ code, output }).toEqual({ code: 0, output: "{ account: 'NL02BANK0123456789', seen: 'bank' }\n" });
});

const postgres = findPostgres();

it.skipIf(!postgres)(
  `examples/connect/pg.mjs${postgres ? '' : ' (PostgreSQL is not installed)'}`,
  async () => {
    await using server = await startPostgres(postgres!, authority, 'db.bank.example');
    const run = await examples.run('connect/pg.mjs', { 'db.bank.example:5432': server.port });
    expect(run).toEqual({ code: 0, output: '/CN=bank\n' });
  },
  60_000,
);
