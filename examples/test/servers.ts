import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { Authority } from '@clientcert/testing';
import {
  Server as GrpcServer,
  ServerCredentials,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { Aedes } from 'aedes';
import { SMTPServer } from 'smtp-server';
import { WebSocketServer } from 'ws';
import { ledgerService } from '../connect/ledger.mjs';
import { type Broker, speakKafka } from './kafka.ts';

/** A server of one kind, which lets nobody in without a certificate of the authority. */
export interface RunningServer extends AsyncDisposable {
  readonly port: number;
}

/**
 * @param seen Takes what reached it: who came, and what they said.
 */
export type StartServer = (authority: Authority, host: string, seen: unknown[]) => Promise<RunningServer>;

export const startSyslog: StartServer = async (authority, host, seen) => {
  const server = createTlsServer(await demand(authority, host), async (socket) => {
    seen.push(nameOf(socket), await text(socket));
  });
  return await listen(server);
};

export const startHttp2: StartServer = async (authority, host, seen) => {
  const server = createSecureServer(await demand(authority, host), (request, response) => {
    seen.push(nameOf(request.stream.session?.socket), request.url);
    response.end(`HTTP/${request.httpVersion}`);
  });
  return await listen(server);
};

export const startWebSocket: StartServer = async (authority, host, seen) => {
  return await startWebSocketOn(createHttpsServer(await demand(authority, host)), seen);
};

export async function startWebSocketOn(server: HttpsServer, seen: unknown[]): Promise<RunningServer> {
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (client, request) => {
    seen.push(nameOf(request.socket), request.url);
    client.send('1.08');
  });
  return await listen(server);
}

export const startBroker: StartServer = async (authority, host, seen) => {
  const broker = await Aedes.createBroker();
  broker.on('publish', ({ topic, payload }, client) => {
    if (client) seen.push(`${topic}: ${payload}`);
  });
  const server = createTlsServer(await demand(authority, host), (socket) => {
    // At once: a socket that was closed by the time its message is published has no certificate any more.
    seen.push(nameOf(socket));
    broker.handle(socket);
  });
  return await listen(server, () => broker.close());
};

/** @param secure Whether TLS is spoken from the start; else after STARTTLS. */
export function mailServer(secure: boolean): StartServer {
  return async (authority, host, seen) => {
    const server = new SMTPServer({
      ...(await demand(authority, host)),
      secure,
      authOptional: true,
      onSecure: (socket, _, done) => {
        seen.push(nameOf(socket));
        done();
      },
      onData: async (stream, _, done) => {
        seen.push(/EUR \d+/.exec(await text(stream))?.[0]);
        done();
      },
    });
    server.on('error', () => {}); // a client that leaves after the handshake
    return await listen(server.server);
  };
}

export const startGrpc: StartServer = async (authority, host, seen) => {
  const { cert, key, ca } = await demand(authority, host);
  const server = new GrpcServer();
  server.addService(ledgerService, {
    balance: (call: ServerUnaryCall<{ account: string }, object>, done: sendUnaryData<object>) => {
      seen.push(call.getAuthContext().sslPeerCertificate?.subject.CN, call.request.account);
      done(null, { balance: 100 });
    },
  });
  const keys = [{ cert_chain: Buffer.from(cert), private_key: Buffer.from(key) }];
  const credentials = ServerCredentials.createSsl(Buffer.from(ca), keys, true);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials, (error, port) => (error ? reject(error) : resolve(port)));
  });
  return { port, [Symbol.asyncDispose]: async () => server.forceShutdown() };
};

export async function startKafka(
  authority: Authority,
  host: string,
  seen: unknown[],
  brokers: readonly Broker[],
): Promise<RunningServer> {
  const server = createTlsServer(await demand(authority, host), (socket) => {
    seen.push(`${socket.servername}: ${nameOf(socket)}`);
    socket.on('error', () => {}); // a client that leaves without a word
    speakKafka(socket, brokers, (message) => seen.push(`${host}: ${message}`));
  });
  return await listen(server);
}

async function demand(
  authority: Authority,
  host: string,
): Promise<TlsOptions & { cert: string; key: string; ca: string }> {
  const { cert, key } = await authority.issue({ name: host, hosts: [host], usage: 'server' });
  return { cert, key, ca: authority.certificate, requestCert: true, rejectUnauthorized: true };
}

/** The common name of who came. */
function nameOf(socket: unknown): string {
  const certificate = (socket as TLSSocket).getPeerX509Certificate();
  return certificate ? certificate.subject.replace('CN=', '') : 'nobody';
}

async function listen(server: Server, close?: () => void): Promise<RunningServer> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      close?.();
      server.close();
      await once(server, 'close');
    },
  };
}
