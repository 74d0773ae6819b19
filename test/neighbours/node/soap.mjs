// node-soap: ClientSSLSecurityPFX, or ClientSSLSecurity for a certificate and a key.
import { fileURLToPath } from 'node:url';
import soap from 'soap';
import { serve, tlsOptions } from './protocol.mjs';

const wsdl = fileURLToPath(new URL('ping.wsdl', import.meta.url));

await serve(async ({ certificate, proxy }) => {
  const { pfx, passphrase, cert, key } = tlsOptions(certificate);
  const client = await soap.createClientAsync(wsdl);
  if (pfx) client.setSecurity(new soap.ClientSSLSecurityPFX(pfx, passphrase));
  else if (cert) client.setSecurity(new soap.ClientSSLSecurity(key, cert, null, { passphrase }));
  const { protocol, hostname, port } = proxy ? new URL(proxy) : {};
  const options = proxy ? { proxy: { protocol, host: hostname, port: Number(port) } } : {};
  return {
    get: async (url) => {
      client.setEndpoint(url);
      await client.PingAsync({}, options);
      return 200;
    },
  };
});
