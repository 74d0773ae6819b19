import { type AdapterView, type Connector, Dispatchers, decides, type Pool } from '@clientcert/core/adapter';

/** What this adapter uses of undici, which Node does not export. */
export interface Dispatcher {
  dispatch(options: { origin: string | URL }, handler: unknown): boolean;
  readonly isMockActive?: boolean | undefined;
}
type OwnDispatcher = Dispatcher & Pool;
export type Agent = new (options: { connect: Connector }) => OwnDispatcher;

const known = new WeakMap<AdapterView, WeakMap<Agent, Dispatchers<OwnDispatcher>>>();

/**
 * The dispatchers of these credentials, for as long as there are those.
 *
 * @param Agent The undici class that fits the fetch.
 */
export function dispatchersOf(credentials: AdapterView, Agent: Agent): Dispatchers<OwnDispatcher> {
  const ofAgents = known.get(credentials) ?? new WeakMap<Agent, Dispatchers<OwnDispatcher>>();
  known.set(credentials, ofAgents);
  let dispatchers = ofAgents.get(Agent);
  if (!dispatchers) {
    dispatchers = new Dispatchers<OwnDispatcher>(credentials, {
      open: (origin, connect) => openPool(Agent, origin, connect),
      timeoutError: (message) => Object.assign(new Error(message), { code: 'ETIMEDOUT' }),
      serves: (resolution, { proxy }) =>
        decides(resolution) || credentials.decidesProxy || proxy !== undefined,
    });
    ofAgents.set(Agent, dispatchers);
  }
  return dispatchers;
}

/**
 * The pool that such an agent opens for one origin. The agent itself forgets a pool whose connection has ended, even
 * one whose requests wait for the next (undici 7 and 8), and is closed before they are.
 */
function openPool(Agent: Agent, origin: string, connect: Connector): OwnDispatcher {
  const agent = new Agent({ connect });
  const parts = agent as unknown as Record<symbol, unknown>;
  const symbols = Object.getOwnPropertySymbols(agent);
  const [factory, options] = ['factory', 'options'].map(
    (name) => parts[symbols.find(({ description }) => description === name) as symbol],
  );
  return typeof factory === 'function' ? factory(origin, options) : agent;
}
