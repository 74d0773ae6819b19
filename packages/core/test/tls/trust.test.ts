import { X509Certificate } from 'node:crypto';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { encode, encodeOid } from '../../src/load/der.ts';
import { get, subjects } from '../support.ts';

let authority: Authority;
let alice: IssuedCertificate;

beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
});

it('a root given with a certificate or with a rule is trusted there and nowhere else', async () => {
  await using server = await startServer({
    authority,
    clientCertificate: 'optional',
    listeners: [{}, {}, {}],
  });
  const der = Buffer.from(authority.certificate.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  await using credentials = await loadCredentials({
    certificates: {
      withRoot: { cert: alice.cert, key: alice.key, ca: authority.certificate },
      without: { cert: alice.cert, key: alice.key },
    },
    hosts: {
      [`127.0.0.1:${server.ports[0]}`]: 'withRoot',
      // DER, which Node's own `ca` takes without a word and then trusts nothing.
      [`127.0.0.1:${server.ports[1]}`]: { certificate: 'without', ca: der },
      [`127.0.0.1:${server.ports[2]}`]: 'without',
    },
  });
  const agent = credentials.agent();
  await get(server.urls[0]!, { agent });
  await get(server.urls[1]!, { agent });
  await expect(get(server.urls[2]!, { agent })).rejects.toMatchObject({ code: /SELF_SIGNED|UNABLE_TO/ });
  expect(subjects(server)).toEqual(['alice', 'alice']);
});

it('a truststore is opened with its own passphrase, of a certificate, of a rule, and in a list', async () => {
  await using server = await startServer({
    authority,
    clientCertificate: 'optional',
    listeners: [{}, {}, {}],
  });
  const file = await (await authority.issue({ name: 'store' })).pfx('trustpw', {
    chain: authority.certificate,
  });
  const elsewhere = await createAuthority();
  const hosts = {
    [`127.0.0.1:${server.ports[0]}`]: 'withStore',
    [`127.0.0.1:${server.ports[1]}`]: { certificate: 'without', ca: { file, passphrase: 'trustpw' } },
    [`127.0.0.1:${server.ports[2]}`]: {
      certificate: 'without',
      ca: [elsewhere.certificate, { file, passphrase: 'trustpw' }],
    },
  } as const;
  const pfx = await alice.pfx('alicepw');
  const certificates = {
    withStore: { pfx, passphrase: 'alicepw', ca: { file, passphrase: () => 'trustpw' } },
    without: { pfx, passphrase: 'alicepw' },
  };
  await using credentials = await loadCredentials({ certificates, hosts });
  const agent = credentials.agent();
  for (const url of server.urls) await get(url, { agent });
  expect(subjects(server)).toEqual(['alice', 'alice', 'alice']);
  await expect(
    loadCredentials({ certificates, hosts: { 'a.example': { certificate: 'without', ca: file } } }),
  ).rejects.toMatchObject({
    code: 'ERR_CLIENTCERT_PASSPHRASE_MISSING',
    message: expect.stringContaining('hosts["a.example"]'),
    hint: expect.stringContaining('ca: { file:'),
  });
  await expect(
    loadCredentials({ certificates, hosts: { 'a.example': { ca: { file, password: 'x' } as never } } }),
  ).rejects.toMatchObject({ message: expect.stringContaining('did you mean `passphrase`') });
});

it('a rule whose ca is only an intermediate, or the server’s own certificate, is warned of', async () => {
  const chained = await createAuthority({ intermediates: 1 });
  const bob = await chained.issue({ name: 'bob' });
  const intermediate = bob.fullChain.slice(bob.cert.length);
  await using credentials = await loadCredentials({
    certificates: { bob: { cert: bob.fullChain, key: bob.key, ca: chained.certificate } },
    hosts: {
      'rootless.example': { ca: [intermediate] },
      'own.example': { ca: bob.cert },
      'with-certificate.example': { certificate: 'bob', ca: intermediate },
    },
  });
  expect(
    credentials
      .warnings()
      .filter(({ code }) => code === 'CA_WITHOUT_ROOT')
      .map(({ message }) => message.split(': ca: ')[0]),
  ).toEqual(['hosts["rootless.example"]', 'hosts["own.example"]']);
});

it('of very many such certificates a few are named, and the rest are counted', async () => {
  const many = await Promise.all(
    Array.from({ length: 25 }, (_, at) => authority.issueAuthority({ name: `Intermediate ${at}` })),
  );
  await using credentials = await loadCredentials({
    hosts: { 'rootless.example': { ca: many.map(({ chain }) => chain) } },
  });
  const messages = credentials.warnings().map(({ message }) => message);
  expect(messages).toHaveLength(11);
  expect(messages.at(-1)).toContain('the same holds for 15 more');
});

it('a ca that holds no certificate is an error when it is loaded', async () => {
  for (const ca of ['<!DOCTYPE html><html><body>Sign in to continue</body></html>', alice.key]) {
    await expect(
      loadCredentials({ hosts: { 'private.example': { ca: Buffer.from(ca) } } }),
    ).rejects.toMatchObject({ code: /ERR_CLIENTCERT_(FORMAT_UNSUPPORTED|CERTIFICATE_MISSING)/ });
  }
});

it('trust: only takes no root but those given', async () => {
  const stranger = await createAuthority();
  await using server = await startServer({ authority, clientCertificate: 'optional' });
  const load = (ca: string) =>
    loadCredentials({ hosts: { [`127.0.0.1:${server.port}`]: { ca, trust: 'only' } } });
  await using right = await load(authority.certificate);
  await get(server.url, { agent: right.agent() });
  await using wrong = await load(stranger.certificate);
  await expect(get(server.url, { agent: wrong.agent() })).rejects.toThrow();
  expect(server.requests).toHaveLength(1);
});

it('trust: only without any root is an error when it is loaded', async () => {
  const source = { cert: alice.cert, key: alice.key };
  for (const config of [
    { certificates: { alice: { ...source, trust: 'only' } }, hosts: { 'api.bank.example': 'alice' } },
    {
      certificates: { alice: source },
      hosts: { 'api.bank.example': { certificate: 'alice', trust: 'only' } },
    },
  ] as const) {
    await expect(loadCredentials(config)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      message: expect.stringContaining('no root'),
    });
  }
});

it('an unverified server takes the option that says so, and a certificate the one that says more', async () => {
  await using server = await startServer({ authority, clientCertificate: 'optional' });
  const host = `127.0.0.1:${server.port}`;
  const certificates = { alice: { cert: alice.cert, key: alice.key } };
  await using open = await loadCredentials({ hosts: { [host]: { dangerouslyAcceptAnyServer: true } } });
  await get(server.url, { agent: open.agent() });
  await expect(
    loadCredentials({
      certificates,
      hosts: { [host]: { certificate: 'alice', dangerouslyAcceptAnyServer: true } },
    }),
  ).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_VERIFICATION_OFF' });
  await using both = await loadCredentials({
    certificates,
    hosts: { [host]: { certificate: 'alice', dangerouslyAcceptAnyServer: 'and-present-certificate' } },
  });
  await get(server.url, { agent: both.agent() });
  expect(subjects(server)).toEqual([null, 'alice']);
});

describe('attack: rules that are weakened', () => {
  const commentedOut = (root: string, end: string) =>
    root.trimEnd().split('\n').join(end).replace(/^/gm, '# ');
  it.each<[string, (root: string) => string]>([
    ['commented out, line by line', (root) => commentedOut(root, '\n')],
    ['commented out, on one line', (root) => commentedOut(root, '\\n')],
    ['under a label that is none of a certificate', (root) => root.replaceAll(' CERT', ' REVOKED CERT')],
  ])('a root that is %s, is trusted in no server, and spoils no other', async (_, withdraw) => {
    const stranger = await createAuthority();
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    await using impostor = await startServer({ authority: stranger, clientCertificate: 'optional' });
    const ca = Buffer.from(`${withdraw(stranger.certificate)}\n${authority.certificate}`);
    const rule = { certificate: 'alice', ca } as const;
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.cert, key: alice.key } },
      hosts: { [`127.0.0.1:${server.port}`]: rule, [`127.0.0.1:${impostor.port}`]: rule },
    });
    const agent = credentials.agent();
    await get(server.url, { agent });
    await expect(get(impostor.url, { agent })).rejects.toThrow();
    expect(subjects(server)).toEqual(['alice']);
    expect(impostor.requests).toEqual([]);
  });
});

describe('a root with what it is trusted for, as `openssl x509 -trustout` writes it', () => {
  const usages = {
    server: '1.3.6.1.5.5.7.3.1',
    email: '1.3.6.1.5.5.7.3.4',
    any: '2.5.29.37.0',
    long: `1.3.6.1.4.1${'.99999'.repeat(22)}`,
  };
  type Usage = keyof typeof usages;

  function withSettings(
    certificate: string,
    trusted: readonly Usage[] | undefined,
    rejected: readonly Usage[],
  ) {
    const list = (tag: number, names: readonly Usage[]) =>
      encode(tag, ...names.map((name) => encodeOid(usages[name])));
    const lists = [
      ...(trusted ? [list(0x30, trusted)] : []),
      ...(rejected.length > 0 ? [list(0xa0, rejected)] : []),
    ];
    const settings = encode(0x30, ...lists, encode(0x0c, Buffer.from('root')));
    const body = Buffer.concat([new X509Certificate(certificate).raw, settings]).toString('base64');
    return `-----BEGIN TRUSTED CERTIFICATE-----\n${body.replace(/.{64}/g, '$&\n')}\n-----END TRUSTED CERTIFICATE-----\n`;
  }

  it.each<[Usage[] | undefined, Usage[]]>([
    [undefined, []],
    [['email', 'server'], ['email']],
    [['any'], []],
  ])('for %j and not for %j is trusted', async (trusted, rejected) => {
    await using server = await startServer({ authority, clientCertificate: 'optional' });
    const ca = withSettings(authority.certificate, trusted, rejected);
    await using credentials = await loadCredentials({
      certificates: { alice: { cert: alice.cert, key: alice.key } },
      hosts: { [`127.0.0.1:${server.port}`]: { certificate: 'alice', ca } },
    });
    await get(server.url, { agent: credentials.agent() });
    await get(server.url, { ca }); // as by hand
    expect(subjects(server)).toEqual(['alice', null]);
  });

  describe('attack: rules that are weakened', () => {
    it.each<[Usage[] | undefined, Usage[]]>([
      [undefined, ['server']],
      [undefined, ['any']],
      [undefined, ['long', 'server']],
      [['email'], []],
      [['long'], []],
      [[], []],
      [['server'], ['server']],
    ])('for %j and not for %j is trusted in no server', async (trusted, rejected) => {
      await using server = await startServer({ authority, clientCertificate: 'optional' });
      const ca = withSettings(authority.certificate, trusted, rejected);
      await expect(get(server.url, { ca })).rejects.toMatchObject({
        code: /^(INVALID_PURPOSE|CERT_REJECTED)$/,
      }); // by hand
      const host = `127.0.0.1:${server.port}`;
      const identity = { cert: alice.cert, key: alice.key };
      for (const config of [
        { certificates: { alice: identity }, hosts: { [host]: { certificate: 'alice', ca } } },
        { certificates: { alice: { ...identity, ca } }, hosts: { [host]: 'alice' } },
      ] as const) {
        await expect(loadCredentials(config)).rejects.toMatchObject({
          code: 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED',
          message: expect.stringContaining('no server is to be trusted by it'),
        });
      }
      await using credentials = await loadCredentials({
        certificates: { alice: { ...identity, cert: alice.cert + ca } },
        hosts: { [host]: 'alice' },
      });
      await expect(get(server.url, { agent: credentials.agent() })).rejects.toThrow();
      expect(server.requests).toEqual([]);
    });

    it('whose settings cannot be read is trusted in no server', async () => {
      await using server = await startServer({ authority, clientCertificate: 'optional' });
      const body = Buffer.concat([
        new X509Certificate(authority.certificate).raw,
        Buffer.from('300a', 'hex'),
      ]);
      const ca = `-----BEGIN CERTIFICATE-----\n${body.toString('base64')}\n-----END CERTIFICATE-----\n`;
      await expect(get(server.url, { ca })).rejects.toThrow(); // by hand
      const certificates = { alice: { cert: alice.cert, key: alice.key, ca } };
      const loading = loadCredentials({ certificates, hosts: { [`127.0.0.1:${server.port}`]: 'alice' } });
      await expect(loading).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FORMAT_UNSUPPORTED' });
      expect(server.requests).toEqual([]);
    });
  });
});
