// Playwright: `clientCertificates` of an APIRequestContext, which needs no browser.
import { request } from 'playwright-core';
import { NoWay, serve } from './protocol.mjs';

await serve(async ({ certificate, host, proxy }) => {
  const { pfx, jks, cert, p7b, key, passphrase } = certificate;
  if (jks) throw new NoWay('pfxPath, or certPath and keyPath');
  const archive = pfx && { pfxPath: pfx };
  const pair = (cert ?? p7b) && { certPath: cert ?? p7b, keyPath: key };
  const chosen = archive ?? pair;
  const context = await request.newContext({
    clientCertificates: chosen
      ? [{ origin: host, ...chosen, ...(passphrase !== undefined && { passphrase }) }]
      : [],
    ...(proxy && { proxy: { server: proxy, bypass: '<-loopback>' } }),
  });
  return {
    get: async (url) => {
      const response = await context.get(url, { timeout: 20_000 });
      const status = response.status();
      await response.dispose();
      return status;
    },
  };
});
