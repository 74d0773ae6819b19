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
      open: (_, connect) => new Agent({ connect }),
      timeoutError: (message) => Object.assign(new Error(message), { code: 'ETIMEDOUT' }),
      serves: (resolution, { proxy }) =>
        decides(resolution) || credentials.decidesProxy || proxy !== undefined,
    });
    ofAgents.set(Agent, dispatchers);
  }
  return dispatchers;
}
