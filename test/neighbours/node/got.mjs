// got: its `https` options; a proxy through an agent, as its documentation tells.
import { Agent } from 'node:https';
import got from 'got';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { serve, tlsOptions } from './protocol.mjs';

await serve(async ({ certificate, proxy }) => {
  const { cert, ...rest } = tlsOptions(certificate);
  const api = got.extend({
    https: { ...rest, ...(cert && { certificate: cert }) },
    agent: { https: proxy ? new HttpsProxyAgent(proxy) : new Agent({ keepAlive: true }) },
    retry: { limit: 0 },
    throwHttpErrors: false,
  });
  return { get: async (url) => (await api(url)).statusCode };
});
