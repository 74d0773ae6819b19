import { request } from 'node:https';
import { buffer } from 'node:stream/consumers';
import type { AdapterUnderTest } from '../adapters/adapter.ts';
import { adapters as axios } from '../adapters/axios.ts';
import { adapters as fetch } from '../adapters/fetch.ts';
import { adapters as got } from '../adapters/got.ts';
import { adapters as soap } from '../adapters/soap.ts';
import { adapters as undici } from '../adapters/undici.ts';

/** Node's own, over the agent that credentials make: it follows no redirects. */
const https: AdapterUnderTest = {
  name: 'https',
  module: import.meta.url,
  readsEnvironment: false,
  create(credentials) {
    return {
      async send(url, { service, body, signal, timeout } = {}) {
        const loaded = await credentials;
        const agent = service === undefined ? loaded.agent() : loaded.agent({ service });
        return await new Promise((resolve, reject) => {
          const options = { agent, ...(signal && { signal }), method: body === undefined ? 'GET' : 'POST' };
          const call = request(url, options, (response) => {
            buffer(response).then(
              ({ length }) => resolve({ status: response.statusCode!, length, raw: response }),
              reject,
            );
          });
          call.on('error', reject);
          const late = Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' });
          const timer = timeout === undefined ? undefined : setTimeout(() => call.destroy(late), timeout);
          call.on('close', () => clearTimeout(timer));
          call.end(typeof body === 'string' ? body : undefined);
        });
      },
    };
  },
};

/** Every client that there is an adapter for. */
export const clients: readonly AdapterUnderTest[] = [https, ...axios, ...got, ...soap, ...fetch, ...undici];
