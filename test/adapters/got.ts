import { Agent } from 'node:https';
import { clientCertificates } from '@clientcert/got';
import got from 'got';
import type { AdapterUnderTest } from './adapter.ts';
import { asItIs } from './ground.ts';

const ignored = 'got 14 and 15 ignore agent.https with http2';
const unsupported = { 'in the client’s own option': 'has no option for a proxy' };

export const adapters: AdapterUnderTest[] = [
  under('got', { http2: false }, unsupported),
  under(
    'got with http2',
    { http2: true },
    {
      ...unsupported,
      'an agent or dispatcher of their own is used where no rule names the host': ignored,
      'an agent or dispatcher of their own is refused where a redirect leads to a pinned host': ignored,
    },
  ),
];

function under(
  name: string,
  more: { http2: boolean },
  unsupported: NonNullable<AdapterUnderTest['unsupported']>,
): AdapterUnderTest {
  return {
    name,
    module: import.meta.url,
    readsEnvironment: false,
    unsupported,

    create(credentials, { ownAgent, ownCertificate, retries = 0 } = {}) {
      const api = got
        .extend({
          ...more,
          retry: { limit: retries, backoffLimit: 1 },
          ...(ownAgent && { agent: { https: new Agent(ownAgent) } }),
          ...(ownCertificate && {
            https: {
              certificate: ownCertificate.cert,
              key: ownCertificate.key,
              certificateAuthority: ownCertificate.ca,
            },
          }),
        })
        .extend(clientCertificates(credentials));
      return {
        async send(url, { service, body, stream, signal, timeout, hand = asItIs } = {}) {
          const options = {
            method: body === undefined ? ('GET' as const) : ('POST' as const),
            ...(body !== undefined && { body }),
            ...(service !== undefined && { context: { clientCertificate: service } }),
            ...(signal && { signal }),
            ...(timeout !== undefined && { timeout: { request: timeout } }),
          };
          if (stream) {
            const raw = api.stream(url, options);
            let length = 0;
            for await (const chunk of raw) length += chunk.length;
            return { status: raw.response?.statusCode ?? 0, length, raw };
          }
          const raw = await api(url, hand({ ...options, responseType: 'buffer' as const }));
          return { status: raw.statusCode, length: raw.body.length, raw };
        },
      };
    },
  };
}
