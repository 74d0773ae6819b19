import { type Authority, createAuthority } from '@clientcert/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import { fromEst } from '../src/index.ts';
import { type EstServer, startEst } from './server.ts';

let authority: Authority;
let est: EstServer;
beforeAll(async () => {
  authority = await createAuthority();
});
beforeEach(async () => {
  est = await startEst(authority);
});
afterEach(() => est[Symbol.asyncDispose]());

const load = () =>
  ground.load(
    fromEst({
      address: est.url,
      ca: authority.certificate,
      login: { user: 'me', password: 'a secret' },
      commonName: 'me.example',
    }),
    authority,
  );
const operations = () => est.asked.map(({ path }) => path.split('/').at(-1));

describe('fromEst(), while time goes by', () => {
  it('presents the next one after two thirds of its life, had with the one before', async () => {
    est.certificateTtl = 9;
    await using bank = await ground.startBank(authority, est.root);
    await using credentials = await load();
    await bank.call(credentials);
    const started = Date.now();
    await ground.next(credentials, 'rotate');
    expect(Date.now() - started).toBeGreaterThan(9000 * (2 / 3) * 0.9 - 2500);
    await bank.call(credentials);
    expect(est.asked.at(-1)!.client?.fingerprint256).toBe(bank.seen[0]!.fingerprint256);
    expect(bank.seen[1]!.fingerprint256).not.toBe(bank.seen[0]!.fingerprint256);
    expect(operations()).toEqual(['cacerts', 'simpleenroll', 'simpleenroll', 'cacerts', 'simplereenroll']);
  });

  it('what there is stays while it is away, and the next is had when it is back', async () => {
    est.certificateTtl = 12;
    await using bank = await ground.startBank(authority, est.root);
    await using credentials = await load();
    est.stop();
    expect(await ground.next(credentials, 'error')).toMatchObject({
      message: expect.stringMatching(/cacerts: localhost:\d+ cannot be reached/),
    });
    expect(credentials.health().reasons.map(({ code }) => code)).toContain('RENEWAL_FAILED');
    await bank.call(credentials);
    const rotated = ground.next(credentials, 'rotate');
    await est.start();
    await rotated;
    await bank.call(credentials);
    expect(bank.seen).toHaveLength(2);
    expect(credentials.health().reasons.map(({ code }) => code)).not.toContain('RENEWAL_FAILED');
  });

  it('one that has ended meanwhile is had anew with the password', async () => {
    est.certificateTtl = 6;
    await using credentials = await load();
    est.stop();
    await new Promise((resolve) => credentials.on('expired', resolve));
    const rotated = ground.next(credentials, 'rotate');
    await est.start();
    await rotated;
    expect(operations().slice(-2)).toEqual(['simpleenroll', 'simpleenroll']);
  });
});
