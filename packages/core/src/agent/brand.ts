/** Whether this is an agent of ours, also one of another copy of this package. */
export function isRoutingAgent(agent: unknown): boolean {
  return typeof agent === 'object' && agent !== null && Symbol.for('clientcert.RoutingAgent') in agent;
}

/** By which an agent says as which service it connects; registered, so that it is one over two copies of this package. */
export const agentService: unique symbol = Symbol.for('clientcert.agentService') as never;
