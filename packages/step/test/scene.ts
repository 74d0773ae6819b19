import { type Authority, createAuthority } from '@clientcert/testing';
import { afterEach, beforeEach } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import { fromStepCa, type StepCaOptions } from '../src/index.ts';
import { type StepServer, startStep } from './server.ts';

export const authority: Authority = await createAuthority();
export let step: StepServer;

/** A step-ca for each test of a file. */
export function startEach(): void {
  beforeEach(async () => {
    step = await startStep();
  });
  afterEach(() => step[Symbol.asyncDispose]());
}

export const defaults = (): StepCaOptions => ({
  address: step.url,
  fingerprint: step.fingerprint,
  provisioner: { name: 'me@step', key: step.jwk },
  commonName: 'me.example',
});
export const source = (options: Partial<StepCaOptions> = {}) => fromStepCa({ ...defaults(), ...options });
export const load = (options: Partial<StepCaOptions> = {}) => ground.load(source(options), authority);
export const startBank = () => ground.startBank(authority, step.root);
export const paths = () => step.asked.map(({ path }) => path.replace(step.fingerprint, 'FINGERPRINT'));
