import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { engines } from '../../../scripts/engines.mjs';
import * as ground from '../../vault/test/ground.ts';
import { fromStepCa, type StepCaOptions } from '../src/index.ts';
import { checkOptions } from '../src/options.ts';
import { createToken } from '../src/token.ts';
import { type Step, startStepCa } from './step-ca.ts';

const built = existsSync(engines.stepCa);
if (!built)
  console.warn('step-ca is not there, so nothing is tried with it: node scripts/engines.mjs builds it');

describe.skipIf(!built)('fromStepCa() and step-ca itself', () => {
  let authority: Authority;
  let step: Step;
  beforeAll(async () => {
    authority = await createAuthority();
    step = await startStepCa();
  });
  afterAll(() => step?.[Symbol.asyncDispose]());

  const defaults = (options: Partial<StepCaOptions> = {}): StepCaOptions => ({
    address: step.url,
    fingerprint: step.fingerprint,
    provisioner: { name: 'me@step', key: step.jwk },
    commonName: 'me.example',
    ...options,
  });
  const load = (options?: Partial<StepCaOptions>) => ground.load(fromStepCa(defaults(options)), authority);

  it('presents what was signed for a token', async () => {
    await using bank = await ground.startBank(authority, step.root);
    const names = [
      'a.me.example',
      '192.0.2.1',
      '2001:db8::1',
      'spiffe://me.example/payments',
      'me@me.example',
    ];
    await using credentials = await load({ names, ttl: '1h' });
    await bank.call(credentials);
    expect(bank.seen).toMatchObject([{ subject: 'CN=me.example', issuer: 'CN=Issuing' }]);
    const { certificate } = credentials.withSigningKey('https://localhost:1', (key) => key);
    for (const name of ['DNS:a.me.example', 'IP Address:192.0.2.1', 'URI:spiffe://me.example/payments'])
      expect(certificate.subjectAltName).toContain(name);
    expect(certificate.checkIP('2001:db8::1')).toBeDefined();
    expect(Date.parse(certificate.validTo) - Date.now()).toBeLessThan(3_601_000);
  });

  it.each(['p-384', 'p-521', 'rsa-2048', 'rsa-3072'] as const)(
    'takes requests of %s keys',
    async (keyType) => {
      await using bank = await ground.startBank(authority, step.root);
      await using credentials = await load({ keyType });
      await bank.call(credentials);
      expect(bank.seen).toHaveLength(1);
    },
  );

  it('is renewed again and again under load, over a restart of step-ca, with and without a new key', async () => {
    await using bank = await ground.startBank(authority, step.root);
    const follow = async (rekey: boolean) => {
      const name = `${rekey}.example`;
      await using credentials = await load({ ttl: '12s', rekey, commonName: name, names: ['a.me.example'] });
      const failures: unknown[] = [];
      let done = false;
      const caller = async () => {
        while (!done) {
          await bank.call(credentials).catch((error) => failures.push(error));
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      };
      const calls = [caller(), caller()];
      await ground.next(credentials, 'rotate');
      expect(await ground.next(credentials, 'error')).toMatchObject({
        message: expect.stringMatching(/re(new|key): localhost:\d+ cannot be reached/),
      });
      stopped.push(name);
      for (let version = 3; version <= 4; version++) await ground.next(credentials, 'rotate');
      done = true;
      await Promise.all(calls);
      expect(failures).toEqual([]);
      const seen = bank.seen.filter(({ subject }) => subject === `CN=${name}`);
      expect(new Set(seen.map(({ fingerprint256 }) => fingerprint256)).size).toBeGreaterThanOrEqual(3);
      const { certificate } = credentials.withSigningKey('https://localhost:1', (key) => key);
      expect(certificate.subjectAltName).toBe('DNS:a.me.example');
      return credentials.certificates()[0]!.version;
    };
    const stopped: string[] = [];
    const following = Promise.all([follow(true), follow(false)]);
    await expect.poll(() => new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(4);
    await step.stop();
    await expect.poll(() => stopped).toHaveLength(2);
    await step.start();
    expect(Math.min(...(await following))).toBeGreaterThanOrEqual(4);
  }, 120_000);

  it('starts with what was kept while step-ca is away, and renews it when it is back', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'clientcert-step-'));
    const files = { cert: join(folder, 'bank.crt'), key: join(folder, 'bank.key') };
    try {
      const token = await createToken(
        defaults().provisioner!,
        checkOptions(defaults()),
        AbortSignal.timeout(10_000),
      );
      const options = { token, provisioner: undefined, files };
      await using bank = await ground.startBank(authority, step.root);
      {
        await using credentials = await load({ ...options, ttl: '15s' });
        await bank.call(credentials);
      }
      await step.stop();
      const errors = vi.fn();
      await using credentials = await load(options);
      credentials.on('error', errors);
      await bank.call(credentials);
      expect(bank.seen[1]).toEqual(bank.seen[0]);
      const rotated = ground.next(credentials, 'rotate');
      await step.start();
      await rotated;
      await bank.call(credentials);
      expect(bank.seen[2]!.fingerprint256).not.toBe(bank.seen[0]!.fingerprint256);
      await expect
        .poll(async () => new X509Certificate(await readFile(files.cert)).fingerprint256)
        .toBe(bank.seen[2]!.fingerprint256);
      // The token is used up.
      await expect(load({ ...options, files: undefined })).rejects.toMatchObject({
        message: expect.stringMatching(/sign: localhost:\d+ does not accept who asks \(401\)/),
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each<[string, (options: StepCaOptions) => Partial<StepCaOptions>, RegExp]>([
    [
      'a provisioner that is unknown',
      ({ provisioner }) => ({ provisioner: { ...provisioner!, name: 'nobody' } }),
      /\(401\)/,
    ],
    ['a lifetime that is too long', () => ({ ttl: '72h' }), /\(40[03]\).*duration/],
    ['a token that is none', () => ({ provisioner: undefined, token: 'a.b.c' }), /\(401\)/],
    ['another root', () => ({ fingerprint: '00'.repeat(32) }), /has no root with this fingerprint/],
  ])('says what is wrong with %s', async (_, options, said) => {
    await expect(load(options(defaults()))).rejects.toMatchObject({
      message: expect.stringMatching(said),
      hint: expect.any(String),
    });
  });
});
