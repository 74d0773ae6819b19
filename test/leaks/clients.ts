import { request as overHttp, Agent as PlainAgent } from 'node:http';
import { request as overHttps } from 'node:https';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { clientCertificates } from '@clientcert/axios';
import axios, { type AxiosRequestConfig } from 'axios';
import type { AdapterUnderTest } from '../adapters/adapter.ts';
import { adapters as overAxios } from '../adapters/axios.ts';
import { adapters as overFetch } from '../adapters/fetch.ts';
import { adapters as overGot } from '../adapters/got.ts';
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

/** `node:https` with the agent; redirects are followed as people write that by hand. */
const https: Client = {
  name: 'https',
  module: import.meta.url,
  readsEnvironment: false,
  downgrades: true,
  direct: false,
  create(credentials) {
    const agents = new Map<string, ReturnType<Awaited<typeof credentials>['agent']>>();
    const plain = new PlainAgent({ keepAlive: true });
    return {
      async send(url, { service, body, signal, timeout } = {}) {
        const { origin } = new URL(url);
        // A service without hosts holds at the origin of the call, so that is what an agent is made for.
        const key = service === undefined ? '' : `${service} ${origin}`;
        const own = service === undefined ? {} : { service, ...(service !== false && { origin }) };
        let agent = agents.get(key);
        agent ??= (await credentials).agent(own);
        agents.set(key, agent);
        const end = signal ?? (timeout === undefined ? undefined : AbortSignal.timeout(timeout));
        for (let [to, hops] = [url, 0]; ; hops++) {
          const isPlain = to.startsWith('http:');
          const options = { agent: isPlain ? plain : agent, method: body === undefined ? 'GET' : 'POST' };
          const raw = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
            const request = (isPlain ? overHttp : overHttps)(to, { ...options, ...(end && { signal: end }) });
            request.on('response', resolve).on('error', reject);
            if (body instanceof Readable) body.pipe(request);
            else request.end(body);
          });
          const { byteLength } = await buffer(raw);
          const { location } = raw.headers;
          const status = raw.statusCode ?? 0;
          if (![300, 301, 302, 303, 307, 308].includes(status) || location === undefined)
            return { status, length: byteLength, raw };
          if (hops === 20) throw new Error('20 redirects');
          to = new URL(location, to).href;
        }
      },
      close: () => plain.destroy(),
    };
  },
};

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
  https,
  ...overAxios,
  axiosHttp2,
  ...overGot,
  ...overSoap,
  ...overUndici,
  ...overFetch,
];
