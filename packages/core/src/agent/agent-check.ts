import { ClientCertificateError } from '../errors.ts';
import { isPlausible, quote } from '../quote.ts';
import { agentService } from './brand.ts';

/**
 * Refuses a routing agent of the caller's for a call that says as whom it is made: the agent decides by itself, as
 * whom it was made for.
 *
 * @param option What the caller calls it, e.g. `httpsAgent`.
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT
 */
export function checkAgent(agent: object, service: string | false | undefined, option: string): void {
  if (service === undefined || (agent as { [agentService]?: unknown })[agentService] === service) return;
  const named = service === false ? 'no certificate' : `service ${quote(service, 'name')}`;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `the request says ${named}, and brings its own "${option}", which is not made for that`,
    {
      hint: `Make it so: credentials.agent({ service: ${service && !isPlausible(service, 'name') ? '…' : JSON.stringify(service)} }); or leave "${option}" out.`,
    },
  );
}
