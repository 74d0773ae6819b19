import { type Config, loadCredentials } from '@clientcert/core';
import { createAuthority, startProxy, startServer } from '@clientcert/testing';
import { describe, expect, it } from 'vitest';
import { clients, emptyWsdl, type Send } from './clients.ts';

/** What a walk goes through: each config is reached from three others. */
const strides = [1, 3, 5];

describe('attack: identities that mix', () => {
  it.each(Object.entries(clients))(
    'a client that was there before a new config is served as one that comes after it: %s',
    async (_, open) => {
      const authority = await createAuthority();
      const ca = authority.certificate;
      const issue = async (name: string) => {
        const { fullChain: cert, key } = await authority.issue({ name });
        return { cert, key };
      };
      const [alice, bob] = [await issue('alice'), await issue('bob')];
      await using server = await startServer({
        authority,
        host: 'localhost',
        clientCertificate: 'optional',
        http2: true,
        handler: (request, response) => {
          if (!request.headers['user-agent']?.startsWith('node-soap')) return false;
          response.end(emptyWsdl);
          return true;
        },
      });
      await using proxy = await startProxy();
      const host = `localhost:${server.port}`;
      const of = (rule: object, more: object = {}): Config => ({
        certificates: { alice, bob },
        hosts: { [host]: { ca, ...rule } },
        watch: false,
        proxy: false,
        ...more,
      });
      const pinned = { certificate: 'alice' };
      const wrong = [1, 2].map((byte) => `sha256/${Buffer.alloc(32, byte).toString('base64')}`);
      const configs: Config[] = [
        of(pinned),
        of({ certificate: 'bob' }),
        of({}),
        of({ certificate: false }),
        of(pinned, { certificates: { alice: bob, bob: alice } }),
        of({ ...pinned, tls: 'TLSv1.2' }),
        of({ ...pinned, spki: wrong }),
        of({ ...pinned, servername: 'elsewhere.example' }),
        of({ ...pinned, trust: 'only' }),
        of({ ...pinned, required: true, resume: false }),
        of(pinned, { hosts: { [host]: pinned } }),
        of(pinned, { hosts: {}, default: { certificate: 'bob', ca } }),
        of(pinned, { hosts: { 'localhost:1': 'alice' } }),
        of(pinned, { proxy: proxy.url }),
        of(pinned, { proxy: 'http://127.0.0.1:1' }),
        of(pinned, { certificates: { alice: { pfx: 'nowhere.pfx' }, bob }, allowBroken: true }),
      ];
      const outcome = async (send: Send) => {
        const [requests, tunnels] = [server.requests.length, proxy.connects.length];
        const failure = await send(server.url).then(
          () => null,
          (error) => codeOf(error),
        );
        const seen = server.requests.slice(requests);
        return {
          failure,
          seen: seen.map(({ clientCertificate, protocol }) => [clientCertificate?.commonName, protocol]),
          // A tunnel that stands is no reason for another one.
          isDirect: proxy.connects.length === tunnels,
        };
      };
      const load = async (config: Config) => {
        const credentials = await loadCredentials(config);
        return credentials.on('error', () => {}).on('warning', () => {});
      };

      await using credentials = await load(configs[0]!);
      const before = open(credentials);
      await outcome(before);
      let at = 0;
      for (const stride of strides) {
        for (const _ of configs) {
          const from = at;
          at = (at + stride) % configs.length;
          await credentials.reload(configs[at]);
          const found = await outcome(before);
          await using fresh = await load(configs[at]!);
          expect(found, `from config ${from} to ${at}`).toEqual(await outcome(open(fresh)));
        }
      }
    },
    120_000,
  );
});

/** Of the innermost error: each client wraps it in its own way. */
function codeOf(error: unknown): unknown {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  return cause === undefined ? code : codeOf(cause);
}
