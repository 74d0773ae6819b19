import { type ClientRequest, Agent as HttpAgent } from 'node:http';
import { Agent } from 'node:https';
import { plainAddress } from './signature.ts';

/** Says which agent serves a request to a host that is being dialled. */
export type ChooseAgent = (
  request: ClientRequest,
  host: string,
  port: number | string,
) => Agent | Promise<Agent>;

/**
 * The agent of one call. It keeps no connections: it asks for the agent that does, once the host is known, and
 * may wait for the answer. An error becomes that of the request.
 */
export class CallAgent extends Agent {
  readonly #choose: ChooseAgent;

  constructor(choose: ChooseAgent) {
    super({ keepAlive: true });
    this.#choose = choose;
  }

  /** Node's entry: a request wants a socket. */
  addRequest(request: ClientRequest, options: DialOptions): void {
    const fail = (error: unknown) => (request as unknown as NodeRequest).onSocket(null, error);
    const pass = (agent: Agent) => (agent as unknown as NodeAgent).addRequest(request, options);
    try {
      const agent = this.#choose(
        request,
        options.host ?? options.hostname ?? 'localhost',
        options.port ?? 443,
      );
      if (agent instanceof Promise) agent.then(pass).catch(fail);
      else pass(agent);
    } catch (error) {
      fail(error);
    }
  }

  toJSON(): object {
    return { name: 'CallAgent', protocol: 'https:' };
  }

  static {
    // It decides by the host, so whatever knows routing agents, another copy of this package too, leaves it alone.
    Object.defineProperty(CallAgent.prototype, Symbol.for('clientcert.RoutingAgent'), { value: true });
  }
}

/** Stands at `http:` for a call that is signed. */
export class RefusingAgent extends HttpAgent {
  addRequest(request: ClientRequest): void {
    (request as unknown as NodeRequest).onSocket(null, plainAddress());
  }

  toJSON(): object {
    return { name: 'RefusingAgent', protocol: 'http:' };
  }
}

/** What Node hands to `addRequest`. */
interface DialOptions {
  host?: string | undefined;
  hostname?: string | undefined;
  port?: number | string | undefined;
}

/** What Node's classes have and their types leave out. */
interface NodeAgent {
  addRequest(request: ClientRequest, options: DialOptions): void;
}
interface NodeRequest {
  onSocket(socket: null, error: unknown): void;
}
