import type { Duplex } from 'node:stream';
import type { ConnectIdentity } from '@clientcert/core';
import type { AdapterView } from '@clientcert/core/adapter';
import { type AnyConfig, type Outgoing, own, refuse, urlOf } from './outgoing.ts';

type CreateConnection = (authority: URL, options: Record<string, unknown>) => Duplex;

/**
 * axios shares an HTTP/2 session between requests with equal `http2Options`, and takes two secure contexts
 * for equal. Functions are compared by identity: one for each certificate and way, and for each secure context of the
 * caller's, keeps sessions apart. What else the caller says of TLS is looked at when the connection is made.
 */
export function applyToHttp2(outgoing: Outgoing, identity: ConnectIdentity): void {
  const config = outgoing.config as AnyConfig;
  const before = own(config, 'http2Options') ?? {};
  const brought = own(before, 'createConnection');
  if (brought != null && !ours.has(brought as object)) {
    refuse(outgoing, 'http2Options.createConnection');
    return;
  }
  const context = own(before, 'secureContext') as object | undefined;
  config.http2Options = {
    ...before,
    // axios reads nothing that is pushed, and nobody hears its errors: these end the process.
    settings: { enablePush: false, ...(own(before, 'settings') as object | undefined) },
    createConnection: connectionsOf(outgoing, identity, context),
  };
}

const ours = new WeakSet<object>();
const functions = new WeakMap<AdapterView, Map<string, Known>>();
const contexts = new WeakMap<object, number>();
let numbered = 0;
const maxFunctions = 1000;

/** A function, and what its connections may be shared by. */
interface Known {
  readonly connect: CreateConnection;
  readonly id: string;
  /** Up to when that is known to hold. */
  generation: number;
}

function connectionsOf(
  { config, credentials, service, origin }: Outgoing,
  identity: ConnectIdentity,
  context: object | undefined,
): CreateConnection {
  const { hostname, port } = urlOf(config);
  if (context && !contexts.has(context)) contexts.set(context, ++numbered);
  const key = JSON.stringify([hostname, port, identity, context && contexts.get(context)]);
  const all = functions.get(credentials) ?? new Map<string, Known>();
  functions.set(credentials, all);
  const known = all.get(key);
  const { generation } = credentials;
  if (known?.generation === generation) return known.connect;
  const target = { host: hostname, port, service, origin };
  const id = `${credentials.profileId(target)}${credentials.wayId(target, identity)}`;
  if (known?.id === id) {
    known.generation = generation;
    return known.connect;
  }
  const [oldest] = all.keys();
  if (!known && oldest !== undefined && all.size >= maxFunctions) all.delete(oldest);
  const connect = connector(credentials, identity);
  ours.add(connect);
  all.set(key, { connect, id, generation });
  return connect;
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
