import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
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
  if (brought != null && !(isOurs in Object(brought))) {
    refuse(outgoing, 'http2Options.createConnection');
    return;
  }
  if (own(before, 'socket') != null) refuse(outgoing, 'http2Options.socket');
  const context = own(before, 'secureContext') as object | undefined;
  config.http2Options = {
    ...before,
    // axios reads nothing that is pushed, and nobody hears its errors: these end the process.
    settings: { enablePush: false, ...(own(before, 'settings') as object | undefined) },
    createConnection: connectionsOf(outgoing, identity, context),
  };
}

/** On connecting functions of ours: a used config comes back with one, also to another copy of this package. */
const isOurs: unique symbol = Symbol.for('clientcert.axios.createConnection') as never;
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
  Object.assign(connect, { [isOurs]: true });
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
    // There when `http2.connect`, which asked for the socket, has returned. The oldest axios listens to no error of it.
    let session: ClientHttp2Session | undefined;
    process.nextTick(() => {
      session = sessionOn(socket)?.on('error', () => {});
    });
    let isSecure = false;
    socket.once('secureConnect', () => {
      isSecure = true;
    });
    // Node closes the streams of a connection that ends as if all had been said: axios would wait for ever for an answer
    // that has not begun, and take what has come of another for all of it. Where a handshake ends, Node says so.
    const end = () => {
      if (!isSecure) return;
      const error = endedEarly(host, port, socket.bytesRead > 0);
      for (const stream of session ? streamsOf(session) : []) if (!stream.closed) stream.destroy(error);
      if (socket.bytesRead === 0) socket.destroy(error);
    };
    socket.once('end', end);
    // A session takes further requests up to here.
    socket.once('close', end);
    return socket;
  };
}

/** Node has it on its socket, and its streams on a state of its own, under names that nobody promises. */
function sessionOn(socket: object): ClientHttp2Session | undefined {
  const isSession = (each: unknown) =>
    (each as object | undefined)?.constructor?.name === 'ClientHttp2Session';
  return membersOf(socket).find(isSession) as ClientHttp2Session | undefined;
}

/** Those that have not ended, answered in full or not. */
function streamsOf(session: ClientHttp2Session): readonly ClientHttp2Stream[] {
  // Node's own kind of map and set, which are none by their prototypes.
  const isState = (each: unknown) =>
    typeof (each as Partial<State> | undefined)?.streams?.values === 'function';
  const state = membersOf(session).find(isState) as State | undefined;
  return state ? [...state.streams.values(), ...state.pendingStreams.values()] : [];
}

interface State {
  readonly streams: ReadonlyMap<number, ClientHttp2Stream>;
  readonly pendingStreams: ReadonlySet<ClientHttp2Stream>;
}

/** But for those behind accessors, which may do anything. */
function membersOf(object: object): unknown[] {
  const descriptors = Object.getOwnPropertyDescriptors(object) as Record<string | symbol, PropertyDescriptor>;
  return Reflect.ownKeys(descriptors).map((key) => descriptors[key]!.value);
}

/** Without a word is how a server refuses a certificate over TLS 1.3 without an alert: the handshake is over by then. */
function endedEarly(host: string, port: string, hasSpoken: boolean): Error {
  const what = hasSpoken
    ? 'before its answers were complete'
    : 'without a word, as servers do that refuse the certificate';
  const message = `${host}:${port || 443} ended the connection ${what}`;
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}
