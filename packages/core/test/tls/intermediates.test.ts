import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Authority, createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/index.ts';
import { pemOf } from '../../src/tls/trust.ts';
import type { FileSource } from '../../src/types.ts';
import { get } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;
let pfx: Buffer;

beforeAll(async () => {
  authority = await createAuthority({ intermediates: 1 });
  alice = await authority.issue({ name: 'alice' });
  pfx = await alice.pfx('x');
});

/** Many a server is set up with its own certificate alone. */
async function serveLeaf(): Promise<{ url: string; host: string; seen: unknown[] } & AsyncDisposable> {
  const { key, cert } = await authority.issue({ name: 'server', hosts: ['127.0.0.1'], usage: 'server' });
  const seen: unknown[] = [];
  const options = { key, cert, ca: authority.certificate, requestCert: true, rejectUnauthorized: false };
  const server = createServer(options, (request, response) => {
    seen.push((request.socket as TLSSocket).getPeerX509Certificate()?.subject);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `https://${host}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe('a server that sends its own certificate alone', () => {
  it.each(['system', 'only'] as const)(
    'is verified with the intermediate of the PFX, trust %s',
    async (trust) => {
      await using server = await serveLeaf();
      const only = trust === 'only' ? ({ trust } as const) : {};
      const source: FileSource = { pfx, passphrase: 'x', ca: authority.certificate, ...only };
      await using credentials = await loadCredentials({
        certificates: { alice: source },
        hosts: { [server.host]: 'alice' },
      });
      // As by hand.
      await get(server.url, { pfx, passphrase: 'x', ca: authority.certificate });
      await get(server.url, { agent: credentials.agent() });
      expect(server.seen).toEqual(['CN=alice', 'CN=alice']);
    },
  );

  it('is not where the root is not trusted: an intermediate vouches for nobody', async () => {
    await using server = await serveLeaf();
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.fullChain, key: alice.key } },
      hosts: { [server.host]: 'alice' },
    });
    await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject({
      code: expect.stringMatching(/UNABLE_TO_GET_ISSUER|UNABLE_TO_VERIFY/),
    });
    expect(server.seen).toEqual([]);
  });

  it('nor where the certificate belongs to another host', async () => {
    await using server = await serveLeaf();
    await using credentials = await loadCredentials({
      certificates: { alice: { pfx, passphrase: 'x', ca: authority.certificate } },
      hosts: { 'api.bank.example': 'alice', [server.host]: { ca: authority.certificate } },
    });
    await expect(get(server.url, { agent: credentials.agent() })).rejects.toThrow(/unable to verify/);
  });
});

it('an expired intermediate, or one of the name of a root, is left out: it could only spoil what goes well without', async () => {
  const other = await createAuthority({ name: 'Other' });
  const twin = await createAuthority({ name: 'Other' });
  const expired = await authority.issue({ name: 'expired', expired: true });
  const [root, crossSigned, old, fit] = [
    other.certificate,
    twin.certificate,
    expired.cert,
    authority.chain,
  ].map((pem) => new X509Certificate(pem)) as [
    X509Certificate,
    X509Certificate,
    X509Certificate,
    X509Certificate,
  ];
  const intermediates = [crossSigned, old, fit];
  const expected = [root.toString(), fit.toString()];
  expect(pemOf({ roots: [root], intermediates }, [])).toEqual(expected);
  expect(pemOf({ roots: [], intermediates }, [root.toString()])).toEqual(expected.slice(1));
});
