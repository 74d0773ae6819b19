import { once } from 'node:events';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Authority, createAuthority } from '@clientcert/testing';
import { afterEach, beforeEach, vi } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import { type Credentials, fromWorkloadApi, type WorkloadApiOptions } from '../src/index.ts';
import {
  type Agent,
  createTrustDomain,
  pemOf,
  type SvidMessage,
  startAgent,
  type TrustDomain,
} from './agent.ts';

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

/** Lets time pass where timers are faked, and whatever it wakes: of each second so many milliseconds. */
export async function passUntil<Value>(promise: Promise<Value>, pace = 1): Promise<Value> {
  let isPassing = true;
  const settled = promise.finally(() => {
    isPassing = false;
  });
  while (isPassing) {
    await vi.advanceTimersByTimeAsync(1000);
    await pause(pace);
  }
  return settled;
}

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

/** A server that presents an SVID, and takes those of a trust domain. */
export async function startPeer(svid: Pick<SvidMessage, 'x509_svid' | 'x509_svid_key'>, root = domain.root) {
  const peer = {
    port: 0,
    /** How many calls came. */
    seen: 0,
    async call(credentials: Credentials<'bank'>): Promise<void> {
      const agentOfNode = credentials.agent({ keepAlive: false });
      const options = { host: 'localhost', port: peer.port, agent: agentOfNode };
      const [response] = await once(https.get(options), 'response');
      await once(response.resume(), 'end');
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
  const server = https.createServer({ ...pemOf(svid), requestCert: true, ca: root }, (_, response) => {
    peer.seen++;
    response.end();
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  peer.port = (server.address() as AddressInfo).port;
  return peer;
}
