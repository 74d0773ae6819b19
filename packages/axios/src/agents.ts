import type { TLSSocket } from 'node:tls';
import type { ConnectIdentity, Credentials, Target } from '@clientcert/core';

/** What this adapter uses of undici, which Node does not export. */
export interface Dispatcher {
  dispatch(options: { origin: string | URL }, handler: unknown): boolean;
  readonly isMockActive?: boolean | undefined;
}
type ClosableDispatcher = Dispatcher & { close(): Promise<void> };
export type Agent = new (options: { connect: Connector }) => ClosableDispatcher;
type Connector = (
  target: { protocol: string; hostname: string; port: string },
  callback: (error: unknown, socket: TLSSocket | null) => void,
) => void;

/** The agents of these credentials, for as long as there are those. */
export function agentsOf(credentials: Credentials): Agents {
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
      callback(null, socket);
    });
  };
}
