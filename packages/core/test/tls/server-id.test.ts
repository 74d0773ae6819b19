import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import type { AgentOptions } from 'node:https';
import * as tls from 'node:tls';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { type Config, diagnose, type FileSource, type HostPin, loadCredentials } from '../../src/index.ts';
import { extensions, longTag, makeSvid, TRUE, uri } from '../load/made-svid.ts';
import { get, subjects } from '../support.ts';

const payments = 'spiffe://bank.example/payments';
const untrusted = { code: /SELF_SIGNED|UNABLE_TO/ };
const mismatch = { code: 'ERR_CLIENTCERT_SERVER_ID_MISMATCH' };
const missing = { code: 'ERR_CLIENTCERT_BUNDLE_MISSING' };

let bank: Authority;
let partner: Authority;
/** The client, a workload of the bank's. */
let web: IssuedCertificate;
let bundles: NonNullable<FileSource['bundles']>;

beforeAll(async () => {
  [bank, partner] = await Promise.all([
    createAuthority({ name: 'bank.example' }),
    createAuthority({ name: 'partner.example' }),
  ]);
  web = await bank.issue({ name: 'web', uris: ['spiffe://bank.example/web'] });
  bundles = { 'bank.example': bank.certificate, 'partner.example': [Buffer.from(partner.certificate)] };
});

/** A server that is called by no name, and takes what the bank issued. */
async function serve(id: string, by = bank, options: object = {}): Promise<TestServer> {
  const certificate = await by.issue({ name: id, uris: [id] });
  return startServer({ authority: bank, certificate, clientCertificate: 'optional', ...options });
}

const source = (more: object = { bundles }): FileSource => ({ cert: web.fullChain, key: web.key, ...more });
const load = (rule: HostPin<'web'>, more: object = {}, others: Partial<Config> = {}) =>
  loadCredentials({
    certificates: { web: source({ bundles, ...more }) },
    hosts: { '127.0.0.1:*': typeof rule === 'object' ? { certificate: 'web', ...rule } : rule },
    ...(others as object),
  });

describe('diagnose() of a server that no rule’s server is right for', () => {
  it.each<[string, HostPin<'web'>, 'bank' | 'partner', string, RegExp]>([
    [
      'where the rule asks for a name',
      'web',
      'bank',
      'SERVER_NAME_MISMATCH',
      /write that as `server` of the rule/,
    ],
    [
      'where it trusts nobody else for names',
      'web',
      'partner',
      'SERVER_CA_UNKNOWN',
      /write that as `server` of the rule/,
    ],
    [
      'of another trust domain',
      { server: payments },
      'partner',
      'SERVER_CA_UNKNOWN',
      /the roots of that trust domain alone/,
    ],
  ])('says so: %s', async (_, rule, by, code, fix) => {
    await using server = await serve('spiffe://partner.example/api', by === 'bank' ? bank : partner);
    await using credentials = await load(rule, { ca: bank.certificate });
    const failure = await get(server.url, { agent: credentials.agent() }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(diagnose(failure)).toMatchObject({ code, fix: expect.stringMatching(fix) });
    expect(diagnose(failure, { credentials, url: server.url })).toMatchObject({
      code,
      fix: expect.stringMatching(fix),
    });
    expect(server.requests).toEqual([]);
  });
});

describe('a rule’s server', () => {
  it('is checked in place of the host’s name, the very id or the trust domain', async () => {
    await using server = await serve(payments);
    for (const id of [payments, 'spiffe://bank.example']) {
      await using credentials = await load({ server: id });
      await get(server.url, { agent: credentials.agent() });
      expect(credentials.resolve(server.url)).toMatchObject({
        server: id,
        trust: 'only',
        authorities: ['web'],
      });
    }
    expect(subjects(server)).toEqual(['web', 'web']);
  });

  it.each([
    'spiffe://bank.example/other',
    'spiffe://bank.example/payment',
    'spiffe://bank.example/payments2',
    'spiffe://bank.example/payments/eu',
    'spiffe://bank.example/Payments',
    'spiffe://bank.example.evil/payments',
    'spiffe://evil.bank.example/payments',
    'spiffe://bank/example/payments',
  ])('is not %s, over any client, and nothing is sent', async (id) => {
    await using server = await serve(id);
    await using credentials = await load({ server: payments, ca: bank.certificate });
    const target = { host: '127.0.0.1', port: server.port };
    await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject({
      ...mismatch,
      message: `hosts["127.0.0.1:*"]: 127.0.0.1 is ${id}, and has to be ${payments}`,
    });
    for (const socket of [
      adapterOf(credentials).connect(target),
      tls.connect({ ...target, ...credentials.connectOptions(target) }),
    ]) {
      await expect(once(socket, 'secureConnect')).rejects.toMatchObject(mismatch);
    }
    expect(server.requests).toEqual([]);
  });

  it('of a trust domain is nobody of another, whoever vouches for them', async () => {
    await using credentials = await load({ server: 'spiffe://bank.example', ca: bank.certificate });
    for (const id of ['spiffe://bank.example.evil/payments', 'spiffe://ban.example/payments']) {
      await using server = await serve(id);
      await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject({
        ...mismatch,
        message: expect.stringContaining(`is ${id}, and has to be one of the trust domain bank.example`),
      });
      expect(server.requests).toEqual([]);
    }
  });

  it('is not proved by the name that was dialled', async () => {
    await using server = await startServer({ authority: bank, clientCertificate: 'optional' });
    await using named = await load({ ca: bank.certificate });
    await get(server.url, { agent: named.agent() });
    await using credentials = await load({ server: payments });
    await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject({
      ...mismatch,
      message: expect.stringContaining('127.0.0.1 showed a certificate without a SPIFFE ID'),
    });
    expect(server.requests).toHaveLength(1);
  });

  it('is shown by no certificate of an authority, or of two, though a root vouches for them', async () => {
    const { names, keyUsage, constraints } = extensions;
    const hostile = [
      makeSvid(names(uri(payments), uri(payments))),
      makeSvid(names(uri(payments)), constraints(TRUE)),
      makeSvid(names(uri(payments), longTag(uri('spiffe://bank.example/other')))),
      makeSvid(names(uri(payments)), constraints(longTag(TRUE))),
      makeSvid(names(uri(payments)), keyUsage(0x82)),
      makeSvid(names(uri('\u001b]0;x\u0007spiffe://bank.example/payments'))),
    ];
    const good = makeSvid(names(uri(payments)), keyUsage(0x80));
    for (const { cert, key } of [...hostile, good]) {
      const requests: string[] = [];
      const server = tls.createServer({ cert, key }, (socket) => {
        socket.on('error', () => {}).once('data', (data) => requests.push(`${data}`));
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      });
      await once(server.listen(0, '127.0.0.1'), 'listening');
      await using credentials = await load({ server: payments, ca: cert });
      const url = `https://127.0.0.1:${(server.address() as { port: number }).port}`;
      const error = await get(url, { agent: credentials.agent() }).catch((reason) => reason);
      server.close();
      if (cert === good.cert) {
        expect(error).toMatchObject({ status: 200 });
        continue;
      }
      expect(error).toMatchObject(mismatch);
      expect(error.message).not.toMatch(/\p{Cc}/u);
      expect(requests).toEqual([]);
    }
  });

  it('stands beside servername, which is sent and not checked, and beside whatever else is said to the server', async () => {
    await using server = await serve(payments);
    await using credentials = await load({ server: payments, servername: 'api.bank.example' });
    await using without = await load({ server: payments });
    await get(server.url, { agent: credentials.agent(), headers: { host: 'evil.example' } });
    await get(server.url, {
      agent: without.agent({ servername: 'other.example' }),
      headers: { host: 'evil.example' },
    });
    await get(server.url, { agent: without.agent() });
    expect(server.requests.map(({ servername }) => servername)).toEqual([
      'api.bank.example',
      'other.example',
      null,
    ]);
  });

  it('holds over HTTP/2, and through a proxy', async () => {
    await using server = await serve(payments, bank, { http2: true });
    await using other = await serve('spiffe://bank.example/other', bank, { http2: true });
    await using proxy = await startProxy();
    await using credentials = await load({ server: payments });
    const agent = credentials.agent({ proxy: proxy.url });
    await get(server.url, { agent });
    await expect(get(other.url, { agent })).rejects.toMatchObject(mismatch);
    for (const { url } of [server, other]) {
      const session = connectHttp2(url, credentials.connectOptions(url));
      const connected = once(session, 'connect');
      if (url === other.url) await expect(connected).rejects.toMatchObject(mismatch);
      else {
        await connected;
        const stream = session.request({ ':path': '/' });
        await once(stream.resume().end(), 'close');
      }
      session.destroy();
    }
    expect(server.requests.map(({ httpVersion }) => httpVersion)).toEqual(['1.1', '2.0']);
    expect(other.requests).toEqual([]);
  });

  it('of the default holds for an https: proxy, as for every host that has no rule of its own', async () => {
    await using server = await serve(payments);
    await using proxy = await startProxy({ authority: partner, tls: true, clientCertificate: 'optional' });
    const rules = { default: { certificate: 'web', server: 'spiffe://bank.example' } } as const;
    const certificates = { web: source() };
    const proxied = { url: proxy.url, ca: partner.certificate };
    await using strict = await loadCredentials({ certificates, ...rules, proxy: proxied });
    await expect(get(server.url, { agent: strict.agent() })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_PROXY_FAILED',
      message: expect.stringContaining('showed a certificate without a SPIFFE ID'),
      hint: expect.stringContaining('`server`'),
      cause: mismatch,
    });
    expect(proxy.connects).toEqual([]);
    const hosts = { [`127.0.0.1:${proxy.port}`]: { ca: partner.certificate } };
    await using named = await loadCredentials({ certificates, ...rules, hosts, proxy: proxy.url });
    await get(server.url, { agent: named.agent() });
    expect(proxy.connects.map(({ clientCertificate }) => clientCertificate)).toEqual([null]);
    expect(subjects(server)).toEqual(['web']);
  });

  it('of a service is laid over that of the host, and that of the default holds elsewhere', async () => {
    await using server = await serve(payments);
    const Payments = { server: payments, certificate: 'web' };
    await using credentials = await load(
      'web',
      { ca: partner.certificate },
      { services: { Payments, Plain: 'web' } },
    );
    const origin = server.url;
    const agentOf = (service: string) => adapterOf(credentials).sharedAgent({ service, origin });
    await get(server.url, { agent: agentOf('Payments') });
    await expect(get(server.url, { agent: agentOf('Plain') })).rejects.toMatchObject(untrusted);
    await using reversed = await load(
      { server: payments },
      {},
      { services: { Plain: 'web', Other: { server: 'spiffe://bank.example/other' } } },
    );
    await get(server.url, { agent: adapterOf(reversed).sharedAgent({ service: 'Plain', origin }) });
    await expect(
      get(server.url, { agent: adapterOf(reversed).sharedAgent({ service: 'Other', origin }) }),
    ).rejects.toMatchObject(mismatch);
    await using byDefault = await loadCredentials({
      certificates: { web: source() },
      default: { certificate: 'web', server: 'spiffe://bank.example' },
    });
    await get(server.url, { agent: byDefault.agent() });
    expect(server.requests).toHaveLength(3);
  });

  it('holds for a call that withholds the certificate', async () => {
    await using server = await serve(payments);
    await using other = await serve('spiffe://bank.example/other');
    await using credentials = await load({ server: payments });
    const agent = credentials.agent({ service: false });
    await get(server.url, { agent });
    await expect(get(other.url, { agent })).rejects.toMatchObject(mismatch);
    expect(subjects(server)).toEqual([null]);
  });
});

describe('whom a server with an id is verified by', () => {
  it('is the bundle of its trust domain, and of no other', async () => {
    const theirs = 'spiffe://partner.example/ledger';
    await using right = await serve(theirs, partner);
    await using forged = await serve(theirs, bank);
    await using posing = await serve(payments, partner);
    await using atBank = await load({ server: payments });
    await using atPartner = await load({ server: theirs });
    await get(right.url, { agent: atPartner.agent() });
    await expect(get(forged.url, { agent: atPartner.agent() })).rejects.toMatchObject(untrusted);
    await expect(get(posing.url, { agent: atBank.agent() })).rejects.toMatchObject(untrusted);
    await expect(get(right.url, { agent: atBank.agent() })).rejects.toMatchObject(untrusted);
    expect([subjects(right), forged.requests, posing.requests]).toEqual([['web'], [], []]);
  });

  it('is trusted for no name', async () => {
    await using server = await startServer({ authority: bank, clientCertificate: 'optional' });
    await using credentials = await load('web');
    await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject(untrusted);
    expect(server.requests).toEqual([]);
  });

  it.skipIf(!('setDefaultCACertificates' in tls))(
    'is no root that Node trusts, and no certificate’s `ca` beside bundles',
    async () => {
      const { getCACertificates, setDefaultCACertificates } = tls as unknown as {
        getCACertificates(): string[];
        setDefaultCACertificates(roots: readonly string[]): void;
      };
      const before = getCACertificates();
      await using server = await serve(payments, partner);
      setDefaultCACertificates([...before, partner.certificate]);
      try {
        await using credentials = await load({ server: payments }, { ca: partner.certificate });
        await expect(get(server.url, { agent: credentials.agent() })).rejects.toMatchObject(untrusted);
      } finally {
        setDefaultCACertificates(before);
      }
      expect(server.requests).toEqual([]);
    },
  );

  it('is the rule’s `ca` where it has one, without bundles and without a certificate, too', async () => {
    await using server = await serve(payments, partner);
    const ca = partner.certificate;
    await using both = await load({ server: payments, ca });
    await get(server.url, { agent: both.agent() });
    expect(both.resolve(server.url)).toMatchObject({ certificate: 'web', authorities: [] });
    await using alone = await load({ server: payments, ca, certificate: false });
    await get(server.url, { agent: alone.agent() });
    await using byBank = await serve(payments);
    await expect(get(byBank.url, { agent: both.agent() })).rejects.toMatchObject(untrusted);
    expect(subjects(server)).toEqual(['web', null]);
  });

  it('is not the `ca` of the host where the service says who the server is', async () => {
    await using server = await serve(payments, partner);
    const services = { Payments: { server: payments } };
    await using credentials = await load({ ca: partner.certificate }, {}, { services });
    const agent = adapterOf(credentials).sharedAgent({ service: 'Payments', origin: server.url });
    await expect(get(server.url, { agent })).rejects.toMatchObject(untrusted);
    expect(server.requests).toEqual([]);
  });

  it('is the `ca` of a certificate without bundles, unless it is of another trust domain', async () => {
    await using server = await serve(payments);
    const without = { ca: bank.certificate, bundles: undefined };
    await using credentials = await load({ server: payments }, without);
    await get(server.url, { agent: credentials.agent() });
    const alice = await bank.issue({ name: 'alice' });
    await using plain = await load(
      { server: payments },
      { ...without, cert: alice.fullChain, key: alice.key },
    );
    await get(server.url, { agent: plain.agent() });
    await expect(load({ server: 'spiffe://partner.example/ledger' }, without)).rejects.toMatchObject({
      ...missing,
      message: expect.stringContaining('no roots of the trust domain partner.example with "web"'),
    });
    expect(subjects(server)).toEqual(['web', 'alice']);
  });

  it('is said when it is loaded, where it can be known', async () => {
    await expect(load({ server: 'spiffe://third.example/x' })).rejects.toMatchObject({
      ...missing,
      hint: expect.stringContaining('bundles: { "third.example": … }'),
    });
    await expect(load({ server: payments, certificate: false })).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      message: expect.stringContaining('there are no roots to verify it by'),
    });
  });

  it('warns of a `ca` that vouches for nobody, whatever roots the certificate has', async () => {
    const issuing = await partner.issueAuthority({ name: 'issuing' });
    const more = { ca: partner.certificate };
    await using credentials = await load({ server: payments, ca: issuing.chain }, more);
    const about = { code: 'CA_WITHOUT_ROOT', message: expect.stringContaining('hosts["127.0.0.1:*"]: ca') };
    expect(credentials.warnings()).toContainEqual(about);
    await using byName = await load({ ca: issuing.chain }, more);
    expect(byName.warnings()).not.toContainEqual(about);
  });

  it('of a certificate that trusts only those: no rule by name goes with it', async () => {
    await using server = await serve(payments);
    await using credentials = await load({ server: payments }, { trust: 'only' });
    await get(server.url, { agent: credentials.agent() });
    await expect(load('web', { trust: 'only' })).rejects.toMatchObject({
      message: expect.stringContaining('hosts["127.0.0.1:*"]: trust "only" and no root to trust'),
    });
  });

  it('comes and goes with what a function says', async () => {
    await using server = await serve('spiffe://partner.example/ledger', partner);
    let given: FileSource['bundles'] = { 'bank.example': bank.certificate };
    await using credentials = await loadCredentials({
      certificates: { web: () => source({ bundles: given }) },
      hosts: { '127.0.0.1:*': { certificate: 'web', server: 'spiffe://partner.example' } },
    });
    const agent = credentials.agent({ keepAlive: true });
    const refused = {
      ...missing,
      message: expect.stringContaining('hosts["127.0.0.1:*"]: there are no roots'),
    };
    await expect(get(server.url, { agent })).rejects.toMatchObject(refused);
    expect(() => credentials.connectOptions(server.url)).toThrow(expect.objectContaining(missing));
    expect(`${credentials.explain(server.url)}`).toContain(
      'only extra roots of partner.example, of which none',
    );
    expect(credentials.health()).toMatchObject({
      status: 'error',
      reasons: [{ code: 'BUNDLE_MISSING', certificate: 'hosts["127.0.0.1:*"]' }],
    });
    given = { ...given, 'partner.example': partner.certificate };
    await credentials.reload();
    expect(credentials.health()).toMatchObject({ status: 'ok' });
    await get(server.url, { agent });
    await get(server.url, { agent });
    expect(`${credentials.explain(server.url)}`.replace(/\s+/g, ' ')).toContain(
      'only the roots of partner.example that came with "web"; the server is any in spiffe://partner.example',
    );
    given = { 'bank.example': bank.certificate, 'partner.example': [] };
    await credentials.reload();
    await expect(get(server.url, { agent })).rejects.toMatchObject(missing);
    expect(server.requests).toHaveLength(2);
    expect(server.connections).toBe(1);
  });

  it('is what a renewed bundle says: no connection and no session of the one before is used', async () => {
    await using server = await serve(payments);
    let given = bank;
    await using credentials = await loadCredentials({
      certificates: { web: () => source({ bundles: { 'bank.example': given.certificate } }) },
      hosts: { '127.0.0.1:*': { certificate: 'web', server: payments } },
    });
    const agent = credentials.agent({ keepAlive: false });
    await get(server.url, { agent });
    await get(server.url, { agent });
    const kept = credentials.agent({ keepAlive: true });
    await get(server.url, { agent: kept });
    given = partner;
    const report = await credentials.reload();
    expect(report.changed).toEqual(['web']);
    await expect(get(server.url, { agent })).rejects.toMatchObject(untrusted);
    await expect(get(server.url, { agent: kept })).rejects.toMatchObject(untrusted);
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true, false]);
  });

  it('are no longer the roots of a certificate that was renewed for another trust domain', async () => {
    await using server = await serve(payments);
    const bob = await bank.issue({ name: 'bob' });
    let given = web;
    await using credentials = await loadCredentials({
      certificates: {
        web: () => ({ cert: given.fullChain, key: given.key, ca: bank.certificate }),
        bob: { cert: bob.fullChain, key: bob.key },
      },
      hosts: { '127.0.0.1:*': { certificate: 'web', server: payments } },
      services: { Bob: { certificate: 'bob', hosts: ['127.0.0.1:*'] } },
    });
    const agent = credentials.agent({ service: 'Bob' });
    await get(server.url, { agent });
    given = await bank.issue({ name: 'web', uris: ['spiffe://partner.example/web'] });
    await credentials.reload();
    await expect(get(server.url, { agent })).rejects.toMatchObject(missing);
    expect(subjects(server)).toEqual(['bob']);
  });
});

describe('attack: rules that are weakened', () => {
  it('resumes no session that was made under another rule', async () => {
    await using server = await serve(payments);
    await using credentials = await load({ server: payments });
    const agent = credentials.agent({ keepAlive: false });
    await get(server.url, { agent });
    await get(server.url, { agent });
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true]);
    const config = (server: string): Config => ({
      certificates: { web: source() },
      hosts: { '127.0.0.1:*': { certificate: 'web', server } },
    });
    await credentials.reload(config('spiffe://bank.example/other'));
    await expect(get(server.url, { agent })).rejects.toMatchObject(mismatch);
    await credentials.reload(config('spiffe://bank.example'));
    await get(server.url, { agent });
    expect(server.requests.map(({ resumed }) => resumed)).toEqual([false, true, false]);
  });

  it('shares no connection with calls that ask for another id', async () => {
    await using server = await serve(payments);
    const Other = { server: 'spiffe://bank.example/other' };
    await using credentials = await load({ server: payments }, {}, { services: { Other } });
    const origin = server.url;
    await get(server.url, { agent: adapterOf(credentials).sharedAgent({}) });
    const agent = adapterOf(credentials).sharedAgent({ service: 'Other', origin });
    await expect(get(server.url, { agent })).rejects.toMatchObject(mismatch);
    const ids = [{}, { service: 'Other', origin }].map((as) =>
      adapterOf(credentials).profileId({ host: '127.0.0.1', port: server.port, ...as }),
    );
    expect(new Set(ids).size).toBe(2);
    expect(server.requests).toHaveLength(1);
  });

  it.each<[string, () => AgentOptions]>([
    ['ca', () => ({ ca: partner.certificate })],
    ['secureContext', () => ({ secureContext: tls.createSecureContext({ ca: partner.certificate }) })],
    ['rejectUnauthorized', () => ({ rejectUnauthorized: false })],
    ['allowPartialTrustChain', () => ({ allowPartialTrustChain: true }) as AgentOptions],
    ['session', () => ({ session: Buffer.alloc(8) })],
  ])('is not let in by a caller’s own %s', async (_, own) => {
    await using server = await serve(payments, partner);
    await using credentials = await load({ server: payments });
    await expect(get(server.url, { agent: credentials.agent(own()) })).rejects.toMatchObject({
      code: /ERR_CLIENTCERT_(AGENT_CONFLICT|VERIFICATION_OFF)/,
    });
    expect(server.requests).toEqual([]);
  });

  it('is not let in by a caller’s own check, which may refuse more', async () => {
    await using server = await serve(payments);
    await using other = await serve('spiffe://bank.example/other');
    await using credentials = await load({ server: payments });
    const lax = credentials.agent({ checkServerIdentity: () => undefined });
    await get(server.url, { agent: lax });
    await expect(get(other.url, { agent: lax })).rejects.toMatchObject(mismatch);
    // What some clients write themselves is Node's own, and says nothing.
    await get(server.url, { agent: credentials.agent({ checkServerIdentity: tls.checkServerIdentity }) });
    const strict = credentials.agent({ checkServerIdentity: () => new Error('not today') });
    await expect(get(server.url, { agent: strict })).rejects.toThrow('not today');
    expect([server.requests.length, other.requests.length]).toEqual([2, 0]);
  });

  it('is not accepted unseen by a service over a host that says who it is', async () => {
    await using server = await serve('spiffe://bank.example/other');
    const services = { Any: { certificate: false, dangerouslyAcceptAnyServer: true } };
    await using credentials = await load({ server: payments }, {}, { services } as Partial<Config>);
    const agent = adapterOf(credentials).sharedAgent({ service: 'Any', origin: server.url });
    await expect(get(server.url, { agent })).rejects.toMatchObject(mismatch);
    expect(server.requests).toEqual([]);
  });
});
