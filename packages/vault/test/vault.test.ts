import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { type Authority, createAuthority, startProxy } from '@clientcert/testing';
import { ProxyAgent, setGlobalDispatcher } from 'undici';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { keepGlobalDispatcher } from '../../../test/global-dispatcher.ts';
import { fromVault, loadCredentials, type VaultLogin, type VaultOptions } from '../src/index.ts';
import { type Engine, startEngine } from './engine.ts';
import * as ground from './ground.ts';
import { sourceAt } from './ground.ts';

let authority: Authority;
let engine: Engine;
beforeAll(async () => {
  authority = await createAuthority();
});
beforeEach(async () => {
  engine = await startEngine();
});
afterEach(() => engine[Symbol.asyncDispose]());

const token: VaultLogin = { method: 'token', token: 's.very-secret' };
const source = (options: Partial<VaultOptions> = {}) => sourceAt(engine.url, options);
const load = (options: Partial<VaultOptions> = {}) => ground.load(sourceAt(engine.url, options), authority);
const startBank = () => ground.startBank(authority, engine.root);
const paths = () => engine.asked.map(({ method, path }) => `${method} ${path.slice(4)}`);

describe('fromVault()', () => {
  it('presents what the engine signed, with its chain', async () => {
    await using bank = await startBank();
    await using credentials = await load();
    await bank.call(credentials);
    expect(bank.seen).toMatchObject([{ subject: 'CN=me.example', issuer: 'CN=Issuing' }]);
    expect(paths()).toEqual(['GET auth/token/lookup-self', 'POST pki/sign/bank-client']);
  });

  it('says in the request what is to stand in it, and sends no key', async () => {
    const names = ['a.example', 'b.example', '192.0.2.1', '2001:db8::1', 'spiffe://bank.example/payments'];
    await using _credentials = await load({ names, ttl: 3600, mount: 'pki/clients', namespace: 'team' });
    const { path, headers, body } = engine.asked.at(-1)!;
    expect(path).toBe('/v1/pki/clients/sign/bank-client');
    expect(headers).toMatchObject({ 'x-vault-token': 's.very-secret', 'x-vault-namespace': 'team' });
    expect(body).toEqual({
      csr: expect.stringContaining('BEGIN CERTIFICATE REQUEST'),
      common_name: 'me.example',
      alt_names: 'a.example,b.example',
      ip_sans: '192.0.2.1,2001:db8::1',
      uri_sans: 'spiffe://bank.example/payments',
      ttl: '3600',
    });
    expect(engine.requests).toMatchObject([
      {
        commonName: 'me.example',
        names: [
          '82 a.example',
          '82 b.example',
          '87 c0000201',
          '87 20010db8000000000000000000000001',
          '86 spiffe://bank.example/payments',
        ],
      },
    ]);
    expect(JSON.stringify(engine.asked)).not.toContain('PRIVATE KEY');
  });

  describe('logging in', () => {
    it.each<[string, VaultLogin, string, object]>([
      [
        'AppRole',
        { method: 'approle', roleId: 'an id', secretId: { env: 'CLIENTCERT_TEST_SECRET_ID' } } as VaultLogin,
        'approle',
        { role_id: 'an-id', secret_id: 'a-secret' },
      ],
      [
        'AppRole without a secret id',
        { method: 'approle', roleId: 'an-id' },
        'approle',
        { role_id: 'an-id' },
      ],
      [
        'Kubernetes',
        { method: 'kubernetes', role: 'me', jwt: () => 'a-jwt', mount: 'clusters/one' },
        'clusters/one',
        { role: 'me', jwt: 'a-jwt' },
      ],
    ])('by %s', async (_, login, mount, body) => {
      process.env.CLIENTCERT_TEST_SECRET_ID = 'a-secret';
      const written = JSON.parse(JSON.stringify(login).replace('an id', 'an-id'));
      await using _credentials = await load({
        login: { ...written, ...('jwt' in login && { jwt: login.jwt }) },
      });
      expect(engine.asked[0]).toMatchObject({ method: 'POST', path: `/v1/auth/${mount}/login`, body });
      expect(engine.asked[1]!.headers['x-vault-token']).toBe('s.1');
    });

    it('from a file, relative to where the source was made, wherever the process goes', async () => {
      const file = `clientcert-vault-here-${process.pid}`;
      await writeFile(join(tmpdir(), file), 's.here\n');
      const cwd = vi.spyOn(process, 'cwd').mockReturnValue(tmpdir());
      onTestFinished(() => cwd.mockRestore()); // files share a process
      const made = source({ login: { method: 'token', token: { file } } });
      cwd.mockRestore();
      try {
        (await ground.load(made, authority)).close();
      } finally {
        await rm(join(tmpdir(), file));
      }
      expect(engine.asked.at(-1)!.headers['x-vault-token']).toBe('s.here');
    });

    it('reads a token that is in a file again each time', async () => {
      const file = join(tmpdir(), `clientcert-vault-${process.pid}`);
      await writeFile(file, 's.first\n');
      try {
        await using credentials = await load({ login: { method: 'token', token: { file } } });
        await writeFile(file, 's.second\n');
        engine.answer = ({ headers }) =>
          headers['x-vault-token'] === 's.second' ? undefined : [403, { errors: ['permission denied'] }];
        // As after the end of a stream: from the start.
        await credentials.reload({
          certificates: { bank: source({ login: { method: 'token', token: { file } } }) },
          hosts: {},
        });
        expect(engine.asked.map(({ headers }) => headers['x-vault-token'])).toEqual([
          's.first',
          's.first',
          's.second',
          's.second',
        ]);
      } finally {
        await rm(file);
      }
    });
  });

  describe('when Vault does not give one', () => {
    it.each<[string, number, unknown, string, RegExp, RegExp]>([
      [
        'refuses',
        403,
        { errors: ['permission denied'] },
        'FILE_UNREADABLE',
        /refuses it \(403\): permission denied/,
        /policy/,
      ],
      ['is sealed', 503, { errors: ['Vault is sealed'] }, 'FILE_UNREADABLE', /sealed.*503/, /Unseal/],
      [
        'does not allow the name',
        400,
        { errors: ['common name me.example not allowed by this role'] },
        'FILE_UNREADABLE',
        /not allowed by this role/,
        /allowed_domains/,
      ],
      [
        'knows no such role',
        400,
        { errors: ['unknown role: bank-client'] },
        'FILE_UNREADABLE',
        /unknown role/,
        /such a role at this mount/,
      ],
      ['knows no such mount', 404, { errors: [] }, 'FILE_UNREADABLE', /does not know the path/, /mount/],
      ['is behind a proxy that is down', 502, '<html>', 'FILE_UNREADABLE', /answers 502/, /log/],
      ['answers something else', 200, 'ok', 'FILE_UNREADABLE', /answers 200/, /log/],
      ['answers without a certificate', 200, { data: {} }, 'FILE_UNREADABLE', /no certificate/, /PKI/],
      ['answers with another key’s', 200, null, 'KEY_MISMATCH', /key/, /./],
    ])('it says that it %s', async (_, status, body, code, message, hint) => {
      const other = await authority.issue({ name: 'other' });
      engine.answer = ({ path }) =>
        path.includes('/sign/') ? [status, body ?? { data: { certificate: other.cert } }] : undefined;
      await expect(load()).rejects.toMatchObject({
        code: `ERR_CLIENTCERT_${code}`,
        message: expect.stringMatching(new RegExp(`certificate "bank".*${message.source}`)),
        hint: expect.stringMatching(hint),
      });
    });

    it('does not let it in: the hint is about the login, not about what is issued', async () => {
      engine.answer = ({ path }) =>
        path.endsWith('/login') ? [400, { errors: ['invalid role or secret ID'] }] : undefined;
      const login: VaultLogin = { method: 'approle', roleId: 'an-id', secretId: 'secret-id-7' };
      await expect(load({ login })).rejects.toMatchObject({
        message: expect.stringMatching(/does not accept the login: invalid role or secret ID$/),
        hint: expect.stringContaining('secret id'),
      });
    });

    it('is not there: the message has the code of the connection', async () => {
      const gone = await startEngine();
      await gone[Symbol.asyncDispose]();
      await expect(load({ address: gone.url })).rejects.toMatchObject({
        message: expect.stringMatching(/^certificate "bank": .* cannot be reached \(ECONNREFUSED\)$/),
        hint: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
      });
    });

    it('was never asked, because fromVault itself stands in the config', async () => {
      const certificates = { bank: fromVault as never };
      await expect(loadCredentials({ certificates })).rejects.toMatchObject({
        message: expect.stringContaining('fromVault(): it stands in the config itself'),
        hint: expect.stringContaining('fromVault({ … })'),
      });
    });

    it('a lifetime that is shorter than asked is refused at the start, and taken later', async () => {
      engine.certificateTtl = 4;
      await expect(load({ ttl: '72h' })).rejects.toMatchObject({
        message: expect.stringMatching(
          /role "bank-client": a lifetime of 259200 seconds.*and \d+ were given/,
        ),
        hint: expect.stringContaining('max_ttl'),
      });
      engine.certificateTtl = 65;
      await using credentials = await load({ ttl: '120s' });
      expect(credentials.certificates()[0]!.version).toBe(1);
    });
  });

  describe('attack: secrets that show', () => {
    it('neither token, secret id nor JWT is in an error, even where Vault repeats it', async () => {
      const secrets = ['s.very-secret', 'secret-id-7', 'eyJhbGciOi.jwt'];
      const logins: VaultLogin[] = [
        token,
        { method: 'approle', roleId: 'an-id', secretId: 'secret-id-7' },
        { method: 'kubernetes', role: 'me', jwt: 'eyJhbGciOi.jwt' },
      ];
      engine.answer = ({ headers, body }) => [
        403,
        {
          errors: [`denied: ${headers['x-vault-token']} ${body.secret_id} ${body.jwt}\u001b[31m\u202e\u2028`],
        },
      ];
      for (const login of logins) {
        const options = { address: engine.url, login, role: 'r', commonName: 'c' };
        const error = await load({ login }).then(
          () => undefined,
          (reason: Error) => reason,
        );
        expect(error).toMatchObject({ message: expect.stringContaining('denied: ') });
        const shown = inspect([error, fromVault(options)], { depth: 20, showHidden: true });
        for (const secret of secrets) expect(shown).not.toContain(secret);
        expect(error!.message).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
      }
    });

    it('no token is sent to where a redirect leads', async () => {
      await using other = await startEngine();
      engine.answer = ({ path }) => [307, '', { location: `${other.url}${path}` }];
      await expect(load()).rejects.toMatchObject({
        message: expect.stringContaining('answers with a redirect'),
        hint: expect.stringContaining('active node'),
      });
      expect(other.asked).toEqual([]);
    });

    it('no proxy is told what is said to an agent on loopback, whatever the process goes through', async () => {
      await using proxy = await startProxy();
      const restore = keepGlobalDispatcher();
      setGlobalDispatcher(new ProxyAgent(proxy.url));
      try {
        await using _credentials = await load();
      } finally {
        restore();
      }
      expect([...proxy.connects, ...proxy.forwards]).toEqual([]);
      expect(paths()).toEqual(['GET auth/token/lookup-self', 'POST pki/sign/bank-client']);
    });

    it('what was typed in the place of something else is not repeated', async () => {
      const secret = 'hvs.CAESIJ1xExampleOnly';
      const errors: unknown[] = [];
      for (const options of [{ [secret]: 'x' }, { login: { ...token, [secret]: 'x' } }]) {
        expect(() => source(options as Partial<VaultOptions>)).toThrow();
        try {
          source(options as Partial<VaultOptions>);
        } catch (error) {
          errors.push(error);
        }
      }
      engine.answer = ({ path }) => (path.includes('/sign/') ? [404, { errors: [] }] : undefined);
      errors.push(await load({ role: secret }).catch((error) => error));
      expect(errors).toHaveLength(3);
      for (const error of errors) expect(inspect(error, { depth: 10 })).not.toContain('ExampleOnly');
    });

    it('nor is a secret that no header holds quoted', async () => {
      const login: VaultLogin = { method: 'token', token: 'very secret\nx' };
      const error = await load({ login }).catch((reason: Error) => reason);
      expect(error).toMatchObject({ message: expect.stringContaining('login.token holds blanks') });
      expect(inspect(error)).not.toContain('very secret');
      expect(engine.asked).toEqual([]);
    });
  });

  it.each<[string, Partial<Record<keyof VaultOptions, unknown>>, string]>([
    ['no address', { address: '' }, 'no address'],
    ['an address that is no URL', { address: 'vault' }, 'no URL'],
    ['an address that is not https:', { address: 'http://vault.example:8200' }, 'not https:'],
    ['a host that begins like loopback', { address: 'http://127.0.0.1.vault.example:8200' }, 'not https:'],
    ['an address with a password', { address: 'https://me:pass@vault.example' }, 'more than scheme'],
    ['no role', { role: undefined }, 'role is not a text'],
    ['no common name', { commonName: '' }, 'commonName'],
    ['a mount that climbs', { mount: '../sys' }, 'no path of a mount'],
    ['a name with a blank', { names: ['a b'] }, 'not ASCII'],
    ['a ttl that is none', { ttl: 'tomorrow' }, 'no duration'],
    ['a kind of key that is unknown', { keyType: 'dsa' }, 'keyType'],
    ['an option that is unknown', { rol: 'x' } as object, '"rol"'],
    ['no login', { login: undefined }, 'no method'],
    ['a login that is inherited', { login: { method: 'toString' } }, 'no method'],
    ['a login without its token', { login: { method: 'token', token: undefined } }, 'login.token'],
    ['a login with what belongs to another', { login: { ...token, role: 'x' } }, '"role"'],
    ['a secret that is none', { login: { method: 'token', token: 7 } }, 'login.token'],
    ['a fetch that is none', { fetch: 7 }, 'fetch'],
  ])('refuses %s at once', (_, options, said) => {
    expect(() => source(options as Partial<VaultOptions>)).toThrow(
      expect.objectContaining({
        code: 'ERR_CLIENTCERT_CONFIG_INVALID',
        message: expect.stringMatching(new RegExp(`^fromVault\\(\\): .*${said}`)),
      }),
    );
  });
});
