import { clientCertificates } from '@clientcert/axios';
import axios, { type AxiosRequestConfig } from 'axios';
import type { AdapterUnderTest } from '../adapters/adapter.ts';
import { adapters as overAxios } from '../adapters/axios.ts';
import { adapters as overFetch } from '../adapters/fetch.ts';
import { adapters as overGot } from '../adapters/got.ts';
import { adapters as overHttps } from '../adapters/https.ts';
import { adapters as overSoap } from '../adapters/soap.ts';
import { adapters as overUndici } from '../adapters/undici.ts';

/** A client, and what it does by itself, whatever a rule says. */
export interface Client extends AdapterUnderTest {
  /** Follows no redirects. */
  readonly stays?: boolean;
  /** Follows a redirect to `http:` because its caller does: there is nobody to refuse it. */
  readonly downgrades?: boolean;
  /** Goes through no proxy. */
  readonly direct?: boolean;
}

/** axios keeps its HTTP/2 connections itself, and follows no redirects over them. */
const axiosHttp2: Client = {
  name: 'axios with http2',
  module: import.meta.url,
  readsEnvironment: true,
  stays: true,
  direct: true,
  create(credentials) {
    const api = axios.create({ httpVersion: 2, proxy: false } as AxiosRequestConfig);
    clientCertificates(api, credentials);
    return {
      async send(url, { service, body, signal, timeout } = {}) {
        const raw = await api.request({
          url,
          method: body === undefined ? 'GET' : 'POST',
          data: body,
          responseType: 'arraybuffer',
          ...(service !== undefined && { clientCertificate: service }),
          ...(signal && { signal }),
          ...(timeout !== undefined && { timeout }),
        });
        return { status: raw.status, length: raw.data.byteLength ?? 0, raw };
      },
    };
  },
};

/** Every way in which the packages are used. */
export const clients: readonly Client[] = [
  ...overHttps.map((each) => ({ ...each, downgrades: true })),
  ...overAxios,
  axiosHttp2,
  ...overGot,
  ...overSoap,
  ...overUndici,
  ...overFetch,
];
