import type { Duplex } from 'node:stream';
import type { ConnectIdentity } from '@clientcert/core';
import type { AdapterView } from '@clientcert/core/adapter';
import { type AnyConfig, type Outgoing, own, refuse, urlOf } from './outgoing.ts';

type CreateConnection = (authority: URL, options: Record<string, unknown>) => Duplex;

/** With which a caller brings an identity, or a connection, of their own. */
const ownOptions = ['createConnection', 'secureContext', 'cert', 'key', 'pfx'] as const;

/**
 * axios shares an HTTP/2 session between requests with equal `http2Options`, and takes two secure contexts
 * for equal. Functions are compared by identity: one for each certificate keeps sessions apart.
 */
export function applyToHttp2(outgoing: Outgoing, identity: ConnectIdentity): void {
  const config = outgoing.config as AnyConfig;
  const before = own(config, 'http2Options') ?? {};
  for (const option of ownOptions) {
    const value = own(before, option);
    if (value == null || ours.has(value as object)) continue;
    refuse(outgoing, `http2Options.${option}`);
    return;
  }
  config.http2Options = { ...before, createConnection: connectionsOf(outgoing, identity) };
}

const ours = new WeakSet<object>();
const functions = new WeakMap<AdapterView, Map<string, CreateConnection>>();
const maxFunctions = 1000;

function connectionsOf(
  { config, credentials, service, origin }: Outgoing,
  identity: ConnectIdentity,
): CreateConnection {
  const { hostname, port } = urlOf(config);
  const id = credentials.profileId({ host: hostname, port, service, origin });
  const key = JSON.stringify([id, identity]);
  const known = functions.get(credentials) ?? new Map<string, CreateConnection>();
  functions.set(credentials, known);
  let connection = known.get(key);
  if (!connection) {
    const [oldest] = known.keys();
    if (oldest !== undefined && known.size >= maxFunctions) known.delete(oldest);
    connection = connector(credentials, identity);
    ours.add(connection);
    known.set(key, connection);
  }
  return connection;
}

function connector(credentials: AdapterView, identity: ConnectIdentity): CreateConnection {
  // `sessionTimeout` is axios', in milliseconds; TLS has an option of that name.
  return ({ hostname, port }, { createConnection: _, sessionTimeout: __, ...options }) => {
    const host = hostname.replace(/^\[|\]$/g, '');
    const socket = credentials.connect({
      ...options,
      ...identity,
      host,
      port: Number(port || 443),
      ALPNProtocols: ['h2'],
    });
    // Node closes the streams of a connection that ends so without an error, and axios would wait for ever.
    socket.once('end', () => {
      if (socket.bytesRead === 0) socket.destroy(endedUnanswered(host, port));
    });
    return socket;
  };
}

/** What a server does that refuses a certificate over TLS 1.3 without an alert: the handshake is over by then. */
function endedUnanswered(host: string, port: string): Error {
  const message = `${host}:${port || 443} ended the connection without a word, as servers do that refuse the certificate`;
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}
