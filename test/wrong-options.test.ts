import { createAuthority, startServer, type TestServer } from '@clientcert/testing';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientCertificateSecurity, soapOptions } from '../packages/soap/src/index.ts';
import {
  ClientCertificateError,
  type Credentials,
  clientCertificates,
  createDispatcher,
  createFetch,
  loadCredentials,
} from '../packages/undici/src/index.ts';

let server: TestServer;
let credentials: Credentials;
beforeAll(async () => {
  const authority = await createAuthority();
  server = await startServer({ authority, host: 'localhost' });
  const { fullChain: cert, key } = await authority.issue({ name: 'alice' });
  credentials = await loadCredentials({
    certificates: { alice: { cert, key, ca: authority.certificate } },
    hosts: { [`localhost:${server.port}`]: 'alice' },
    services: { Archive: 'alice' },
  });
});
afterAll(async () => {
  await credentials.close();
  await server.close();
});

const host = 'bank.example';

/** Each is given something that is no origin. */
const origins: Record<string, (origin: never) => unknown> = {
  resolve: (origin) => credentials.resolve({ host, service: 'Archive', origin }),
  explain: (origin) => credentials.explain({ host, service: 'Archive', origin }),
  agent: (origin) => credentials.agent({ service: 'Archive', origin }),
  connectOptions: (origin) => credentials.connectOptions({ host, service: 'Archive', origin }),
  createDispatcher: (origin) => createDispatcher(credentials, { service: 'Archive', origin }),
  'clientCertificates of undici': (origin) => clientCertificates(credentials, { service: 'Archive', origin }),
  soapOptions: (origin) => soapOptions(credentials, { service: 'Archive', origin }),
  ClientCertificateSecurity: (origin) =>
    new ClientCertificateSecurity(credentials, { service: 'Archive', origin }),
};

/** Each is given something that is no proxy, and makes a request with it. */
const proxies: Record<string, (proxy: never) => unknown> = {
  agent: (proxy) => credentials.agent({ proxy }),
  createDispatcher: (proxy) => request(server.url, { dispatcher: createDispatcher(credentials, { proxy }) }),
  createFetch: (proxy) => createFetch(credentials, { proxy })(server.url),
  soapOptions: (proxy) => ask(soapOptions(credentials, { proxy })),
};

const slips: [string, unknown][] = [
  ['null', null],
  ['an object', Object.create(null)],
  ['a number', 5],
  ['an empty text', ''],
];

describe.each(slips)('%s', (_, given) => {
  it.each(Object.keys(origins))('as the origin is refused with a code by %s', async (name) => {
    const error = await thrown(() => origins[name]!(given as never));
    expect(error).toBeInstanceOf(ClientCertificateError);
  });

  it.each(Object.keys(proxies))(
    'as the proxy is refused with a code by %s, and nothing is sent',
    async (name) => {
      const error = (await thrown(() => proxies[name]!(given as never))) as Error;
      expect(error instanceof TypeError ? error.cause : error).toMatchObject({
        code: 'ERR_CLIENTCERT_PROXY_UNSUPPORTED',
      });
      expect(server.connections).toBe(0);
    },
  );

  it('as further securities is refused with a code', async () => {
    const error = await thrown(() => new ClientCertificateSecurity(credentials, { and: given as never }));
    expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_CONFIG_INVALID' });
  });
});

async function thrown(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was refused');
}

function ask({ httpClient }: ReturnType<typeof soapOptions>): Promise<unknown> {
  return new Promise((resolve, reject) =>
    httpClient!.request(server.url, null, (error: unknown) => (error ? reject(error) : resolve(undefined))),
  );
}
