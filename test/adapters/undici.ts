import { clientCertificates } from '@clientcert/undici';
import { Agent, interceptors, request } from 'undici';
import type { AdapterUnderTest } from './suite.ts';

const composed = 'what it is composed over serves the hosts that no rule names, and no other';

export const adapters: AdapterUnderTest[] = [under('undici', false), under('undici with http2', true)];

function under(name: string, allowH2: boolean): AdapterUnderTest {
  return {
    name,
    module: import.meta.url,
    readsEnvironment: false,
    unsupported: {
      'an agent or dispatcher of their own is refused at a pinned host, before any connection': composed,
      'an agent or dispatcher of their own is refused where a redirect leads to a pinned host': composed,
      'a certificate and key of their own are used where no rule names the host': composed,
    },

    create(credentials, { ownAgent, ownCertificate, proxy, retries = 0 } = {}) {
      const base = new Agent({ allowH2, ...(ownAgent && { connect: ownAgent }) });
      const dispatcher = Promise.resolve(credentials).then((loaded) =>
        base.compose(
          clientCertificates(loaded, { allowH2, proxy, connect: ownCertificate, connectTimeout: 3_000 }),
          interceptors.redirect({ maxRedirections: 5 }),
          interceptors.retry({ maxRetries: retries, statusCodes: [503], minTimeout: 1 }),
        ),
      );
      dispatcher.catch(() => {}); // each call reports it
      return {
        async send(url, { service, body, signal, timeout } = {}) {
          const signals = [signal, timeout === undefined ? undefined : AbortSignal.timeout(timeout)];
          const options = {
            dispatcher: await dispatcher,
            method: body === undefined ? ('GET' as const) : ('POST' as const),
            body: body ?? null,
            signal: AbortSignal.any(signals.filter((each) => each !== undefined)),
            clientCertificate: service ? { service, origin: new URL(url).origin } : service,
          };
          const raw = await request(url, options);
          const { byteLength } = await raw.body.arrayBuffer();
          return { status: raw.statusCode, length: byteLength, raw };
        },
        close: () => base.destroy(),
      };
    },
  };
}
