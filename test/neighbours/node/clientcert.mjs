// clientcert, over the client that the first argument names: the certificate is for the host that the config names.

import { get as getHttps } from 'node:https';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import axios from 'axios';
import got from 'got';
import soap from 'soap';
import { Agent, interceptors, request } from 'undici';
import { clientCertificates as forAxios } from '../../../packages/axios/dist/index.js';
import { diagnose, loadCredentials } from '../../../packages/core/dist/index.js';
import { clientCertificates as forGot } from '../../../packages/got/dist/index.js';
import { ClientCertificateSecurity, soapOptions } from '../../../packages/soap/dist/index.js';
import { createFetch, clientCertificates as forUndici } from '../../../packages/undici/dist/index.js';
import { serve } from './protocol.mjs';

const wsdl = fileURLToPath(new URL('ping.wsdl', import.meta.url));
const over = {
  https: (credentials) => {
    const agent = credentials.agent({ keepAlive: true });
    return (url) =>
      new Promise((resolve, reject) => {
        getHttps(url, { agent }, (response) => {
          response
            .resume()
            .once('end', () => resolve(response.statusCode))
            .once('error', reject);
        }).once('error', reject);
      });
  },
  axios: (credentials) => {
    const api = axios.create({ validateStatus: null });
    forAxios(api, credentials);
    return async (url) => (await api.get(url)).status;
  },
  got: (credentials) => {
    const api = got.extend(forGot(credentials), { retry: { limit: 0 }, throwHttpErrors: false });
    return async (url) => (await api(url)).statusCode;
  },
  soap: async (credentials) => {
    const client = await soap.createClientAsync(wsdl, soapOptions(credentials));
    client.setSecurity(new ClientCertificateSecurity(credentials));
    return async (url) => {
      client.setEndpoint(url);
      await client.PingAsync({});
      return 200;
    };
  },
  undici: (credentials) => {
    const dispatcher = new Agent().compose(
      forUndici(credentials),
      interceptors.redirect({ maxRedirections: 5 }),
    );
    return async (url) => {
      const { statusCode, body } = await request(url, { dispatcher });
      await body.dump();
      return statusCode;
    };
  },
  fetch: (credentials) => {
    const fetchWith = createFetch(credentials);
    return async (url) => {
      const response = await fetchWith(url);
      await response.arrayBuffer();
      return response.status;
    };
  },
};

await serve(
  async ({ certificate, host, proxy }) => {
    const { pfx, jks, cert, p7b, key, passphrase } = certificate;
    const archive = pfx ?? jks;
    const source = archive ? { pfx: archive } : { cert: cert ?? p7b, key };
    const has = archive || cert || p7b;
    const credentials = await loadCredentials({
      certificates: has ? { bank: { ...source, ...(passphrase !== undefined && { passphrase }) } } : {},
      hosts: has ? { [new URL(host).host]: 'bank' } : {},
      ...(proxy && { proxy }),
    });
    const get = await over[argv[2]](credentials);
    return { get, tell: (error, url) => told(diagnose(error, { credentials, url })) };
  },
  (error) => `${error.message} ${error.hint ?? ''} (${error.code})`,
);

/** As `diagnose` says it. */
function told({ title, cause }) {
  return `${title}: ${cause}`;
}
