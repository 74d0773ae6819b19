import { Agent } from 'node:https';
import { Readable } from 'node:stream';
import { clientCertificates } from '@clientcert/axios';
import axios, { type AxiosRequestConfig } from 'axios';
import type { AdapterUnderTest } from './suite.ts';

export const adapter: AdapterUnderTest = {
  name: 'axios',
  module: import.meta.url,
  readsEnvironment: true,
  unsupported: {
    'a certificate and key of their own are refused at a pinned host, before any connection':
      'has no such options: it passes neither cert nor key on',
    'a certificate and key of their own are used where no rule names the host':
      'has no such options: it passes neither cert nor key on',
  },

  create(credentials, { ownAgent, proxy, retries = 0 } = {}) {
    const api = axios.create();
    if (ownAgent) api.defaults.httpsAgent = new Agent(ownAgent);
    if (proxy) {
      const { protocol, hostname, port } = new URL(proxy);
      api.defaults.proxy = { protocol, host: hostname, port: Number(port) };
    }
    clientCertificates(api, credentials);
    // As axios-retry does: the used config is passed again.
    let left = retries;
    api.interceptors.response.use(undefined, (error) => {
      if (error.response?.status !== 503 || left === 0) throw error;
      left -= 1;
      return api.request(error.config);
    });
    return {
      async send(url, { service, body, stream, signal, timeout } = {}) {
        const config: AxiosRequestConfig = {
          url,
          method: body === undefined ? 'GET' : 'POST',
          data: body,
          responseType: stream ? 'stream' : 'arraybuffer',
          ...(service !== undefined && { clientCertificate: service }),
          ...(signal && { signal }),
          ...(timeout !== undefined && { timeout }),
        };
        const raw = await api.request(config);
        let length = raw.data.length ?? 0;
        if (raw.data instanceof Readable) for await (const chunk of raw.data) length += chunk.length;
        return { status: raw.status, length, raw };
      },
    };
  },
};
