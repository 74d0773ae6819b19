import { type Authority, createAuthority } from '@clientcert/testing';
import { afterEach, beforeEach, vi } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import { fromWorkloadApi, type WorkloadApiOptions } from '../src/index.ts';
import { type Agent, createTrustDomain, startAgent, type TrustDomain } from './agent.ts';

export const authority: Authority = await createAuthority();
export const domain: TrustDomain = await createTrustDomain('example.org');
export let agent: Agent;

/** An agent for each test of a file, with one SVID for whoever asks. */
export function startEach(): void {
  beforeEach(async () => {
    agent = await startAgent();
    agent.say({ svids: [await domain.issue('/payments')] });
  });
  afterEach(() => agent[Symbol.asyncDispose]());
}

export const source = (options: WorkloadApiOptions = {}) =>
  fromWorkloadApi({ address: agent.address, ...options });
export const load = (options?: WorkloadApiOptions) => ground.load(source(options), authority);
export const startBank = () => ground.startBank(authority, domain.root);
export const { next } = ground;

/** From now on the clock moves on by half a minute each tenth of a second: nobody is waited for. */
export const hurry = (): void => {
  const now = performance.now.bind(performance);
  const begin = now();
  vi.spyOn(performance, 'now').mockImplementation(() => now() + 30_000 * Math.floor((now() - begin) / 100));
};

/** What a source says by itself, without core. */
export function versionsOf(workload: ReturnType<typeof source>) {
  const ending = new AbortController();
  const iterator = workload({ signal: ending.signal })[Symbol.asyncIterator]();
  return {
    next: async () => (await iterator.next()).value as Record<'cert' | 'key' | 'ca' | 'bundles', unknown>,
    end: async () => {
      ending.abort();
      await iterator.return?.();
    },
  };
}
