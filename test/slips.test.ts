import { type Authority, createAuthority, startServer, type TestServer } from '@clientcert/testing';
import axios from 'axios';
import got from 'got';
import { createClientAsync } from 'soap';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientCertificates as forAxios } from '../packages/axios/src/index.ts';
import { printed, SECRETS } from '../packages/core/test/config/secrets.ts';
import { fromEst } from '../packages/est/src/index.ts';
import { clientCertificates as forGot } from '../packages/got/src/index.ts';
import { ClientCertificateSecurity, soapOptions } from '../packages/soap/src/index.ts';
import { fromStepCa } from '../packages/step/src/index.ts';
import {
  ClientCertificateError,
  type Credentials,
  createDispatcher,
  createFetch,
  clientCertificates as forUndici,
  loadCredentials,
} from '../packages/undici/src/index.ts';
import { fromVault } from '../packages/vault/src/index.ts';

let authority: Authority;
let server: TestServer;
let credentials: Credentials;
beforeAll(async () => {
  authority = await createAuthority();
  server = await startServer({ authority, host: 'localhost' });
  const { fullChain: cert, key } = await authority.issue({ name: 'alice' });
  credentials = await loadCredentials({
    certificates: { alice: { cert, key, ca: authority.certificate } },
    hosts: { [`localhost:${server.port}`]: 'alice' },
    services: { Anywhere: 'alice' },
  });
});
afterAll(async () => {
  await credentials.close();
  await server.close();
});

/** Each is handed a secret in the place of what belongs there. */
const SLOTS: Readonly<Record<string, (secret: string) => unknown>> = {
  'axios: clientCertificate': (secret) => withAxios({ clientCertificate: secret }),
  'axios: clientCertificate, beside an agent': (secret) =>
    withAxios({ clientCertificate: secret, httpsAgent: credentials.agent() }),
  'axios: proxy.protocol': (secret) => withAxios({ proxy: { protocol: secret, host: 'p.example', port: 1 } }),
  'got: context': (secret) => withGot({ context: { clientCertificate: secret } }),
  'got: context, beside an agent': (secret) =>
    withGot({ context: { clientCertificate: secret }, agent: { https: credentials.agent() } }),
  'got: service': (secret) => got.extend(forGot(credentials, { service: secret }))(server.url),
  'soap: service': (secret) => soapOptions(credentials, { service: secret }),
  'soap: origin': (secret) => soapOptions(credentials, { origin: secret }),
  'soap: proxy': (secret) =>
    createClientAsync(`${server.url}?wsdl`, soapOptions(credentials, { proxy: secret })),
  'soap: a security’s service': (secret) => new ClientCertificateSecurity(credentials, { service: secret }),
  'soap: a security’s origin': (secret) => new ClientCertificateSecurity(credentials, { origin: secret }),
  'undici: service': (secret) => withUndici({ service: secret }),
  'undici: service, with an origin': (secret) => withUndici({ service: secret, origin: server.url }),
  'undici: origin': (secret) => withUndici({ service: 'Anywhere', origin: secret }),
  'undici: service, with an origin that is none': (secret) => withUndici({ service: secret, origin: 'x' }),
  'undici: proxy': (secret) => withUndici({ proxy: secret }),
  'undici: clientCertificate': (secret) => withUndici({}, secret),
  'undici: clientCertificate.service': (secret) => withUndici({}, { service: secret, origin: 'x' }),
  'undici: clientCertificate.origin': (secret) => withUndici({}, { service: 'Anywhere', origin: secret }),
  'undici: fetch': (secret) => createFetch(credentials)(server.url, { clientCertificate: secret }),
  'a Unix socket, as a service': (secret) =>
    withAxios({
      socketPath: '/nonexistent',
      clientCertificate: secret,
      httpsAgent: credentials.agent({ service: secret, origin: server.url }),
    }),
  'vault: address': (secret) => fromVault({ ...vault, address: secret }),
  'vault: an option': (secret) => fromVault({ ...vault, [secret]: 1 } as never),
  'vault: mount': (secret) => fromVault({ ...vault, mount: `../${secret}` }),
  'vault: ttl': (secret) => fromVault({ ...vault, ttl: `${secret}!` }),
  'vault: keyType': (secret) => fromVault({ ...vault, keyType: secret as 'p-256' }),
  'vault: method': (secret) => fromVault({ ...vault, login: { method: secret } as never }),
  'vault: a part of the login': (secret) =>
    fromVault({ ...vault, login: { ...vault.login, [secret]: 'x' } as never }),
  'est: address': (secret) => fromEst({ ...est, address: secret }),
  'est: label': (secret) => fromEst({ ...est, label: `${secret}/` }),
  'est: user': (secret) => fromEst({ ...est, login: { user: `${secret}:`, password: 'x' } }),
  'step: address': (secret) => fromStepCa({ ...step, address: secret }),
  'step: fingerprint': (secret) => fromStepCa({ ...step, fingerprint: secret }),
  'step: provisioner': (secret) =>
    fromStepCa({ ...step, token: undefined, provisioner: { [secret]: 'x' } as never }),
};

const vault = {
  address: 'https://vault.example:8200',
  login: { method: 'token', token: 'x' },
  role: 'bank',
  commonName: 'me.example',
} as const;
const est = { address: 'https://est.example', commonName: 'me.example' };
const step = { address: 'https://ca.example', token: 'x', commonName: 'me.example' };

function withAxios(options: object): Promise<unknown> {
  const api = axios.create();
  forAxios(api, credentials);
  return api.get(server.url, options);
}

function withGot(options: object): Promise<unknown> {
  return got.extend(forGot(credentials))(server.url, { retry: { limit: 0 }, ...options });
}

async function withUndici(options: object, clientCertificate?: unknown): Promise<unknown> {
  const dispatcher = createDispatcher(credentials, options);
  try {
    const { body } = await request(server.url, { dispatcher, clientCertificate } as object);
    await body.dump();
    return undefined;
  } finally {
    await dispatcher.destroy();
  }
}

describe('attack: secrets that show', () => {
  it.each(Object.keys(SLOTS))(
    'what was put in the place of something else is never printed: %s',
    async (slot) => {
      const shown: string[] = [];
      let refused = 0;
      for (const [kind, [secret, ...pieces]] of Object.entries(SECRETS)) {
        const error = await Promise.resolve()
          .then(() => SLOTS[slot]!(secret))
          .then(
            () => undefined,
            (thrown: unknown) => thrown,
          );
        if (error === undefined) continue;
        refused += 1;
        // What a client puts on its errors itself, as the options of the call, is its own.
        const ours = ClientCertificateError.from(error);
        if (!ours) shown.push(`${kind}: ${(error as Error).message}`);
        const text = printed(ours);
        for (const piece of pieces) if (text.includes(piece)) shown.push(`${kind}: ${piece}`);
      }
      expect(shown).toEqual([]);
      expect(refused).toBeGreaterThan(0);
    },
  );
});

describe('attack: identities that mix', () => {
  it.each<[string, (given: never) => unknown]>([
    ['an agent', (given) => credentials.agent(given)],
    ['got', (given) => forGot(credentials, given)],
    ['soapOptions()', (given) => soapOptions(credentials, given)],
    ['ClientCertificateSecurity', (given) => new ClientCertificateSecurity(credentials, given)],
    ['the interceptor of undici', (given) => forUndici(credentials, given)],
    ['createDispatcher()', (given) => createDispatcher(credentials, given)],
    ['createFetch()', (given) => createFetch(credentials, given)],
  ])('%s with a service in the place of options calls not as nobody', (_, call) => {
    for (const given of ['Anywhere', null, 1]) {
      expect(() => call(given as never)).toThrow(
        expect.objectContaining({
          code: 'ERR_CLIENTCERT_CONFIG_INVALID',
          message: expect.not.stringContaining('Anywhere'),
          hint: expect.stringContaining('{ service: … }'),
        }),
      );
    }
  });
});
