import https from 'node:https';
import { ClientCertificateError } from '../errors.ts';

/** What makes requests, once it was seen that it asks the agent that they name. */
let asking: unknown;

/**
 * Refuses to hand out an agent that nobody would ask: global-agent, unless it is told otherwise, has every request go over
 * its own agent, past every rule and without a certificate.
 *
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT
 */
export function checkAsked(): void {
  const { globalAgent, request } = https;
  // Whoever replaces the agents of requests replaces this one as well.
  if (globalAgent instanceof https.Agent || request === asking) return;
  try {
    // Nothing is sent: the protocol is none, and what is no agent is refused before that is looked at.
    https.request({ agent: {} as https.Agent, protocol: 'none:' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_INVALID_PROTOCOL') throw forced();
  }
  asking = request;
}

function forced(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    'something in this process has every request go over an agent of its own, past every rule',
    {
      hint: 'If it is global-agent, set GLOBAL_AGENT_FORCE_GLOBAL_AGENT=false. Proxies are taken from the environment with proxy: "env".',
    },
  );
}
