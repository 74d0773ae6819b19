import { globalAgent } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { ConnectIdentity, Credentials, Target } from '@clientcert/core';
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
export function applyToFetch(outgoing: Outgoing, identity: ConnectIdentity): void {
  const config = outgoing.config as FetchConfig;
  const { fetchOptions, env } = config;
  if (env?.fetch && env.fetch !== globalThis.fetch) {
    refuse(outgoing, 'env.fetch');
    return;
  }
  const before = fetchOptions?.dispatcher as Dispatcher | undefined;
  const brought = before instanceof CallDispatcher ? before.brought : before;
  const dispatcher = new CallDispatcher(outgoing, identity, brought);
  dispatcher.check();
  config.fetchOptions = { ...fetchOptions, dispatcher };
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

/** Of one call: over https it goes on through an agent of the certificate that holds for the hop. */
class CallDispatcher implements Dispatcher {
  /** The caller's own, of the call. */
  readonly brought: Dispatcher | undefined;
  readonly #outgoing: Outgoing;
  readonly #identity: ConnectIdentity;
  #from: URL | undefined;

  constructor(outgoing: Outgoing, identity: ConnectIdentity, brought: Dispatcher | undefined) {
    this.brought = brought;
    this.#outgoing = outgoing;
    this.#identity = identity;
  }

  /** Asked by Node's fetch. */
  get isMockActive(): boolean | undefined {
    return (this.brought ?? globalDispatcher())?.isMockActive;
  }

  /** Refuses at once what would be refused at the first hop, if it is there by then. */
  check(): void {
    const base = this.brought ?? globalDispatcher();
    if (base && (this.brought || !agentClassOf(base))) this.#refuse(base);
  }

  dispatch(options: { origin: string | URL }, handler: unknown): boolean {
    const { credentials } = this.#outgoing;
    const { service, origin } = this.#identity;
    const to = new URL(options.origin);
    const base = this.brought ?? globalDispatcher()!;
    const Agent = this.brought ? undefined : agentClassOf(base);
    if (!Agent) {
      this.#refuse(base, to);
      return base.dispatch(options, handler);
    }
    const from = this.#from;
    if (from?.protocol === 'https:') {
      credentials.checkRedirect({ host: from.hostname, port: from.port, service, origin }, to);
    }
    this.#from = to;
    if (to.protocol !== 'https:' || !decides(credentials, to, this.#identity)) {
      return base.dispatch(options, handler);
    }
    const defaultProxy = base.constructor === Agent ? undefined : 'env';
    return agentsOf(credentials)
      .find(to, { ...this.#identity, defaultProxy }, Agent)
      .dispatch(options, handler);
  }

  /** The caller's own; one that answers itself, as in tests, connects to nobody. */
  #refuse(base: Dispatcher, to?: URL): void {
    if (base.isMockActive) return;
    refuse(this.#outgoing, this.brought ? 'fetchOptions.dispatcher' : 'global dispatcher', to);
  }
}

/** The dispatcher of Node's own fetch: there once fetch was used, or where somebody set one. */
function globalDispatcher(): Dispatcher | undefined {
  const generation = Number.parseInt(process.versions.undici ?? '', 10) >= 8 ? 2 : 1;
  const known = globalThis as unknown as Record<symbol, Dispatcher | undefined>;
  return known[Symbol.for(`undici.globalDispatcher.${generation}`)];
}

/**
 * The one undici Agent that fits Node's fetch on every Node: the class of its dispatcher, or of the Agent in it
 * where Node is switched to the proxies of the environment.
 *
 * @see https://nodejs.org/api/cli.html#node_use_env_proxy1
 */
function agentClassOf(base: Dispatcher): Agent | undefined {
  if (base.constructor.name === 'Agent') return base.constructor as Agent;
  if (base.constructor.name !== 'EnvHttpProxyAgent' || !('proxyEnv' in globalAgent.options)) return undefined;
  const parts = Object.getOwnPropertySymbols(base).map(
    (key) => (base as unknown as Record<symbol, unknown>)[key],
  );
  return parts.find((part) => part?.constructor.name === 'Agent')?.constructor as Agent | undefined;
}

/** Whether the config says anything of a host: in a rule, in the TLS versions for every host, as the proxy. */
function decides(
  credentials: Credentials,
  { hostname: host, port }: URL,
  identity: ConnectIdentity,
): boolean {
  const { service, origin } = identity;
  const { rule, tls } = credentials.resolve({ host, port, service, origin });
  return rule !== 'none' || tls.min !== 'TLSv1.2' || tls.max !== 'TLSv1.3' || credentials.decidesProxy;
}

function agentsOf(credentials: Credentials): Agents {
  const known = agents.get(credentials) ?? new Agents(credentials);
  agents.set(credentials, known);
  return known;
}

const agents = new WeakMap<Credentials, Agents>();
const maxAgents = 1000;

/** One for each origin, certificate's version and way of asking for it; undici resumes TLS by host name alone. */
class Agents {
  readonly #credentials: Credentials;
  readonly #known = new Map<string, { agent: ClosableDispatcher; target: Target; id: string }>();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
    credentials.adopt(this);
  }

  find({ hostname: host, port }: URL, identity: ConnectIdentity, Agent: Agent): Dispatcher {
    const target = { host, port, service: identity.service, origin: identity.origin };
    const id = this.#credentials.profileId(target);
    const key = JSON.stringify([id, host, port, identity]);
    const known = this.#known.get(key);
    if (known) return known.agent;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= maxAgents) this.#close(oldest);
    const agent = new Agent({ connect: connector(this.#credentials, identity) });
    this.#known.set(key, { agent, target, id });
    return agent;
  }

  /** Closes those whose certificate was renewed or taken away: idle connections at once, busy ones after their response. */
  retire(): void {
    for (const [key, { target, id }] of this.#known) if (!this.#stands(target, id)) this.#close(key);
  }

  #stands(target: Target, id: string): boolean {
    try {
      return this.#credentials.profileId(target) === id;
    } catch {
      return false; // closed, or the service is no longer in the config
    }
  }

  #close(key: string): void {
    void this.#known.get(key)?.agent.close();
    this.#known.delete(key);
  }
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
    socket.setNoDelay(true).setKeepAlive(true, 60_000);
    const timer = setTimeout(() => {
      const message = `no connection to ${hostname}:${port || 443} within ${connectTimeout} ms`;
      socket.destroy(Object.assign(new Error(message), { code: 'ETIMEDOUT' }));
    }, connectTimeout).unref();
    const refuse = (error: unknown) => {
      clearTimeout(timer);
      callback(error, null);
    };
    socket.once('error', refuse);
    socket.once('secureConnect', () => {
      if (socket.destroyed) return; // by a rule, with an error that is on its way
      clearTimeout(timer);
      socket.off('error', refuse);
      keepReason(socket);
      callback(null, socket);
    });
  };
}

/**
 * Over TLS 1.3 a server refuses a certificate after the handshake. undici then sees the stream end before it
 * sees the alert and says no more than "other side closed": the alert is made the cause of that error.
 */
function keepReason(socket: TLSSocket): void {
  let reason: Error | undefined;
  socket.prependListener('error', (error: NodeJS.ErrnoException) => {
    if (!reason) reason = error;
    else if (error !== reason && error.code === 'UND_ERR_SOCKET') error.cause ??= reason;
  });
}
