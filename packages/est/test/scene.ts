import { type Authority, createAuthority } from '@clientcert/testing';
import { afterEach, beforeEach } from 'vitest';
import * as ground from '../../vault/test/ground.ts';
import { type EstOptions, fromEst } from '../src/index.ts';
import { type EstServer, startEst } from './server.ts';

export const authority: Authority = await createAuthority();
export let est: EstServer;

/** A server of EST for each test of a file. */
export function startEach(): void {
  beforeEach(async () => {
    est = await startEst(authority);
  });
  afterEach(() => est[Symbol.asyncDispose]());
}

export const login = { user: 'me', password: 'a secret' };
export const source = (options: Partial<EstOptions> = {}) =>
  fromEst({ address: est.url, ca: authority.certificate, login, commonName: 'me.example', ...options });
export const load = (options: Partial<EstOptions> = {}) => ground.load(source(options), authority);
export const startBank = () => ground.startBank(authority, est.root);
export const asked = () =>
  est.asked.map(({ method, path }) => `${method} ${path.slice('/.well-known/est/'.length)}`);
