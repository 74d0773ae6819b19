import { inspect } from 'node:util';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { withPolluted } from '../../core/test/support.ts';
import { type Credentials, fromWorkloadApi, loadCredentials, type WorkloadApiOptions } from '../src/index.ts';
import { locate } from '../src/options.ts';
import { createTrustDomain, type Said, startAgent } from './agent.ts';
import {
  agent,
  authority,
  domain,
  hurry,
  load,
  next,
  source,
  startBank,
  startEach,
  startPeer,
  versionsOf,
} from './scene.ts';

startEach();
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const nameOf = ({ subject }: { subject: string }) => /CN=(.*)/.exec(subject)![1];

describe('fromWorkloadApi()', () => {
  it('presents the SVID that the agent hands out, with its chain, from the next connection on the next', async () => {
    vi.stubEnv('SPIFFE_ENDPOINT_SOCKET', agent.address);
    await using bank = await startBank();
    await using credentials = await loadCredentials({
      certificates: { bank: fromWorkloadApi() },
      hosts: { 'localhost:*': { certificate: 'bank', ca: authority.certificate } },
    });
    await bank.call(credentials);
    expect(bank.seen).toMatchObject([{ issuer: 'CN=Issuing for example.org' }]);
    expect(nameOf(bank.seen[0]!)).toBe('spiffe://example.org/payments');
    for (const version of [2, 3]) {
      const rotated = next(credentials, 'rotate');
      agent.say({ svids: [await domain.issue('/payments')] });
      await rotated;
      await bank.call(credentials);
      expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(version);
    }
    // What the standard has every client say, and one connection for all.
    expect(agent.asked.map((each) => each.get('workload.spiffe.io'))).toEqual([['true']]);
  });

  it.each<[string, WorkloadApiOptions, string]>([
    ['the first, unless one is named', {}, '/default'],
    ['the one with an id', { id: 'spiffe://example.org/payments' }, '/payments'],
    ['the one with a hint, and of several the first', { hint: 'internal' }, '/a'],
    ['the one with both', { id: 'spiffe://example.org/b', hint: 'internal' }, '/b'],
  ])('presents of several SVIDs %s', async (_, options, path) => {
    agent.say({
      svids: await Promise.all([
        domain.issue('/default'),
        domain.issue('/payments'),
        domain.issue('/b'),
        domain.issue('/a', { hint: 'internal' }),
        domain.issue('/b', { hint: 'internal' }),
      ]),
    });
    await using bank = await startBank();
    await using credentials = await load(options);
    await bank.call(credentials);
    expect(nameOf(bank.seen[0]!)).toBe(`spiffe://example.org${path}`);
  });

  it('stays who it is while that is handed out, whoever comes to stand first, and is told where it is not', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error) => void warnings.push(warning);
    process.on('warning', warn);
    await using bank = await startBank();
    await using credentials = await load();
    await changed(credentials, { svids: [await domain.issue('/payments')] });
    await changed(credentials, {
      svids: [await domain.issue('/another'), await domain.issue('/payments')],
    });
    await bank.call(credentials);
    expect(warnings).toEqual([]);
    await changed(credentials, { svids: [await domain.issue('/another')] });
    await bank.call(credentials);
    process.off('warning', warn);
    expect(bank.seen.map(nameOf)).toEqual(['spiffe://example.org/payments', 'spiffe://example.org/another']);
    expect(warnings).toMatchObject([
      {
        code: 'SPIFFE_ID_CHANGED',
        message: expect.stringContaining('spiffe://example.org/payments no longer'),
      },
    ]);
  });

  it('is asked over TCP as well', async () => {
    await using tcp = await startAgent('tcp');
    tcp.say({ svids: [await domain.issue('/tcp')] });
    await using bank = await startBank();
    await using credentials = await load({ address: tcp.address });
    await bank.call(credentials);
    expect(nameOf(bank.seen[0]!)).toBe('spiffe://example.org/tcp');
  });

  it('trusts the roots of its trust domain where it is pinned, as the agent says them', async () => {
    const other = await createTrustDomain('example.org');
    const server = await other.issue('/server', { hosts: ['localhost'] });
    await using peer = await startPeer(server);
    await using credentials = await loadCredentials({
      certificates: { bank: source() },
      hosts: { 'localhost:*': 'bank' },
    });
    credentials.on('warning', () => {});
    const svid = await domain.issue('/payments');
    await expect(peer.call(credentials)).rejects.toMatchObject(untrusted);
    // Foreign roots are trusted for what is in their trust domain, and nothing else.
    const federated = { 'spiffe://bank.example': server.bundle };
    await changed(credentials, { svids: [await domain.issue('/payments')], federated });
    await expect(peer.call(credentials)).rejects.toMatchObject(untrusted);
    await changed(credentials, { svids: [{ ...svid, bundle: Buffer.concat([svid.bundle, server.bundle]) }] });
    await peer.call(credentials);
    await changed(credentials, { svids: [svid] });
    await expect(peer.call(credentials)).rejects.toMatchObject(untrusted);
    expect(peer.seen).toBe(1);
  });

  it('knows a server by its SPIFFE ID, and by the roots of its trust domain alone', async () => {
    const [bank, shop] = [await createTrustDomain('bank.example'), await createTrustDomain('shop.example')];
    const server = await bank.issue('/payments');
    await using payments = await startPeer(server);
    await using accounts = await startPeer(await bank.issue('/accounts'));
    await using own = await startPeer(await domain.issue('/server'));
    const rule = (id: string) => ({ certificate: 'bank', server: id }) as const;
    await using credentials = await loadCredentials({
      certificates: { bank: source() },
      hosts: {
        [`localhost:${payments.port}`]: rule('spiffe://bank.example/payments'),
        [`localhost:${accounts.port}`]: rule('spiffe://bank.example/payments'),
        [`localhost:${own.port}`]: rule('spiffe://example.org'),
      },
    });
    credentials.on('warning', () => {});
    await own.call(credentials);
    await expect(payments.call(credentials)).rejects.toThrow();
    const svid = await domain.issue('/payments');
    const roots = { 'spiffe://bank.example': server.bundle };
    await changed(credentials, { svids: [svid], federated: roots });
    await payments.call(credentials);
    await own.call(credentials);
    await expect(accounts.call(credentials)).rejects.toThrow(/spiffe:\/\/bank.example\/payments/);
    // A trust domain vouches for its own, whatever IDs it signs.
    const { bundle } = await shop.issue('/');
    await changed(credentials, {
      svids: [svid],
      federated: { 'spiffe://bank.example': bundle, 'spiffe://shop.example': server.bundle },
    });
    await expect(payments.call(credentials)).rejects.toThrow();
    await changed(credentials, { svids: [svid], federated: roots });
    await payments.call(credentials);
    await changed(credentials, { svids: [svid] });
    await expect(payments.call(credentials)).rejects.toThrow();
    await own.call(credentials);
    expect([payments.seen, accounts.seen, own.seen]).toEqual([2, 0, 3]);
  });

  it('hands on the roots of each trust domain, and forgets those that the agent names no longer', async () => {
    const [bank, shop] = [await createTrustDomain('bank.example'), await createTrustDomain('shop.example')];
    const svid = await domain.issue('/payments');
    const { bundle } = await bank.issue('/');
    const federated = {
      'spiffe://bank.example': bundle,
      'spiffe://shop.example': (await shop.issue('/')).bundle,
    };
    agent.say({ svids: [svid], federated: { ...federated, 'spiffe://tokens.example': Buffer.alloc(0) } });
    const versions = versionsOf(source());
    const { cert, key, ca, bundles } = await versions.next();
    expect([cert, key, ca]).toEqual([svid.x509_svid, svid.x509_svid_key, svid.bundle]);
    expect(bundles).toEqual({
      'example.org': svid.bundle,
      'bank.example': bundle,
      'shop.example': federated['spiffe://shop.example'],
    });
    agent.say({ svids: [svid] });
    expect((await versions.next()).bundles).toEqual({ 'example.org': svid.bundle });
    await versions.end();
  });

  it('says once that revocation lists are not used, where the agent sends any', async () => {
    const warnings: Error[] = [];
    const keep = (warning: Error) => void warnings.push(warning);
    process.on('warning', keep);
    try {
      const svid = await domain.issue('/payments');
      const versions = versionsOf(source());
      for (const revocationLists of [[], [noise], [noise, noise]]) {
        agent.say({ svids: [svid], revocationLists });
        expect((await versions.next()).cert).toEqual(svid.x509_svid);
        await new Promise((resolve) => setImmediate(resolve));
        expect(warnings).toHaveLength(revocationLists.length === 0 ? 0 : 1);
      }
      await versions.end();
    } finally {
      process.off('warning', keep);
    }
    expect(warnings).toMatchObject([
      {
        name: 'ClientCertificateWarning',
        code: 'REVOCATION_LISTS_UNUSED',
        message: expect.stringMatching(/the Workload API at (unix|npipe):.* sends revocation lists/),
      },
    ]);
  });

  describe('while the agent is away', () => {
    it('goes on with what there is, and takes what is new when it is back, without a word of it', async () => {
      await using bank = await startBank();
      await using credentials = await load();
      const errors = vi.fn();
      credentials.on('error', errors);
      agent.stop();
      await bank.call(credentials);
      agent.say({ svids: [await domain.issue('/payments')] });
      const rotated = next(credentials, 'rotate');
      await agent.start();
      await rotated;
      await bank.call(credentials);
      expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(2);
      expect(errors).not.toHaveBeenCalled();
    });

    it('says so when it lasts, and goes on', async () => {
      await using bank = await startBank();
      await using credentials = await load();
      agent.stop();
      const error = next(credentials, 'error');
      hurry();
      expect(await error).toMatchObject({
        message: expect.stringMatching(
          /certificate "bank".*the Workload API at (unix|npipe):.* cannot be reached/,
        ),
        hint: expect.stringContaining('running'),
      });
      vi.restoreAllMocks();
      expect(credentials.health().reasons.map(({ code }) => code)).toContain('RENEWAL_FAILED');
      await bank.call(credentials);
      agent.say({ svids: [await domain.issue('/payments')] });
      const rotated = next(credentials, 'rotate');
      await agent.start();
      await rotated;
      expect(credentials.health().reasons.map(({ code }) => code)).not.toContain('RENEWAL_FAILED');
    });

    it('takes up the call that the agent ended', async () => {
      await using credentials = await load();
      const rotated = next(credentials, 'rotate');
      agent.hangUp();
      await expect.poll(() => agent.open).toBe(1);
      agent.say({ svids: [await domain.issue('/payments')] });
      await rotated;
      expect(agent.asked).toHaveLength(2);
    });

    it('a process that starts waits for it', async () => {
      agent.stop();
      const loading = load();
      await new Promise((resolve) => setTimeout(resolve, 300));
      await agent.start();
      await using bank = await startBank();
      await using credentials = await loading;
      await bank.call(credentials);
      expect(bank.seen).toHaveLength(1);
    });
  });

  describe('when the agent refuses', () => {
    it('waits until it knows this process', async () => {
      agent.refuse(status.PERMISSION_DENIED, 'no identity issued');
      const loading = load();
      await expect.poll(() => agent.asked.length).toBeGreaterThanOrEqual(2);
      agent.say({ svids: [await domain.issue('/payments')] });
      await using bank = await startBank();
      await using credentials = await loading;
      await bank.call(credentials);
      expect(bank.seen).toHaveLength(1);
    });

    it.each([
      ['InvalidArgument', status.INVALID_ARGUMENT],
      ['Unimplemented', status.UNIMPLEMENTED],
    ])('%s is not tried again', async (name, code) => {
      await using bank = await startBank();
      const workload = source();
      await using credentials = await loadCredentials({
        certificates: { bank: workload },
        hosts: { 'localhost:*': { certificate: 'bank', ca: authority.certificate } },
      });
      const error = next(credentials, 'error');
      agent.refuse(code, 'security header missing from request');
      expect(await error).toMatchObject({
        message: expect.stringContaining(`(${name}): security header missing from request`),
        hint: expect.stringContaining('not tried again'),
      });
      await bank.call(credentials);
      expect((await credentials.reload()).failed).toMatchObject([
        { error: { message: expect.stringContaining(name) } },
      ]);
      expect(agent.asked).toHaveLength(1);
      expect(bank.seen).toHaveLength(1);
    });
  });

  describe('attack: secrets that show', () => {
    it('no key is in an error, or in what is kept', async () => {
      const svid = await domain.issue('/payments');
      const broken = { ...svid, x509_svid: noise };
      agent.say({ svids: [broken] });
      const workload = source();
      const error = await load().catch((reason: Error) => reason);
      expect(error).toBeInstanceOf(Error);
      agent.say({ svids: [svid] });
      await using credentials = await load();
      const shown = inspect([error, workload, credentials], {
        depth: 30,
        showHidden: true,
        maxStringLength: null,
      });
      for (const secret of ['hex', 'base64'] as const)
        expect(shown).not.toContain(svid.x509_svid_key.toString(secret).slice(40, 80));
    });
  });

  describe('attack: rules that are weakened', () => {
    it('what stands on Object.prototype says neither where the agent is nor which SVID is meant', async () => {
      await using other = await startAgent();
      other.say({ svids: [await domain.issue('/attacker')] });
      await using tcp = await startAgent('tcp');
      tcp.say({ svids: [await domain.issue('/payments')] });
      const { endpoint } = locate(other.address) as { endpoint: { path: string } };
      const polluted = {
        SPIFFE_ENDPOINT_SOCKET: other.address,
        address: other.address,
        id: 'spiffe://example.org/other',
        hint: 'x',
        path: endpoint.path,
        createConnection: () => {
          throw new Error('taken');
        },
      };
      const seen: unknown[] = [];
      for (const [name, value] of Object.entries(polluted))
        Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true });
      try {
        try {
          fromWorkloadApi();
        } catch (error) {
          seen.push((error as Error).message);
        }
        for (const address of [agent.address, tcp.address]) {
          const versions = versionsOf(source({ address }));
          seen.push((await versions.next()).cert !== undefined);
          await versions.end();
        }
      } finally {
        for (const name of Object.keys(polluted)) delete (Object.prototype as Record<string, unknown>)[name];
      }
      expect(seen).toEqual([expect.stringContaining('no address is written'), true, true]);
      expect([agent.asked, tcp.asked, other.asked].map((each) => each.length)).toEqual([1, 1, 0]);
    });
  });

  it('nor does it say which of several is presented', async () => {
    agent.say({ svids: [await domain.issue('/payments'), await domain.issue('/admin')] });
    await withPolluted({ id: 'spiffe://example.org/admin' }, async () => {
      await using credentials = await load();
      expect(credentials.certificates()[0]!.spiffeId).toBe('spiffe://example.org/payments');
    });
  });

  it('leaves no call open behind close(), whatever it was waiting for', async () => {
    (await load()).close();
    await expect.poll(() => agent.open).toBe(0);
    const asked = agent.asked.length;
    agent.refuse(status.UNAVAILABLE);
    const versions = versionsOf(source());
    const first = versions.next();
    first.catch(() => {});
    await expect.poll(() => agent.asked.length).toBeGreaterThan(asked);
    await versions.end();
    await expect(first).rejects.toThrow();
    await expect.poll(() => agent.open).toBe(0);
  });

  it.each<[string, Partial<Record<keyof WorkloadApiOptions, unknown>>, string]>([
    ['no address', { address: '' }, 'no address is written'],
    ['an address that is no URL', { address: '/run/agent.sock' }, 'the address is no URL'],
    ['a relative path', { address: 'unix:agent.sock' }, 'no (unix|npipe): with'],
    ['two slashes', { address: 'unix://run/agent.sock' }, 'no (unix|npipe): with'],
    ['a path of a directory', { address: 'unix:///run/' }, 'no (unix|npipe): with'],
    ['a path that ends before its end', { address: 'unix:///run/a%00.sock' }, 'no (unix|npipe): with'],
    ['a path with more', { address: 'unix:///run/a.sock?x' }, 'more than'],
    ['another scheme', { address: 'https://127.0.0.1:8000' }, 'no (unix|npipe): with'],
    ['a host name', { address: 'tcp://localhost:8000' }, 'IP address'],
    ['no port', { address: 'tcp://127.0.0.1' }, 'port'],
    ['a path behind a port', { address: 'tcp://127.0.0.1:8000/foo' }, 'tcp: with an IP'],
    ['a user', { address: 'tcp://me@127.0.0.1:8000' }, 'more than'],
    ['an id that is none', { id: 'example.org/payments' }, 'id must be a SPIFFE ID'],
    ['an id in upper case', { id: 'spiffe://Example.org/payments' }, 'id must be a SPIFFE ID'],
    ['an id that climbs', { id: 'spiffe://example.org/../payments' }, 'id must be a SPIFFE ID'],
    ['an id with a port', { id: 'spiffe://example.org:1/payments' }, 'id must be a SPIFFE ID'],
    ['the id of a trust domain', { id: 'spiffe://example.org' }, 'id is that of a trust domain'],
    ['a hint that is empty', { hint: '' }, 'hint is not a text'],
    ['an option that is unknown', { socket: 'x' } as object, 'no option "socket"'],
  ])('refuses %s at once', (_, options, said) => {
    expect(() => source(options as WorkloadApiOptions)).toThrow(
      expect.objectContaining({
        code: 'ERR_CLIENTCERT_CONFIG_INVALID',
        message: expect.stringMatching(new RegExp(`^fromWorkloadApi\\(\\): .*${said}`)),
      }),
    );
  });

  it.each([
    ['unix:///run/spire/a%20b.sock', 'linux', { path: '/run/spire/a b.sock' }],
    ['unix:/run/agent.sock', 'darwin', { path: '/run/agent.sock' }],
    ['tcp://127.0.0.1:8000', 'linux', { host: '127.0.0.1', port: 8000 }],
    ['tcp://[2001:db8::1]:8000', 'win32', { host: '2001:db8::1', port: 8000 }],
    ['npipe:spire-agent\\public\\api', 'win32', { path: '\\\\.\\pipe\\spire-agent\\public\\api' }],
  ])('understands %s', (address, platform, endpoint) => {
    expect(locate(address, platform).endpoint).toEqual(endpoint);
  });

  it.each([
    ['npipe:spire-agent\\public\\api', 'linux'],
    ['unix:///run/agent.sock', 'win32'],
    ['npipe:///host/pipe', 'win32'],
  ])('refuses %s on %s, which has no such thing', (address, platform) => {
    expect(() => locate(address, platform)).toThrow(
      /no (unix: with an absolute path|npipe: with the name of a pipe)/,
    );
  });
});

const untrusted = { code: 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY' };

async function changed(credentials: Credentials<'bank'>, said: Said): Promise<void> {
  const rotated = next(credentials, 'rotate');
  agent.say(said);
  await rotated;
}

const noise = Buffer.from('no certificate'.repeat(20));
