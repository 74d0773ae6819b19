import { Agent } from 'node:https';
import { Readable } from 'node:stream';
import { clientCertificates } from '@clientcert/axios';
import axios, { type AxiosRequestConfig } from 'axios';
import type { AdapterUnderTest, Identity } from './adapter.ts';
import { asItIs } from './ground.ts';

const ownCertificate = {
  'a certificate and key of their own are refused at a pinned host, before any connection':
    'passes neither cert nor key on',
  'a certificate and key of their own are used where no rule names the host':
    'passes neither cert nor key on',
  'a certificate and key of their own are presented for no other client, over TLS 1.2':
    'passes neither cert nor key on',
  'a certificate and key of their own are presented for no other client, over TLS 1.3':
    'passes neither cert nor key on',
};

export const adapters: AdapterUnderTest[] = [
  under('axios', 'http', ownCertificate),
  under('axios with fetch', 'fetch', {
    ...ownCertificate,
    'in the client’s own option': 'takes no proxy with fetch',
  }),
];

function under(
  name: string,
  adapter: 'http' | 'fetch',
  unsupported: NonNullable<AdapterUnderTest['unsupported']>,
): AdapterUnderTest {
  return {
    name,
    module: import.meta.url,
    readsEnvironment: adapter === 'http',
    unsupported,

    create(credentials, { ownAgent, proxy, retries = 0 } = {}) {
      const api = axios.create({ adapter });
      if (ownAgent && adapter === 'http') api.defaults.httpsAgent = new Agent(ownAgent);
      if (ownAgent && adapter === 'fetch') api.defaults.fetchOptions = { dispatcher: dispatcherOf(ownAgent) };
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
        async send(url, { service, body, stream, signal, timeout, hand = asItIs } = {}) {
          const config: AxiosRequestConfig = hand({
            responseType: stream ? 'stream' : 'arraybuffer',
            ...(service !== undefined && { clientCertificate: service }),
            ...(signal && { signal }),
            ...(timeout !== undefined && { timeout }),
          });
          const data = body instanceof Readable && adapter === 'fetch' ? Readable.toWeb(body) : body;
          const raw = await (data === undefined ? api.get(url, config) : api.post(url, data, config));
          let length = raw.data.byteLength ?? 0;
          if (stream) for await (const chunk of raw.data) length += chunk.length;
          return { status: raw.status, length, raw };
        },
      };
    },
  };
}

/** Of the class that Node's own fetch comes with. */
function dispatcherOf(connect: Identity): object {
  const known = globalThis as unknown as Record<symbol, object>;
  const global =
    known[Symbol.for('undici.globalDispatcher.2')] ?? known[Symbol.for('undici.globalDispatcher.1')]!;
  return new (global.constructor as new (options: { connect: Identity }) => object)({ connect });
}
