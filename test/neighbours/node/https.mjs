// node:https: an agent with the certificate. Roots of one's own: NODE_EXTRA_CA_CERTS.
import { Agent, get } from 'node:https';
import { serve, tlsOptions } from './protocol.mjs';

await serve(async ({ certificate, proxy }) => {
  const proxyEnv = proxy && { HTTPS_PROXY: proxy };
  const agent = new Agent({ keepAlive: true, ...tlsOptions(certificate), ...(proxyEnv && { proxyEnv }) });
  return {
    get: (url) =>
      new Promise((resolve, reject) => {
        get(url, { agent }, (response) => {
          response
            .resume()
            .once('end', () => resolve(response.statusCode))
            .once('error', reject);
        }).once('error', reject);
      }),
  };
});
