import { clientCertificates as certifyAxios } from '@clientcert/axios';
import { clientCertificates as certifyGot } from '@clientcert/got';
import { clientCertificates as certifyUndici, createDispatcher, createFetch } from '@clientcert/undici';
import axios from 'axios';
import got from 'got';
import * as undici from 'undici';
import { type Call, clients as overHttp1 } from '../diagnosis/clients.ts';

async function request(url: string, dispatcher: undici.Dispatcher): Promise<object> {
  try {
    const { statusCode, body } = await undici.request(url, { dispatcher });
    return { status: statusCode, body: await body.text(), url };
  } finally {
    await dispatcher.close();
  }
}

/** Every way into this project that makes a call of its own. */
export const clients = {
  ...overHttp1,
  dispatcher: (credentials, url) => request(url, createDispatcher(credentials, { allowH2: false })),
} satisfies Record<string, Call>;

/** Those that offer HTTP/2 when they are told to; got with an agent speaks HTTP/1.1, and says so. */
export const clientsOverHttp2 = {
  axios: async (credentials, url) => {
    const api = axios.create({ proxy: false, httpVersion: 2 });
    certifyAxios(api, credentials);
    return await api.get(url);
  },
  got: async (credentials, url) =>
    await got.extend(certifyGot(credentials))(url, { http2: true, retry: { limit: 0 } }),
  undici: (credentials, url) => {
    const own = new undici.Agent({ allowH2: true });
    return request(url, own.compose(certifyUndici(credentials, { allowH2: true })));
  },
  dispatcher: (credentials, url) => request(url, createDispatcher(credentials, { allowH2: true })),
  fetch: async (credentials, url) => {
    const response = await createFetch(credentials, { allowH2: true })(url);
    return { status: response.status, body: await response.text(), url };
  },
} satisfies Record<string, Call>;
