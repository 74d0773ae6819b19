import { type Authority, createAuthority } from '@clientcert/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { VaultOptions } from '../src/index.ts';
import { type Engine, startEngine } from './engine.ts';
import * as ground from './ground.ts';
import { next, sourceAt } from './ground.ts';

let authority: Authority;
let engine: Engine;
beforeAll(async () => {
  authority = await createAuthority();
});
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(() => engine[Symbol.asyncDispose]());

const load = (options: Partial<VaultOptions> = {}) => ground.load(sourceAt(engine.url, options), authority);
const startBank = () => ground.startBank(authority, engine.root);
const paths = () => engine.asked.map(({ method, path }) => `${method} ${path.slice(4)}`);

describe('fromVault(), while time goes by', () => {
  it('presents what the engine signed, with its chain, and the next one after two thirds of its life', async () => {
    engine.certificateTtl = 9;
    await using bank = await startBank();
    await using credentials = await load({ names: ['me.example'], ttl: '9s' });
    await bank.call(credentials);
    const started = Date.now();
    await next(credentials, 'rotate');
    const waited = Date.now() - started;
    await bank.call(credentials);
    expect(waited).toBeGreaterThan(9000 * (2 / 3) * 0.9 - 2500);
    expect(bank.seen).toMatchObject(Array(2).fill({ subject: 'CN=me.example', issuer: 'CN=Issuing' }));
    expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(2);
    const keys = engine.requests.map(({ publicKey }) => publicKey);
    expect(keys[0]!.equals(keys[1]!)).toBe(false);
    expect(paths()).toEqual(['GET auth/token/lookup-self', ...Array(2).fill('POST pki/sign/bank-client')]);
  });

  it('renews the token while it waits, and logs in again where that is refused', async () => {
    engine.tokenTtl = 2;
    engine.certificateTtl = 9;
    let renewals = 0;
    engine.answer = ({ path }) => {
      if (!path.endsWith('renew-self')) return undefined;
      renewals += 1;
      if (renewals > 3) return [400, { errors: ['lease is not renewable'] }];
      return renewals > 2 ? [200, { auth: { lease_duration: 0, renewable: true } }] : undefined;
    };
    await using credentials = await load({ login: { method: 'approle', roleId: 'an-id' } });
    await next(credentials, 'rotate');
    expect(renewals).toBeGreaterThanOrEqual(3);
    const used = engine.asked.filter(({ path }) => path.includes('/sign/'));
    expect(used.map(({ headers }) => headers['x-vault-token'])).toEqual(['s.1', 's.2']);
  });

  it('renews nothing of a token that does not end', async () => {
    engine.tokenTtl = 0;
    engine.certificateTtl = 4;
    await using credentials = await load();
    await next(credentials, 'rotate');
    expect(paths()).not.toContain('POST auth/token/renew-self');
  });

  it('what there is stays while it is away, and the next is had when it is back', async () => {
    engine.certificateTtl = 12;
    await using bank = await startBank();
    await using credentials = await load();
    await engine.stop();
    expect(await next(credentials, 'error')).toMatchObject({
      message: expect.stringMatching(/role "bank-client": Vault \(127\.0\.0\.1:\d+\) cannot be reached/),
    });
    expect(credentials.health().reasons.map(({ code }) => code)).toContain('RENEWAL_FAILED');
    await bank.call(credentials);
    const rotated = next(credentials, 'rotate');
    await engine.start();
    await rotated;
    await bank.call(credentials);
    expect(bank.seen).toHaveLength(2);
    expect(credentials.health().reasons.map(({ code }) => code)).not.toContain('RENEWAL_FAILED');
  });

  it('close() ends a call that is under way', async () => {
    engine.certificateTtl = 3;
    let dropped = 0;
    const credentials = await load();
    engine.hold = (closed) => {
      void closed.then(() => {
        dropped += 1;
      });
    };
    await expect.poll(() => engine.asked.length).toBe(3);
    await credentials.close();
    await expect.poll(() => dropped).toBe(1);
  });
});
