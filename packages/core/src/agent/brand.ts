/** Whether this is an agent of ours, also one of another copy of this package. */
export function isRoutingAgent(agent: unknown): boolean {
  return typeof agent === 'object' && agent !== null && Symbol.for('clientcert.RoutingAgent') in agent;
}

/** By which an agent says as which service it connects; registered, so that it is one over two copies of this package. */
export const agentService: unique symbol = Symbol.for('clientcert.agentService') as never;

/**
 * By which an agent says what it presents at a host and port, as it is now: the certificate's SHA-256 fingerprint, or `null`
 * for none of the config's; registered, too.
 */
export const agentPresents: unique symbol = Symbol.for('clientcert.agentPresents') as never;

/** On agents that adapters ask for, and no caller makes; registered, as other copies of adapters come across them. */
export const sharedAgent: unique symbol = Symbol.for('clientcert.sharedAgent') as never;

/** Whether it is an agent of `credentials.agent()` that a caller brings, and none that an adapter, of any copy, has set. */
export function isCallersAgent(agent: unknown): boolean {
  return isRoutingAgent(agent) && !(sharedAgent in (agent as object));
}
