import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type Authority, createAuthority } from '@clientcert/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { withPolluted } from '../../core/test/support.ts';
import { createFetch, loadCredentials } from '../../undici/src/index.ts';
import { fromVault, type VaultLogin, type VaultOptions } from '../src/index.ts';
import { Session } from '../src/session.ts';
import { type Engine, startEngine } from './engine.ts';
import * as ground from './ground.ts';
import { sourceAt } from './ground.ts';

let authority: Authority;
let engine: Engine;
let directory: string;
beforeAll(async () => {
  authority = await createAuthority();
  directory = await mkdtemp(join(tmpdir(), 'clientcert-vault-'));
});
afterAll(() => rm(directory, { recursive: true }));
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(() => engine[Symbol.asyncDispose]());

const load = (options: Partial<VaultOptions> = {}) => ground.load(sourceAt(engine.url, options), authority);
const failureOf = (options: Partial<VaultOptions> = {}) =>
  load(options).then(
    async (credentials) => {
      await credentials.close();
      return undefined;
    },
    (error: Error) => error,
  );

describe('attack: files that stop the process', () => {
  it.skipIf(process.platform === 'win32')(
    'a pipe, or a device, in place of the file of a token',
    async () => {
      const pipe = join(directory, 'pipe');
      execFileSync('mkfifo', [pipe]);
      for (const file of [pipe, '/dev/zero', directory]) {
        expect(await failureOf({ login: { method: 'token', token: { file } } })).toMatchObject({
          code: 'ERR_CLIENTCERT_FILE_UNREADABLE',
          message: expect.stringMatching(/login\.token.*(pipe|directory)/),
          hint: expect.any(String),
        });
      }
      expect(engine.asked).toEqual([]);
    },
  );

  it.each<[string, (size: number) => [body: Buffer | string, headers?: Record<string, string>]]>([
    ['as it is', (size) => ['x'.repeat(size)]],
    ['packed', (size) => [gzipSync(Buffer.alloc(size * 10, '[')), { 'content-encoding': 'gzip' }]],
  ])('an answer of many megabytes is read no further than any of Vault’s, %s', async (_, make) => {
    const [body, headers = {}] = make(20 * 2 ** 20);
    engine.answer = () => [200, body, headers];
    const before = process.memoryUsage().rss;
    // What calls an agent on loopback unpacks nothing.
    expect(await failureOf({ fetch })).toMatchObject({
      code: 'ERR_CLIENTCERT_FILE_UNREADABLE',
      message: expect.stringContaining('answers with more than 1 MiB'),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 2 ** 20);
  });

  it('a certificate that has expired when it is issued is an error, and not another one every second', async () => {
    engine.certificateTtl = -10;
    expect(await failureOf()).toMatchObject({
      code: 'ERR_CLIENTCERT_FILE_UNREADABLE',
      message: expect.stringContaining('has expired already'),
      hint: expect.stringContaining('clock'),
    });
    expect(engine.requests).toHaveLength(1);
  });

  it.each<[string, (never: Promise<never>) => Partial<VaultOptions>, string]>([
    [
      'a function that returns a token',
      (never) => ({ login: { method: 'token', token: () => never } }),
      'login.token: it is not there',
    ],
    ['a fetch that heeds no signal', (never) => ({ fetch: () => never }), 'cannot be reached'],
    [
      'a body that never ends',
      (never) => ({
        fetch: async () => new Response(new ReadableStream({ pull: () => never })),
      }),
      'cannot be reached',
    ],
  ])('%s, and never answers, is an error in the end', async (_, options, message) => {
    const timeout = AbortSignal.timeout;
    AbortSignal.timeout = () => timeout.call(AbortSignal, 50);
    try {
      expect(await failureOf(options(new Promise(() => {})))).toMatchObject({
        code: 'ERR_CLIENTCERT_FILE_UNREADABLE',
        message: expect.stringContaining(message),
        hint: expect.any(String),
      });
    } finally {
      AbortSignal.timeout = timeout;
    }
  });
});

describe('attack: identities that mix', () => {
  it('what somebody wrote on Object.prototype says neither where a token goes nor as whom it is had', async () => {
    await using stranger = await startEngine();
    const pollution: Record<string, unknown> = {
      address: stranger.url,
      namespace: 'theirs',
      mount: 'theirs',
      role: 'theirs',
      names: ['theirs.example'],
      jwt: 'theirs',
      env: 'PATH',
      // Not `body`, with which Node's own fetch makes no GET at all.
      token: 'theirs',
      secretId: 'theirs',
      ttl: '1h',
      keyType: 'rsa-4096',
      fetch: () => fetch(stranger.url),
    };
    const logins: VaultLogin[] = [
      { method: 'token', token: 's.very-secret' },
      { method: 'approle', roleId: 'an-id' },
      { method: 'approle', roleId: 'an-id', secretId: { env: 'CLIENTCERT_TEST_ID' } },
    ];
    process.env.VAULT_ADDR = engine.url;
    process.env.CLIENTCERT_TEST_ID = 'ours';
    // What the engine itself reads a request with is not proof against this.
    engine.answer = ({ path }) => (path.includes('/sign/') ? [403, { errors: [] }] : undefined);
    const seen = async () => {
      for (const login of logins) {
        const options = { login, role: 'bank-client', commonName: 'me.example' };
        await expect(ground.load(fromVault(options), authority)).rejects.toThrow('refuses it (403)');
      }
      return engine.asked.splice(0).map(({ method, path, headers, body: { csr: _, ...body } }) => {
        const { 'x-vault-token': token, 'x-vault-namespace': namespace } = headers;
        return { method, path, token: `${token}`.replace(/\d+$/, ''), namespace, body };
      });
    };
    try {
      const expected = await seen();
      for (const [name, value] of Object.entries(pollution)) {
        Object.defineProperty(Object.prototype, name, {
          value,
          configurable: true,
          writable: true,
          enumerable: true,
        });
        try {
          expect(await seen(), name).toEqual(expected);
        } finally {
          delete (Object.prototype as Record<string, unknown>)[name];
        }
      }
    } finally {
      delete process.env.VAULT_ADDR;
      delete process.env.CLIENTCERT_TEST_ID;
    }
    expect(stranger.asked).toEqual([]);
  });

  it('nor where Vault is, nor what it answers', async () => {
    await using stranger = await startEngine();
    const login: VaultLogin = { method: 'approle', roleId: 'an-id' };
    const options = { login, role: 'bank-client', commonName: 'me.example' };
    await withPolluted({ VAULT_ADDR: stranger.url, BAO_ADDR: stranger.url }, async () => {
      expect(() => fromVault(options)).toThrow('no address is written');
    });
    const without = { message: expect.stringContaining('the answer holds no token') };
    for (const answer of [{}, { auth: {} }]) {
      engine.answer = ({ path }) => (path.endsWith('/login') ? [200, answer] : undefined);
      // Before, because Node itself loads no further module under this.
      expect(await failureOf(options)).toMatchObject(without);
      await withPolluted({ auth: { client_token: 'theirs' }, client_token: 'theirs' }, async () => {
        expect(await failureOf(options)).toMatchObject(without);
      });
    }
    expect(stranger.asked).toEqual([]);
    expect(engine.asked.map(({ headers }) => headers['x-vault-token'])).toEqual(Array(4).fill(undefined));
  });

  it('createFetch in place of fetch takes no token to where a redirect leads either', async () => {
    await using other = await startEngine();
    const { fullChain: cert, key } = await authority.issue({ name: 'me' });
    await using credentials = await loadCredentials({ certificates: { me: { cert, key } }, hosts: {} });
    credentials.on('warning', () => {});
    engine.answer = ({ path }) => [307, '', { location: `${other.url}${path}` }];
    expect(await failureOf({ fetch: createFetch(credentials) as typeof fetch })).toMatchObject({
      message: expect.stringContaining('answers with a redirect'),
    });
    expect(other.asked).toEqual([]);
  });
});

describe('attack: secrets that show', () => {
  it('a token of Vault’s that no header holds is not quoted', async () => {
    engine.answer = ({ path }) =>
      path.endsWith('/login')
        ? [200, { auth: { client_token: 's.hidden\ntoken', lease_duration: 9 } }]
        : undefined;
    const error = await failureOf({ login: { method: 'approle', roleId: 'an-id' } });
    expect(error).toMatchObject({ message: expect.stringContaining('holds no token') });
    expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('hidden');
  });

  it('a session shows nothing', async () => {
    const { signal } = new AbortController();
    const options = { api: new URL(`${engine.url}/v1/`), login: { method: 'token', token: 's.very-secret' } };
    const session = new Session(options as never, signal);
    expect(inspect(session, { depth: 20, showHidden: true })).not.toContain('very-secret');
  });
});
