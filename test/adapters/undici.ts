import type { Credentials } from '@clientcert/core';
import { clientCertificates, createDispatcher } from '@clientcert/undici';
import { Agent, type Dispatcher, interceptors, request } from 'undici';
import type { AdapterUnderTest } from './adapter.ts';
import { endOf } from './ground.ts';

const composed = 'what it is composed over serves the hosts that no rule names, and no other';

type Making = NonNullable<Parameters<AdapterUnderTest['create']>[1]>;
type Make = (credentials: Credentials, making: Making) => { base: Dispatcher; over: Dispatcher };

const interceptor =
  (allowH2: boolean): Make =>
  (credentials, making) => {
    const { ownAgent } = making;
    const base = new Agent({ allowH2, ...(ownAgent && { connect: ownAgent }) });
    const pool = { allowH2, ...poolOptions(making) };
    return { base, over: base.compose(clientCertificates(credentials, pool)) };
  };

const dispatcher: Make = (credentials, making) => {
  const { ownAgent } = making;
  const own = ownAgent && { dispatcher: new Agent({ allowH2: false, connect: ownAgent }) };
  const base = createDispatcher(credentials, { ...own, allowH2: false, ...poolOptions(making) });
  return { base, over: base };
};

function poolOptions(making: Making): object {
  const { ownCertificate, proxy, connectTimeout = 10_000, answerTimeout, maxConnections } = making;
  return {
    proxy,
    connect: ownCertificate,
    connectTimeout,
    ...answeringIn(answerTimeout),
    ...(maxConnections !== undefined && { connections: maxConnections }),
  };
}

/** undici's options for that. */
export function answeringIn(milliseconds: number | undefined): object {
  return milliseconds === undefined ? {} : { headersTimeout: milliseconds, bodyTimeout: milliseconds };
}

export const adapters: AdapterUnderTest[] = [
  under('undici, interceptor', interceptor(false)),
  under('undici, interceptor with http2', interceptor(true)),
  under('undici, dispatcher', dispatcher),
];

function under(name: string, make: Make): AdapterUnderTest {
  const isInterceptor = make !== dispatcher;
  return {
    name,
    module: import.meta.url,
    readsEnvironment: false,
    limits: true,
    unsupported: {
      'an abort ends a call that waits for credentials, which then reaches nobody': 'it takes no promise',
      'an agent or dispatcher of their own is refused at a pinned host, before any connection': composed,
      'an agent or dispatcher of their own is refused where a redirect leads to a pinned host': composed,
      'an agent or dispatcher of their own is refused where the config says which TLS is spoken everywhere':
        composed,
      ...(isInterceptor && {
        'a certificate and key of their own are used where no rule names the host': composed,
        'in the config, to a host that no rule names': composed,
      }),
    },

    create(credentials, making = {}) {
      const made = Promise.resolve(credentials).then((loaded) => make(loaded, making));
      const retry = { maxRetries: making.retries ?? 0, statusCodes: [503], minTimeout: 1 };
      const following = [interceptors.redirect({ maxRedirections: 5 }), interceptors.retry(retry)];
      const composition = made.then(({ over }) => over.compose(following));
      composition.catch(() => {}); // each call reports it
      return {
        async send(url, { service, body, signal, timeout, hand } = {}) {
          const options = {
            method: body === undefined ? ('GET' as const) : ('POST' as const),
            body: body ?? null,
            signal: endOf(signal, timeout),
            clientCertificate: service ? { service, origin: new URL(url).origin } : service,
          };
          const over = await composition;
          const { origin, pathname, search } = new URL(url);
          // Of request() undici makes a copy first.
          const raw = await (hand
            ? over.request(hand({ ...options, origin, path: pathname + search }))
            : request(url, { dispatcher: over, ...options }));
          const { byteLength } = await raw.body.arrayBuffer();
          return { status: raw.statusCode, length: byteLength, raw };
        },
        close: () =>
          made.then(
            ({ base }) => base.destroy(),
            () => {},
          ),
      };
    },
  };
}
