// axios: `httpsAgent`, as its documentation tells.
import { Agent } from 'node:https';
import axios from 'axios';
import { serve, tlsOptions } from './protocol.mjs';

await serve(async ({ certificate, proxy }) => {
  const httpsAgent = new Agent({ keepAlive: true, ...tlsOptions(certificate) });
  const api = axios.create({ httpsAgent, validateStatus: null, ...(proxy && { proxy: proxyOf(proxy) }) });
  return { get: async (url) => (await api.get(url)).status };
});

function proxyOf(url) {
  const { protocol, hostname, port } = new URL(url);
  return { protocol, host: hostname, port: Number(port) };
}
