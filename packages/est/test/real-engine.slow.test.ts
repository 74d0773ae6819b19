import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Authority, createAuthority } from '@clientcert/testing';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { engines } from '../../../scripts/engines.mjs';
import { untilSaid } from '../../../test/spawned.ts';
import { readCertificate } from '../../core/src/index.ts';
import * as ground from '../../vault/test/ground.ts';
import { type EstOptions, fromEst } from '../src/index.ts';

const built = existsSync(engines.est);
if (!built)
  console.warn('No server of EST is there, so nothing is tried with one: node scripts/engines.mjs builds it');

describe.skipIf(!built)('fromEst() and a server of EST that is not ours', () => {
  let authority: Authority;
  let est: Est | undefined;
  beforeAll(async () => {
    authority = await createAuthority();
  });
  afterEach(() => est?.[Symbol.asyncDispose]());

  const load = (options: Partial<EstOptions> = {}) =>
    ground.load(
      fromEst({
        address: est!.url,
        ca: authority.certificate,
        login: { user: 'me.example', password: 'a secret' },
        commonName: 'me.example',
        ...options,
      }),
      authority,
    );

  it.each(['p-256', 'p-384', 'rsa-2048'] as const)(
    'presents what was issued for a %s key',
    async (keyType) => {
      est = await startEst(authority, 3600);
      await using bank = await ground.startBank(authority, est.root);
      await using credentials = await load({ keyType });
      await bank.call(credentials);
      expect(bank.seen).toMatchObject([{ subject: 'CN=me.example', issuer: 'CN=Issuing' }]);
      expect(est.asked).toEqual(['cacerts', 'simpleenroll', 'simpleenroll']);
    },
  );

  it('is renewed again and again under load, over mutual TLS with itself', async () => {
    est = await startEst(authority, 10);
    await using bank = await ground.startBank(authority, est.root);
    await using credentials = await load();
    let failed = 0;
    let done = false;
    const calls = (async () => {
      while (!done) {
        await bank.call(credentials).catch(() => failed++);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    for (let version = 2; version <= 4; version++) await ground.next(credentials, 'rotate');
    done = true;
    await calls;
    expect(failed).toBe(0);
    expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBeGreaterThanOrEqual(3);
    expect(est.asked.filter((each) => each === 'simpleenroll')).toHaveLength(2);
    expect(est.asked.filter((each) => each === 'simplereenroll').length).toBeGreaterThanOrEqual(3);
  });

  it('says that the password is wrong', async () => {
    est = await startEst(authority, 3600);
    await expect(load({ login: { user: 'me.example', password: 'of another' } })).rejects.toMatchObject({
      message: expect.stringMatching(/simpleenroll: localhost:\d+ refuses it \(403\): wrong password/),
    });
  });
});

interface Est extends AsyncDisposable {
  readonly url: string;
  /** In PEM. */
  readonly root: string;
  /** The operations, in order. */
  readonly asked: string[];
}

/** The engine, behind what ends TLS for it and says whose certificate was presented. */
async function startEst(authority: Authority, seconds: number): Promise<Est> {
  const engine = spawn(engines.est, {
    env: { ...process.env, EST_LIFETIME: String(seconds), EST_PASSWORD: 'a secret' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [, port] = await untilSaid(engine, /listening on 127\.0\.0\.1:(\d+)/);
  const { fullChain, key } = await authority.issue({ name: 'est', hosts: ['localhost'], usage: 'server' });
  const answer = await fetch(`http://127.0.0.1:${port}/.well-known/est/cacerts`);
  const { certificate } = await readCertificate(
    { cert: Buffer.from(await answer.text(), 'base64') },
    { key: 'optional' },
  );
  const root = certificate.toString();
  const asked: string[] = [];
  const front = https.createServer(
    { cert: fullChain, key, ca: root, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      asked.push(request.url!.split('/').at(-1)!);
      const socket = request.socket as TLSSocket;
      const subject = socket.authorized && new X509Certificate(socket.getPeerX509Certificate()!.raw).subject;
      const headers = { ...request.headers };
      delete headers['x-client-name'];
      if (subject) headers['x-client-name'] = subject.replace('CN=', '');
      const { method, url: path } = request;
      const behind = http.request({ port, host: '127.0.0.1', method, path, headers }, (given) => {
        response.writeHead(given.statusCode!, given.headers);
        given.pipe(response);
      });
      request.pipe(behind);
    },
  );
  front.listen(0, 'localhost');
  await once(front, 'listening');
  return {
    url: `https://localhost:${(front.address() as AddressInfo).port}`,
    root,
    asked,
    async [Symbol.asyncDispose]() {
      front.closeAllConnections();
      front.close();
      engine.kill('SIGTERM');
      await once(engine, 'exit');
    },
  };
}
