import { type Authority, createAuthority } from '@clientcert/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import { fromStepCa, type StepCaOptions } from '../src/index.ts';
import { type StepServer, startStep } from './server.ts';

let authority: Authority;
let step: StepServer;
beforeAll(async () => {
  authority = await createAuthority();
});
beforeEach(async () => {
  step = await startStep();
});
afterEach(() => step[Symbol.asyncDispose]());

const load = (options: Partial<StepCaOptions> = {}) =>
  ground.load(
    fromStepCa({
      address: step.url,
      fingerprint: step.fingerprint,
      provisioner: { name: 'me@step', key: step.jwk },
      commonName: 'me.example',
      ...options,
    }),
    authority,
  );
const startBank = () => ground.startBank(authority, step.root);
const paths = () => step.asked.map(({ path }) => path.replace(step.fingerprint, 'FINGERPRINT'));

describe('fromStepCa(), while time goes by', () => {
  it.each([
    ['a new key', '/1.0/rekey', {}],
    ['the same key', '/1.0/renew', { rekey: false }],
  ])('renews with %s over mutual TLS with the certificate itself', async (_, path, options) => {
    step.certificateTtl = 6;
    await using bank = await startBank();
    await using credentials = await load(options);
    await bank.call(credentials);
    await ground.next(credentials, 'rotate');
    await bank.call(credentials);
    expect(paths().slice(0, 3)).toEqual(['/root/FINGERPRINT', '/1.0/sign', path]);
    expect(step.asked[2]!.client?.fingerprint256).toBe(bank.seen[0]!.fingerprint256);
    expect(bank.seen[1]!.fingerprint256).not.toBe(bank.seen[0]!.fingerprint256);
    expect(bank.seen.map(({ subject }) => subject)).toEqual(Array(2).fill('CN=me.example'));
  });

  it('what there is stays while it is away, and the next is had when it is back', async () => {
    step.certificateTtl = 9;
    await using bank = await startBank();
    await using credentials = await load();
    step.stop();
    const rotated = ground.next(credentials, 'rotate');
    expect(await ground.next(credentials, 'error')).toMatchObject({
      message: expect.stringMatching(/rekey: localhost:\d+ cannot be reached/),
    });
    await bank.call(credentials);
    step.certificateTtl = 3600;
    await step.start();
    await rotated;
    await bank.call(credentials);
    expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(2);
  });
});
