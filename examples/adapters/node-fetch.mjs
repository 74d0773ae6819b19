import {
  acceptCredentials,
  adapterOf,
  checkAgent,
  isRoutingAgent,
  loadedOf,
  withDiagnosis,
} from '@clientcert/core/adapter';
import nodeFetch, { Request } from 'node-fetch';

/**
 * node-fetch with the client certificate that each host is pinned to, or the
 * service that the calls are made as.
 *
 * @param {Parameters<typeof acceptCredentials>[0]} credentials
 * @param {{ service?: string | false }} [options]
 * @returns {typeof nodeFetch}
 */
export function createFetch(credentials, { service } = {}) {
  const loading = acceptCredentials(credentials, 'createFetch()');

  return async function fetch(input, init = {}) {
    const request = input instanceof Request ? input : undefined;
    const { href, origin } = new URL(request?.url ?? `${input}`);
    // A service without hosts applies where the call began.
    const start = service ? origin : undefined;
    const targetOf = (/** @type {URL} */ { hostname, port }) => ({
      host: hostname,
      port,
      service,
      origin,
    });
    const { agent: brought } = { ...request, ...init };
    /** @type {URL | undefined} */
    let before;
    try {
      const adapter = adapterOf(await loading);
      // node-fetch asks for the agent of the first URL and of each redirect.
      const agent = (/** @type {URL} */ to) => {
        if (before?.protocol === 'https:') {
          adapter.checkRedirect(targetOf(before), to);
        }
        before = to;
        const own = typeof brought === 'function' ? brought(to) : brought;
        if (to.protocol !== 'https:') {
          adapter.checkPlain({ service, origin: start }, to);
          return own || undefined;
        }
        if (!own) return adapter.sharedAgent({ service, origin: start });
        // credentials.agent() decides by itself; others go past the rules.
        if (typeof own === 'object' && isRoutingAgent(own)) {
          checkAgent(own, service, 'agent');
        } else adapter.refuseOwn(targetOf(to), 'agent');
        return own;
      };
      return await nodeFetch(input, { ...init, agent });
    } catch (error) {
      throw withDiagnosis(error, {
        credentials: loadedOf(loading),
        url: before ?? href,
        service,
      });
    }
  };
}
