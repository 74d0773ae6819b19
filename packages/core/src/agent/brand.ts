/** Whether this is an agent of ours, also one of another copy of this package. */
export function isRoutingAgent(agent: unknown): boolean {
  return typeof agent === 'object' && agent !== null && Symbol.for('clientcert.RoutingAgent') in agent;
}
