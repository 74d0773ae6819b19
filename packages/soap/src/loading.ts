import type { ClientRequest } from 'node:http';
import { Agent } from 'node:https';
import type { Credentials } from '@clientcert/core';
import { agentService, type CallSignal, type Loading, loadedOf, whileWanted } from '@clientcert/core/adapter';

/**
 * Goes on told whether others are the same credentials. Of another promise that is known once it is loaded: an `async`
 * function makes a new one for whoever calls it. What fails to load is not the same.
 */
export function whenCompared<Result>(
  ready: Credentials,
  other: Loading,
  signal: CallSignal | undefined,
  go: (areSame: boolean) => Result,
): Result | Promise<Result> {
  const loaded = loadedOf(other);
  if (loaded) return go(loaded === ready);
  const compared = whileCalled(other, signal).then(
    (known) => known === ready,
    (error) => {
      if (signal?.aborted) throw error;
      return false;
    },
  );
  return compared.then(go);
}

/** Fails as axios does where the call is aborted, whatever with: node-soap takes what is nothing for an answer. */
function whileCalled(credentials: Loading, signal: CallSignal | undefined): Promise<Credentials> {
  return whileWanted(credentials, signal).catch((error: unknown) => {
    if (signal?.aborted && error === (signal.reason ?? error)) {
      const mark = { name: 'CanceledError', code: 'ERR_CANCELED', isAxiosError: true, __CANCEL__: true };
      throw Object.assign(new Error('canceled'), mark);
    }
    throw error;
  });
}

/**
 * Goes on at once with what is loaded, so that only a call that has to wait becomes asynchronous.
 *
 * @param signal Of the call, which is not waited for any longer where that says so.
 */
export function whenLoaded<Result>(
  credentials: Loading,
  signal: CallSignal | undefined,
  go: (ready: Credentials) => Result | Promise<Result>,
): Result | Promise<Result> {
  const ready = loadedOf(credentials);
  return ready ? go(ready) : whileCalled(credentials, signal).then(go);
}

/** An agent that takes requests while credentials are loading; what is thrown meanwhile is their error. */
export function waitFor(
  credentials: Loading,
  service: string | false | undefined,
  choose: (ready: Credentials) => Agent,
): Agent {
  return Object.defineProperty(new LoadingAgent(credentials, choose), agentService, { value: service });
}

class LoadingAgent extends Agent {
  readonly #agent: () => Promise<Agent>;

  constructor(credentials: Loading, choose: (ready: Credentials) => Agent) {
    super();
    let chosen: Promise<Agent> | undefined;
    this.#agent = () => (chosen ??= Promise.resolve(credentials).then(choose));
  }

  /** Node's entry: a request wants a socket. */
  addRequest(request: ClientRequest, options: object): void {
    this.#agent()
      .then((agent) => (agent as unknown as NodeAgent).addRequest(request, options))
      .catch((error) => (request as unknown as NodeRequest).onSocket(null, error));
  }

  toJSON(): object {
    return { name: 'LoadingAgent', protocol: 'https:' };
  }

  static {
    // It decides by the host in the end, so whatever knows routing agents leaves it alone.
    Object.defineProperty(LoadingAgent.prototype, Symbol.for('clientcert.RoutingAgent'), { value: true });
  }
}

/** What Node's classes have and their types leave out. */
interface NodeAgent {
  addRequest(request: ClientRequest, options: object): void;
}
interface NodeRequest {
  onSocket(socket: null, error: unknown): void;
}
