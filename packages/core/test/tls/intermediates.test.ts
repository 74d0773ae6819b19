import { createPublicKey, X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { type Authority, createAuthority, type IssuedCertificate } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { randomSerialNumber, type Signer, signCertificate } from '../../../testing/src/certificate.ts';
import { generateKey } from '../../../testing/src/keys.ts';
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
async function serveLeaf(
  own: TlsOptions = {},
): Promise<{ url: string; host: string; seen: unknown[] } & AsyncDisposable> {
  const { key, cert } = await authority.issue({ name: 'server', hosts: ['127.0.0.1'], usage: 'server' });
  const seen: unknown[] = [];
  const options = { key, cert, ca: authority.certificate, requestCert: true, rejectUnauthorized: false };
  const server = createServer({ ...options, ...own }, (request, response) => {
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

it('what is sent leads to the root that a server knows, also where a newer one of its name is trusted', async () => {
  const signerOf = async (CN: string): Promise<Signer> => {
    const key = await generateKey();
    return { subject: { CN }, key, publicKey: createPublicKey(key) };
  };
  const [old, root, leaf] = await Promise.all(['Old', 'Root', 'bob'].map(signerOf));
  const [notBefore, notAfter] = [-1, 1].map((days) => new Date(Date.now() + days * 86_400_000));
  const certify = ({ subject, publicKey }: Signer, by: Signer, usage: 'authority' | 'client' = 'authority') =>
    signCertificate(
      {
        subject,
        publicKey,
        notBefore: notBefore!,
        notAfter: notAfter!,
        serialNumber: randomSerialNumber(),
        usage,
      },
      by,
    );
  await using server = await serveLeaf({ ca: certify(old!, old!), rejectUnauthorized: true });
  const bob = {
    cert: certify(leaf!, root!, 'client') + certify(root!, old!),
    key: leaf!.key.export({ type: 'pkcs8', format: 'pem' }) as string,
    ca: [certify(root!, root!), authority.chain + authority.certificate],
  };
  await using credentials = await loadCredentials({
    certificates: { bob },
    hosts: { [server.host]: 'bob' },
  });
  await get(server.url, { agent: credentials.agent() });
  expect(server.seen).toEqual(['CN=bob']);
  expect(credentials.warnings()).toEqual([]);
});

it('of an intermediate and its renewal, which is not valid yet, the one is sent that servers take', async () => {
  const key = await generateKey();
  const below = { subject: { CN: 'Below' }, key, publicKey: createPublicKey(key) };
  const rootKey = await generateKey();
  const root = { subject: { CN: 'Root' }, key: rootKey, publicKey: createPublicKey(rootKey) };
  const certify = (signer: Signer, days: readonly [from: number, to: number], by: Signer) =>
    signCertificate(
      {
        subject: signer.subject,
        publicKey: signer.publicKey,
        notBefore: new Date(Date.now() + days[0] * 86_400_000),
        notAfter: new Date(Date.now() + days[1] * 86_400_000),
        serialNumber: randomSerialNumber(),
        usage: signer === leaf ? 'client' : 'authority',
      },
      by,
    );
  const leafKey = await generateKey();
  const leaf: Signer = { subject: { CN: 'bob' }, key: leafKey, publicKey: createPublicKey(leafKey) };
  const current = certify(below, [-1, 30], root);
  const renewed = certify(below, [1, 60], root);
  await using server = await serveLeaf({ ca: certify(root, [-1, 90], root), rejectUnauthorized: true });
  for (const chain of [current + renewed, renewed + current]) {
    await using credentials = await loadCredentials({
      certificates: {
        bob: {
          cert: certify(leaf, [-1, 20], below) + chain,
          key: leafKey.export({ type: 'pkcs8', format: 'pem' }) as string,
          ca: authority.chain + authority.certificate,
        },
      },
      hosts: { [server.host]: 'bob' },
    });
    credentials.on('warning', () => {});
    await get(server.url, { agent: credentials.agent() });
  }
  expect(server.seen).toEqual(['CN=bob', 'CN=bob']);
});
