import { Agent } from 'node:https';

/** Whether this is an agent of ours, also one of another copy of this package. */
export function isRoutingAgent(agent: unknown): boolean {
  return agent instanceof Agent && Symbol.for('clientcert.RoutingAgent') in agent;
}
