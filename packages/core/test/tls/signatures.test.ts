import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  type KeyType,
  startServer,
} from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Handshake, loadCredentials } from '../../src/index.ts';
import { get, sourceOf, subjects } from '../support.ts';

let authority: Authority;
let certificate: IssuedCertificate;
beforeAll(async () => {
  authority = await createAuthority();
  certificate = await authority.issue({
    name: 'server',
    hosts: ['127.0.0.1'],
    keyType: 'rsa',
    usage: 'server',
  });
});

const keys: KeyType[] = [
  'rsa',
  'rsa-pss',
  'ed25519',
  { ec: 'P-256' },
  { ec: 'P-384' },
  { ec: 'secp256k1' },
  { ec: 'brainpoolP256r1' },
];

describe('attack: rules that are weakened', () => {
  const versions = ['TLSv1.2', 'TLSv1.3'] as const;
  it.each(versions.flatMap((version) => keys.map((keyType) => [version, keyType] as const)))(
    'what is said to be presented the server saw, and required is kept, whatever it takes: %s, %j',
    async (version, keyType) => {
      const alice = await authority.issue({ name: 'alice', keyType });
      const listeners = [
        undefined,
        'RSA+SHA256:RSA-PSS+SHA256',
        'ECDSA+SHA256:RSA-PSS+SHA256',
        'ed25519:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256',
      ].map((sigalgs) => ({
        clientCertificate: 'optional' as const,
        tls: { minVersion: version, maxVersion: version, ...(sigalgs && { sigalgs }) },
      }));
      await using server = await startServer({ authority, certificate, listeners });
      const load = (required: boolean) =>
        loadCredentials({
          certificates: { alice: sourceOf(alice, authority) },
          hosts: { '127.0.0.1:*': { certificate: 'alice', required } },
        });
      await using credentials = await load(false);
      await using strict = await load(true);
      for (const each of [credentials, strict]) each.on('warning', () => {});
      let last: Handshake | undefined;
      credentials.on('handshake', (handshake) => {
        last = handshake;
      });
      for (const url of server.urls) {
        const asked = server.requests.length;
        // A curve that the server does not take at all ends the handshake of TLS 1.2: nothing is silent about that.
        const failure = await get(url, { agent: credentials.agent() }).then(
          () => undefined,
          (error: NodeJS.ErrnoException) => error.code,
        );
        if (failure) {
          expect(failure).toBe('EPROTO');
          continue;
        }
        const [saw] = subjects(server).slice(asked);
        expect(last?.presented?.name ?? null, url).toBe(saw);
        const kept = await get(url, { agent: strict.agent() }).then(
          () => 'served',
          (error: NodeJS.ErrnoException) => error.code,
        );
        expect(kept, url).toBe(saw ? 'served' : 'ERR_CLIENTCERT_NOT_REQUESTED');
      }
    },
  );
});
