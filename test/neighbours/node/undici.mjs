// undici: `connect` of its Agent, with the interceptor that follows redirects.
import { Agent, interceptors, ProxyAgent, request } from 'undici';
import { serve, tlsOptions } from './protocol.mjs';

await serve(async ({ certificate, proxy }) => {
  const connect = tlsOptions(certificate);
  const base = proxy ? new ProxyAgent({ uri: proxy, requestTls: connect }) : new Agent({ connect });
  const dispatcher = base.compose(interceptors.redirect({ maxRedirections: 5 }));
  return {
    get: async (url) => {
      const { statusCode, body } = await request(url, { dispatcher });
      await body.dump();
      return statusCode;
    },
  };
});
