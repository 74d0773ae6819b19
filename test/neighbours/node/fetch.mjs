// Node's fetch, with undici's Agent as its dispatcher.
import { Agent, ProxyAgent } from 'undici';
import { serve, tlsOptions } from './protocol.mjs';

await serve(async ({ certificate, proxy }) => {
  const connect = tlsOptions(certificate);
  const dispatcher = proxy ? new ProxyAgent({ uri: proxy, requestTls: connect }) : new Agent({ connect });
  return {
    get: async (url) => {
      const response = await fetch(url, { dispatcher });
      await response.arrayBuffer();
      return response.status;
    },
  };
});
