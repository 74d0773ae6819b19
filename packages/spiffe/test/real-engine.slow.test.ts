import { existsSync } from 'node:fs';
import { type Authority, createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { engines } from '../../../scripts/engines.mjs';
import * as ground from '../../vault/test/ground.ts';
import { StreamingCall } from '../src/call.ts';
import { fromWorkloadApi, loadCredentials, type WorkloadApiOptions } from '../src/index.ts';
import { locate } from '../src/options.ts';
import { certificatesIn, createTrustDomain } from './agent.ts';
import { hurry, passUntil, startPeer, versionsOf } from './scene.ts';
import { type Spire, startSpire, trustDomain } from './spire.ts';

const built = existsSync(engines.spireServer) && existsSync(engines.spireAgent);
if (!built)
  console.warn('SPIRE is not there, so nothing is tried with it: node scripts/engines.mjs builds it');

describe.skipIf(!built)('fromWorkloadApi() and SPIRE itself', () => {
  let authority: Authority;
  let spire: Spire;
  beforeAll(async () => {
    authority = await createAuthority();
    spire = await startSpire();
    await spire.register({ path: '/payments', ttl: 60 });
  });
  afterAll(() => spire?.[Symbol.asyncDispose]());

  const id = (path: string) => `spiffe://${trustDomain}${path}`;
  const source = (options: WorkloadApiOptions) => fromWorkloadApi({ address: spire.address, ...options });
  const load = (options: WorkloadApiOptions) => ground.load(source(options), authority);

  it('presents SVIDs of a minute under load, again and again, over a restart of the agent', async () => {
    await using bank = await ground.startBank(authority, await spire.roots());
    await using credentials = await load({ id: id('/payments') });
    const failures: unknown[] = [];
    const errors: unknown[] = [];
    credentials.on('error', (error) => errors.push(error));
    let done = false;
    const caller = async () => {
      while (!done) {
        await bank.call(credentials).catch((error) => failures.push(error));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const calls = [caller(), caller()];
    await ground.next(credentials, 'rotate');
    await spire.stopAgent();
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const restarted = ground.next(credentials, 'rotate');
    await spire.startAgent();
    await restarted;
    await ground.next(credentials, 'rotate');
    const { certificate } = credentials.withSigningKey('https://localhost:1', (key) => key);
    done = true;
    await Promise.all(calls);
    await bank.call(credentials);
    expect([failures, errors]).toEqual([[], []]);
    expect(certificate.subjectAltName).toBe(`URI:${id('/payments')}`);
    expect(Date.parse(certificate.validTo) - Date.now()).toBeLessThan(60_000);
    const seen = [...new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256))];
    expect(seen.length).toBeGreaterThanOrEqual(4);
    // Each in its time: none came back after the next had been seen.
    expect(bank.seen.map(({ fingerprint256 }) => seen.indexOf(fingerprint256))).toEqual(
      bank.seen.map(({ fingerprint256 }) => seen.indexOf(fingerprint256)).toSorted((a, b) => a - b),
    );
  }, 180_000);

  it('notices that the agent is frozen, and takes up what it says afterwards', async () => {
    await using bank = await ground.startBank(authority, await spire.roots());
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      await using credentials = await load({ id: id('/payments') });
      const error = ground.next(credentials, 'error');
      await vi.advanceTimersByTimeAsync(1000);
      spire.freezeAgent();
      await vi.advanceTimersByTimeAsync(380_000);
      hurry();
      expect(await passUntil(error)).toMatchObject({ message: expect.stringContaining('does not answer') });
      vi.restoreAllMocks();
      await bank.call(credentials);
      const rotated = ground.next(credentials, 'rotate');
      spire.thawAgent();
      await passUntil(rotated, 200);
      await bank.call(credentials);
      expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(2);
      expect(credentials.health().reasons.map(({ code }) => code)).not.toContain('RENEWAL_FAILED');
    } finally {
      spire.thawAgent();
      vi.useRealTimers();
      vi.restoreAllMocks();
    }
  });

  // Where they come too often, it ends the connection with the fourth.
  it.runIf(process.env.SPIRE_SILENCE)(
    'is asked in half an hour of silence as often as it takes it',
    async () => {
      await using silent = await startSpire();
      await silent.register({ path: '/silent', ttl: 7200 });
      const method = '/SpiffeWorkloadAPI/FetchX509SVID';
      const call = new StreamingCall(locate(silent.address).endpoint, method, {
        'workload.spiffe.io': 'true',
      });
      await call.next();
      setTimeout(() => call.close(), 31 * 60_000);
      await expect(call.next()).rejects.toThrow('was closed');
    },
    32 * 60_000,
  );

  it('waits for an entry that is new, and says so when it was removed', async () => {
    const loading = load({ id: id('/late') });
    const entry = await spire.register({ path: '/late', ttl: 60, hint: 'late' });
    await using bank = await ground.startBank(authority, await spire.roots());
    await using credentials = await loading;
    await bank.call(credentials);
    await using other = await load({ hint: 'late' });
    await bank.call(other);
    expect(bank.seen[1]).toEqual(bank.seen[0]);
    const error = ground.next(credentials, 'error');
    await spire.remove(entry);
    expect(await error).toMatchObject({
      message: expect.stringContaining(
        `none of the SVIDs of this process has the id ${id('/late')}; there is`,
      ),
    });
    await bank.call(credentials);
    expect(bank.seen[2]).toEqual(bank.seen[0]);
  });

  it('says that nobody knows this process', async () => {
    // A trust domain of its own, where there is no entry.
    await using empty = await startSpire();
    await expect(load({ address: empty.address })).rejects.toMatchObject({
      message: expect.stringMatching(
        /knows no identity of this process \(PermissionDenied\): no identity issued/,
      ),
      hint: expect.stringContaining('registration entry'),
    });
  });

  it('is told the roots of foreign trust domains, and those of its own, as they change', async () => {
    const [bank, next] = [await createTrustDomain('bank.example'), await createTrustDomain('bank.example')];
    await spire.setFederated('bank.example', bank.root);
    await spire.register({ path: '/federated', ttl: 3600, federatesWith: 'spiffe://bank.example' });
    const versions = versionsOf(source({ id: id('/federated') }));
    const until = async (name: string, wanted: (roots: string) => boolean) => {
      for (;;) {
        const { bundles } = await versions.next();
        const roots = certificatesIn((bundles as Record<string, Buffer>)[name]!)
          .map(String)
          .join('');
        if (wanted(roots)) return roots;
      }
    };
    const own = await until(trustDomain, () => true);
    expect(own.trim()).toBe((await spire.roots()).trim());
    await until('bank.example', (roots) => roots.trim() === bank.root.trim());
    await spire.setFederated('bank.example', next.root);
    await until('bank.example', (roots) => roots.trim() === next.root.trim());
    // The next authority of the own trust domain is known before it issues anything.
    await spire.server('localauthority', 'x509', 'prepare');
    const both = await until(trustDomain, (roots) => roots !== own);
    expect(both.trim()).toBe((await spire.roots()).trim());
    expect(both).toContain(own.trim());
    await versions.end();
  });

  it('knows servers by their SPIFFE ID, of its own trust domain and of a foreign one', async () => {
    const bank = await createTrustDomain('bank.example');
    await spire.setFederated('bank.example', bank.root);
    await spire.register({ path: '/client', ttl: 3600, federatesWith: 'spiffe://bank.example' });
    await spire.register({ path: '/server', ttl: 3600 });
    // The server is a workload as well.
    const versions = versionsOf(source({ id: id('/server') }));
    const { cert, key } = (await versions.next()) as { cert: Buffer; key: Buffer };
    await versions.end();
    const roots = await spire.roots();
    await using own = await startPeer({ x509_svid: cert, x509_svid_key: key }, roots);
    await using foreign = await startPeer(await bank.issue('/payments'), roots);
    await using credentials = await loadCredentials({
      certificates: { bank: source({ id: id('/client') }) },
      hosts: {
        [`localhost:${own.port}`]: { certificate: 'bank', server: id('/server') },
        [`localhost:${foreign.port}`]: { certificate: 'bank', server: 'spiffe://bank.example/payments' },
      },
    });
    credentials.on('warning', () => {});
    await own.call(credentials);
    await foreign.call(credentials);
    const rotated = ground.next(credentials, 'rotate');
    await spire.setFederated('bank.example', (await createTrustDomain('bank.example')).root);
    await rotated;
    await own.call(credentials);
    await expect(foreign.call(credentials)).rejects.toThrow();
    expect([own.seen, foreign.seen]).toEqual([2, 1]);
  });
});
