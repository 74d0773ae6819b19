import type { TLSSocket } from 'node:tls';
import type { ConnectIdentity, Credentials } from '@clientcert/core';
import type { InternalAxiosRequestConfig } from 'axios';
import { type Outgoing, refuse } from './index.ts';

/** Whether axios would take its `fetch` adapter. */
export function usesFetch({ adapter }: InternalAxiosRequestConfig): boolean {
  if (adapter === 'fetch') return true;
  return Array.isArray(adapter) && adapter.find((name) => name !== 'xhr') === 'fetch';
}

/**
 * Hands Node's fetch a dispatcher, which it asks for every hop of a redirect. A fetch or a dispatcher that the
 * caller brings is theirs, unless a rule decides for the host.
 *
 * @see https://undici.nodejs.org/#/docs/api/Fetch
 */
export async function applyToFetch(
  outgoing: Outgoing,
  identity: ConnectIdentity,
): Promise<InternalAxiosRequestConfig> {
  const config = outgoing.config as FetchConfig;
  const { fetchOptions, env } = config;
  const before = fetchOptions?.dispatcher as Dispatcher | undefined;
  const brought = before instanceof OwnDispatcher ? before.own : before;
  if (env?.fetch && env.fetch !== globalThis.fetch) {
    refuse(outgoing, 'env.fetch');
    return config;
  }
  let dispatcher: Dispatcher;
  if (brought && !(brought instanceof RoutingDispatcher)) {
    refuse(outgoing, 'fetchOptions.dispatcher');
    dispatcher = new OwnDispatcher(outgoing, brought, 'fetchOptions.dispatcher');
  } else {
    const base = await globalDispatcher();
    if (base.constructor.name !== 'Agent') {
      refuse(outgoing, 'global dispatcher');
      dispatcher = new OwnDispatcher(outgoing, base, 'global dispatcher');
    } else dispatcher = new RoutingDispatcher(outgoing, identity, base);
  }
  config.fetchOptions = { ...fetchOptions, dispatcher };
  return config;
}

type FetchConfig = InternalAxiosRequestConfig & {
  fetchOptions?: Record<string, unknown>;
  env?: { fetch?: unknown };
};

interface Dispatcher {
  dispatch(options: { origin: string | URL }, handler: unknown): boolean;
  readonly isMockActive?: boolean | undefined;
}
type ClosableDispatcher = Dispatcher & { close(): Promise<void> };
type Agent = new (options: { connect: Connector }) => ClosableDispatcher;
type Connector = (
  target: { protocol: string; hostname: string; port: string },
  callback: (error: unknown, socket: TLSSocket | null) => void,
) => void;

/**
 * The dispatcher of Node's own fetch; its class is the one undici Agent that fits that fetch on every Node.
 * It is there once fetch was used.
 */
async function globalDispatcher(): Promise<Dispatcher> {
  const generation = Number.parseInt(process.versions.undici ?? '', 10) >= 8 ? 2 : 1;
  const key = Symbol.for(`undici.globalDispatcher.${generation}`);
  const known = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
  if (!known[key]) await fetch('data:,');
  return known[key]!;
}

/** The caller's own, for one call: refused where a redirect takes it to a host for which a rule decides. */
class OwnDispatcher implements Dispatcher {
  readonly own: Dispatcher;
  readonly #outgoing: Outgoing;
  readonly #name: string;

  constructor(outgoing: Outgoing, own: Dispatcher, name: string) {
    this.#outgoing = outgoing;
    this.#name = name;
    this.own = own;
  }

  /** Asked by Node's fetch. */
  get isMockActive(): boolean | undefined {
    return this.own.isMockActive;
  }

  dispatch(options: { origin: string | URL }, handler: unknown): boolean {
    refuse(this.#outgoing, this.#name, new URL(options.origin));
    return this.own.dispatch(options, handler);
  }
}

/** Of one call: over https it goes on through an agent of the certificate that holds for the hop. */
class RoutingDispatcher implements Dispatcher {
  readonly #outgoing: Outgoing;
  readonly #identity: ConnectIdentity;
  readonly #base: Dispatcher;
  #from: URL | undefined;

  constructor(outgoing: Outgoing, identity: ConnectIdentity, base: Dispatcher) {
    this.#outgoing = outgoing;
    this.#identity = identity;
    this.#base = base;
  }

  dispatch(options: { origin: string | URL }, handler: unknown): boolean {
    const { credentials } = this.#outgoing;
    const { service, origin } = this.#identity;
    const to = new URL(options.origin);
    const from = this.#from;
    if (from?.protocol === 'https:') {
      credentials.checkRedirect({ host: from.hostname, port: from.port, service, origin }, to);
    }
    this.#from = to;
    if (to.protocol !== 'https:') return this.#base.dispatch(options, handler);
    const id = credentials.profileId({ host: to.hostname, port: to.port, service, origin });
    return agentOf(credentials, id, this.#identity, this.#base.constructor as Agent).dispatch(
      options,
      handler,
    );
  }
}

const agents = new WeakMap<Credentials, Map<string, ClosableDispatcher>>();
const maxAgents = 100;

/** One for each certificate's version and each way of asking for it; undici resumes TLS by host name alone. */
function agentOf(credentials: Credentials, id: string, identity: ConnectIdentity, Agent: Agent): Dispatcher {
  const key = JSON.stringify([id, identity]);
  const known = agents.get(credentials) ?? new Map<string, ClosableDispatcher>();
  agents.set(credentials, known);
  let agent = known.get(key);
  if (!agent) {
    const [oldest] = known;
    if (oldest && known.size >= maxAgents) {
      known.delete(oldest[0]);
      void oldest[1].close();
    }
    agent = new Agent({ connect: connector(credentials, identity) });
    known.set(key, agent);
  }
  return agent;
}

/** As long as undici itself waits for a connection. */
const connectTimeout = 10_000;

function connector(credentials: Credentials, identity: ConnectIdentity): Connector {
  return ({ hostname, port }, callback) => {
    let socket: TLSSocket;
    try {
      const host = hostname.replace(/^\[|\]$/g, '');
      socket = credentials.connect({
        ...identity,
        host,
        port: Number(port || 443),
        ALPNProtocols: ['http/1.1'],
      });
    } catch (error) {
      callback(error, null);
      return;
    }
    const timer = setTimeout(() => {
      const message = `no connection to ${hostname}:${port || 443} within ${connectTimeout} ms`;
      socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
    }, connectTimeout).unref();
    const done = (error: unknown) => {
      clearTimeout(timer);
      socket.off('error', done).off('secureConnect', connected);
      callback(error, error ? null : socket);
    };
    const connected = () => done(null);
    socket.once('error', done).once('secureConnect', connected);
  };
}
