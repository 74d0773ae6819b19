import { Readable } from 'node:stream';
import { createFetch } from '@clientcert/undici';
import { Agent, fetch as undiciFetch } from 'undici';
import type { AdapterUnderTest } from './adapter.ts';
import { asItIs, endOf } from './ground.ts';
import { answeringIn } from './undici.ts';

export const adapters: AdapterUnderTest[] = [
  under('fetch', fetch),
  under('fetch of undici', undiciFetch as unknown as typeof fetch),
];

function under(name: string, own: typeof fetch): AdapterUnderTest {
  return {
    name,
    module: import.meta.url,
    readsEnvironment: false,
    limits: true,
    unsupported: {
      'a certificate and key of their own are used where no rule names the host':
        'the options are those of the connections that rules decide',
    },

    create(
      credentials,
      {
        ownAgent,
        ownCertificate,
        proxy,
        retries = 0,
        connectTimeout = 10_000,
        answerTimeout,
        maxConnections,
      } = {},
    ) {
      const call = createFetch(credentials, {
        fetch: own,
        proxy,
        connect: ownCertificate,
        connectTimeout,
        ...answeringIn(answerTimeout),
        ...(maxConnections !== undefined && { connections: maxConnections }),
      });
      const dispatcher = ownAgent && new Agent({ connect: ownAgent });
      return {
        async send(url, { service, body, signal, timeout, hand = asItIs } = {}) {
          const init = {
            ...(body !== undefined && { method: 'POST', body: bodyOf(body), duplex: 'half' }),
            ...(dispatcher && { dispatcher }),
            signal: endOf(signal, timeout),
            clientCertificate: service,
          };
          const send = () => call(url, hand<object>(init));
          let raw = await send();
          for (let left = retries; raw.status === 503 && left > 0; left--) raw = await send();
          const { byteLength } = await raw.arrayBuffer();
          return { status: raw.status, length: byteLength, raw };
        },
        close: () => dispatcher?.close(),
      };
    },
  };
}

function bodyOf(body: string | Readable): unknown {
  return typeof body === 'string' ? body : Readable.toWeb(body);
}
