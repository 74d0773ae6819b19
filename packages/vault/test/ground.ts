import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Authority } from '@clientcert/testing';
import {
  type Credentials,
  type CredentialsEvents,
  fromVault,
  loadCredentials,
  type RenewedSource,
  type VaultOptions,
} from '../src/index.ts';

/** Credentials of one certificate that the engine issues, presented to localhost. */
export async function load(source: RenewedSource, authority: Authority): Promise<Credentials<'bank'>> {
  const credentials = await loadCredentials({
    certificates: { bank: source },
    hosts: { 'localhost:*': { certificate: 'bank', ca: authority.certificate } },
  });
  credentials
    .on('warning', () => {})
    .on('error', () => {})
    .on('expiring', () => {});
  return credentials;
}

export function sourceAt(address: string, options: Partial<VaultOptions>): RenewedSource {
  const login = { method: 'token', token: 's.very-secret' } as const;
  return fromVault({ address, login, role: 'bank-client', commonName: 'me.example', ...options });
}

/** A server that takes what an engine issues, and remembers who came. */
export async function startBank(authority: Authority, root: string) {
  const { fullChain, key } = await authority.issue({
    name: 'bank',
    hosts: ['localhost', 'api.bank.example'],
  });
  const seen: { subject: string; issuer: string; fingerprint256: string }[] = [];
  const options = { cert: fullChain, key, requestCert: true, ca: root };
  const server = https.createServer(options, (request, response) => {
    const { subject, issuer, fingerprint256 } = (request.socket as TLSSocket).getPeerX509Certificate()!;
    seen.push({ subject, issuer, fingerprint256 });
    response.end();
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    seen,
    async call(credentials: Credentials<'bank'>) {
      const agent = credentials.agent({ keepAlive: false });
      const [response] = await once(https.get({ host: 'localhost', port, agent }), 'response');
      await once(response.resume(), 'end');
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export function next<Event extends 'rotate' | 'error'>(
  credentials: Credentials<'bank'>,
  event: Event,
): Promise<CredentialsEvents[Event][0]> {
  return new Promise((resolve) => credentials.on(event, (...args) => resolve(args[0])));
}
