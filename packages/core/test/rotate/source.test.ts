import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type Config,
  type FileSource,
  loadCredentials,
  readCertificate,
  type SourceCall,
} from '../../src/index.ts';
import { isEqual } from '../../src/rotate/config-equality.ts';
import { type Reading, Renewal } from '../../src/rotate/renewal.ts';
import { refreshDelay, retryDelay } from '../../src/rotate/timer.ts';
import { buildModules } from '../built.ts';
import { inPlace, issue, next, request, scratch } from './scene.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

const inlineOf = ({ fullChain, key }: IssuedCertificate) => ({ cert: fullChain, key });
const hosts = { 'api.bank.example': 'bank' } as const;

describe('a function as the source', () => {
  it.each([
    ['seconds', () => 1],
    ['a time', () => new Date(Date.now() + 1000)],
  ])('is asked again after the %s it returned', async (_, refresh) => {
    const certificates = await Promise.all(['a', 'b', 'c'].map((name) => issue(authority, name)));
    let asked = 0;
    await using credentials = await loadCredentials({
      certificates: {
        bank: async () => ({ ...inlineOf(certificates[Math.min(asked++, 2)]!), refresh: refresh() }),
      },
      hosts,
    });
    expect(await next(credentials, 'rotate')).toMatchObject({ current: certificates[1]!.fingerprint256 });
    expect(await next(credentials, 'rotate')).toMatchObject({ current: certificates[2]!.fingerprint256 });
    expect(asked).toBe(3);
  });

  it('is asked again, less and less often, while it fails, and tells of it once', async () => {
    const certificate = await issue(authority, 'a');
    const renewed = await issue(authority, 'b');
    let asked = 0;
    await using credentials = await loadCredentials({
      certificates: {
        bank: () => {
          asked += 1;
          if (asked > 1 && asked < 4) throw new Error('the store is down');
          return { ...inlineOf(asked === 1 ? certificate : renewed), refresh: 1 };
        },
      },
      hosts,
    });
    const errors: Error[] = [];
    credentials.on('error', (error, { name }) => errors.push(Object.assign(error, { about: name })));
    await next(credentials, 'rotate');
    expect(errors).toMatchObject([{ about: 'bank', cause: { message: 'the store is down' } }]);
    expect(asked).toBe(4);
    expect(credentials.certificates()[0]).toMatchObject({ version: 2, error: null });
  });

  it.each([
    ['no number', Number.NaN, 'NaN'],
    ['no date', new Date(Number.NaN), 'invalid'],
    ['a text', '60' as never, 'neither a number nor a Date'],
  ])('whose refresh is %s is refused, and not asked without pause', async (_, bad, said) => {
    const certificate = inlineOf(await issue(authority, 'a'));
    const refused = { code: 'ERR_CLIENTCERT_CONFIG_INVALID', message: expect.stringContaining(said) };
    const load = (read: () => FileSource) => loadCredentials({ certificates: { bank: read }, hosts });
    await expect(load(() => ({ ...certificate, refresh: bad }))).rejects.toMatchObject(refused);
    let asked = 0;
    await using credentials = await load(() => ({ ...certificate, refresh: asked++ === 0 ? 1 : bad }));
    expect(await next(credentials, 'error')).toMatchObject(refused);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(asked).toBe(2);
  });

  it('that never answers fails after two minutes, and is asked again', async () => {
    const certificate = inlineOf(await issue(authority, 'a'));
    let asked = 0;
    await using credentials = await loadCredentials({
      certificates: { bank: () => (asked++ === 1 ? new Promise<never>(() => {}) : certificate) },
      hosts,
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const reloading = credentials.reload();
      credentials.on('error', () => {});
      await vi.advanceTimersByTimeAsync(120_000);
      expect((await reloading).failed).toMatchObject([
        { name: 'bank', error: { code: 'ERR_CLIENTCERT_FILE_UNREADABLE', message: /"bank".*120 seconds/ } },
      ]);
      await vi.advanceTimersByTimeAsync(500);
      expect(asked).toBe(3);
    } finally {
      vi.useRealTimers();
    }
    await expect.poll(() => credentials.certificates()[0]!.error).toBeNull();
  });

  describe('attack: files that stop the process', () => {
    it('what never answers is told when nobody waits any longer, and blocks no later reload', async () => {
      const certificate = inlineOf(await issue(authority, 'a'));
      const signals: AbortSignal[] = [];
      let answers = true;
      const bank = ({ signal }: SourceCall) => {
        signals.push(signal);
        return answers ? certificate : new Promise<never>(() => {});
      };
      await using credentials = await loadCredentials({ certificates: { bank }, hosts });
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      try {
        answers = false;
        // Another function, so that it is asked: its config has no earlier reading to keep.
        const hanging = { certificates: { bank: (call: SourceCall) => bank(call) }, hosts };
        const replacing = expect(credentials.reload(hanging)).rejects.toMatchObject({
          code: 'ERR_CLIENTCERT_FILE_UNREADABLE',
          message: /"bank".*120 seconds/,
        });
        const later = credentials.reload();
        await vi.waitFor(() => expect(signals).toHaveLength(2));
        expect(signals[1]!.aborted).toBe(false);
        await vi.advanceTimersByTimeAsync(120_000);
        await replacing;
        expect(signals[1]!.aborted).toBe(true);
        answers = true;
        // The later one had begun meanwhile; it ends by its own deadline, or at once.
        await vi.advanceTimersByTimeAsync(120_000);
        await later;
        expect(await credentials.reload()).toMatchObject({ unchanged: ['bank'], failed: [] });
      } finally {
        vi.useRealTimers();
      }
    });

    it('close() ends what is being read for a new config, and asks nobody any more', async () => {
      const certificate = inlineOf(await issue(authority, 'a'));
      const signals: AbortSignal[] = [];
      const never = ({ signal }: SourceCall) => {
        signals.push(signal);
        return new Promise<never>(() => {});
      };
      const credentials = await loadCredentials({ certificates: { bank: certificate }, hosts });
      const many = Array.from({ length: 20 }, (_, at) => [`c${at}`, (call: SourceCall) => never(call)]);
      const replacing = credentials.reload({ certificates: Object.fromEntries(many), allowBroken: true });
      const failed = expect(replacing).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CLOSED' });
      await vi.waitFor(() => expect(signals.length).toBeGreaterThan(0));
      await credentials.close();
      await failed;
      const asked = signals.length;
      expect(asked).toBeLessThan(20);
      expect(signals.every(({ aborted }) => aborted)).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(signals).toHaveLength(asked);
    });

    it('a first load ends after two minutes too, and so does reading the roots of a rule', async () => {
      const certificate = inlineOf(await issue(authority, 'a'));
      const never = () => new Promise<never>(() => {});
      await using credentials = await loadCredentials({ certificates: { bank: certificate }, hosts });
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      try {
        const tooLate = (message: RegExp) => ({ code: 'ERR_CLIENTCERT_FILE_UNREADABLE', message });
        const asked = vi.fn(never);
        const loading = expect(
          loadCredentials({ certificates: { bank: asked }, hosts }),
        ).rejects.toMatchObject(tooLate(/"bank".*120 seconds/));
        await vi.waitFor(() => expect(asked).toHaveBeenCalled());
        await vi.advanceTimersByTimeAsync(120_000);
        await loading;
        const passphrase = vi.fn(never);
        const ca = { file: authority.certificate, passphrase };
        const config = {
          certificates: { bank: certificate },
          hosts: { 'a.example': { certificate: 'bank', ca } },
        };
        const reloading = expect(credentials.reload(config)).rejects.toMatchObject(
          tooLate(/ca.*120 seconds/),
        );
        await vi.waitFor(() => expect(passphrase).toHaveBeenCalled());
        await vi.advanceTimersByTimeAsync(120_000);
        await reloading;
      } finally {
        vi.useRealTimers();
      }
    });

    it('a reading that cannot be ended is waited for, and no other is begun meanwhile', async () => {
      let begun = 0;
      let release = () => {};
      const renewal = new Renewal<number>(
        'bank',
        {
          name: 'bank',
          // As where the kernel holds a thread: the signal changes nothing.
          read: () => {
            begun += 1;
            return new Promise<Reading<number>>((resolve) => {
              release = () => resolve({ value: begun, files: [] });
            });
          },
          take: () => true,
        },
        { files: [] },
        { watched: () => {}, failed: () => {}, isWatching: () => false },
      );
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      try {
        const first = renewal.renew();
        await vi.advanceTimersByTimeAsync(120_000);
        expect(await first).toMatchObject({ code: 'ERR_CLIENTCERT_FILE_UNREADABLE' });
        expect(await renewal.renew()).toMatchObject({ code: 'ERR_CLIENTCERT_FILE_UNREADABLE' });
        expect(begun).toBe(1);
        release();
        await new Promise((resolve) => setImmediate(resolve));
        const second = renewal.renew();
        expect(begun).toBe(2);
        release();
        expect(await second).toBe('changed');
      } finally {
        vi.useRealTimers();
        renewal.close();
      }
    });
  });

  describe('attack: files that stop the process', () => {
    it('roots of a new config that never come hold up no later reload', async () => {
      const certificate = inlineOf(await issue(authority, 'a'));
      const config = { certificates: { bank: certificate }, hosts };
      await using credentials = await loadCredentials(config);
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      try {
        const passphrase = vi.fn(() => new Promise<never>(() => {}));
        const ca = { file: authority.certificate, passphrase };
        const reloading = credentials.reload({
          ...config,
          hosts: { 'a.example': { certificate: 'bank', ca } },
        });
        const failed = expect(reloading).rejects.toMatchObject({
          code: 'ERR_CLIENTCERT_FILE_UNREADABLE',
          message: /a\.example.*120 seconds/,
        });
        const next = credentials.reload(config);
        await vi.waitFor(() => expect(passphrase).toHaveBeenCalled());
        await vi.advanceTimersByTimeAsync(120_000);
        await failed;
        expect(await next).toMatchObject({ failed: [] });
      } finally {
        vi.useRealTimers();
      }
    });
  });

  it('may say whom to trust: nothing but its roots, also after a renewal', async () => {
    await using server = await startServer({ authority, host: 'localhost', clientCertificate: 'none' });
    const certificate = await issue(authority, 'a');
    const stranger = await createAuthority();
    let ca: string | undefined = authority.certificate;
    let trust: 'only' | undefined = 'only';
    await using credentials = await loadCredentials({
      certificates: { bank: () => ({ ...inlineOf(certificate), ca, trust }) },
      hosts: { [`localhost:${server.port}`]: 'bank' },
    });
    expect(credentials.resolve(server.url).trust).toBe('only');
    await request(credentials, server.url);
    credentials.on('error', () => {});
    const failure = async () => (await credentials.reload()).failed[0]?.error;
    ca = undefined;
    expect(await failure()).toMatchObject({ message: expect.stringContaining('no root to trust') });
    [ca, trust] = [authority.certificate, undefined];
    expect(await failure()).toMatchObject({ message: expect.stringContaining('another "trust"') });
    await request(credentials, server.url);
    [ca, trust] = [stranger.certificate, 'only'];
    expect(await credentials.reload()).toMatchObject({ changed: ['bank'] });
    await expect(request(credentials, server.url)).rejects.toThrow('self-signed');
  });

  it.each([
    ['an unknown option', { passphrse: 'x' }, 'ERR_CLIENTCERT_CONFIG_INVALID', '"passphrse"'],
    [
      'a directory that is a web address',
      { dir: new URL('https://a.example') },
      'ERR_CLIENTCERT_CONFIG_INVALID',
      'not a local file',
    ],
  ])('that returns %s is told so', async (_, returned, code, said) => {
    const { cert, key } = inlineOf(await issue(authority, 'a'));
    const source = ('dir' in returned ? returned : { cert, key, ...returned }) as FileSource;
    await expect(loadCredentials({ certificates: { bank: () => source }, hosts })).rejects.toMatchObject({
      name: 'ClientCertificateError',
      code,
      message: expect.stringContaining(said),
    });
  });

  // By their names, of which there may be millions, they are not looked at.
  it.each([
    ['the bytes themselves', Buffer.alloc(1000)],
    ['a list', [{ pfx: 'bank.pfx' }]],
  ])('that returns %s is told so', async (_, returned) => {
    const source = () => returned as unknown as FileSource;
    const refused = {
      code: 'ERR_CLIENTCERT_CONFIG_INVALID',
      message: expect.stringContaining('the source is not an object'),
    };
    await expect(loadCredentials({ certificates: { bank: source }, hosts })).rejects.toMatchObject(refused);
    await expect(readCertificate(source)).rejects.toMatchObject(refused);
    await expect(readCertificate(source())).rejects.toMatchObject(refused);
  });

  it('may return files, which are watched then', async () => {
    await using directory = await scratch();
    await inPlace(directory.path, await issue(authority, 'a'));
    await using credentials = await loadCredentials({
      certificates: { bank: () => ({ dir: directory.path }) },
      hosts,
      watch: { settle: 20 },
    });
    const renewed = await issue(authority, 'b');
    const [event] = await Promise.all([next(credentials, 'rotate'), inPlace(directory.path, renewed)]);
    expect(event).toMatchObject({ current: renewed.fingerprint256 });
  });
});

it('an environment variable is read again by reload()', async () => {
  const [first, second] = await Promise.all([issue(authority, 'a'), issue(authority, 'b')]);
  process.env.CLIENTCERT_TEST_PFX = (await first.pfx('x')).toString('base64');
  try {
    await using credentials = await loadCredentials({
      certificates: { bank: { pfx: { env: 'CLIENTCERT_TEST_PFX' }, passphrase: 'x' } },
      hosts,
    });
    process.env.CLIENTCERT_TEST_PFX = (await second.pfx('x')).toString('base64');
    expect(await credentials.reload()).toMatchObject({ changed: ['bank'] });
    expect(credentials.certificates()[0]!.fingerprint256).toBe(second.fingerprint256);
  } finally {
    delete process.env.CLIENTCERT_TEST_PFX;
  }
});

it('neither watchers nor timers keep a process alive', async () => {
  await using directory = await scratch();
  await using core = await buildModules('core');
  await inPlace(directory.path, await issue(authority, 'a'));
  const program = join(core.path, 'program.mjs');
  await writeFile(program, PROGRAM);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, directory.path], {
    encoding: 'utf8',
    timeout: 40_000,
  });
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'rotated 1, failing\n', stderr: '' });
});

/** Ends with watchers open, and with timers for expiry, polling, refresh and retry. */
const PROGRAM = `
import { loadCredentials } from './core.mjs';
const [, , dir] = process.argv;
let asked = 0;
const credentials = await loadCredentials({
  certificates: {
    bank: { dir },
    vault: () => {
      if (asked++ > 0) throw new Error('down');
      return { dir, refresh: 3600 };
    },
  },
  hosts: { 'api.bank.example': 'bank', 'vault.example': 'vault' },
});
credentials.on('error', () => {}).on('warning', () => {});
await credentials.reload();
const { version, error } = credentials.certificates()[1];
console.log('rotated ' + version + (error ? ', failing' : ''));
`;

it.each<[string, object, string, string]>([
  [
    'a rule’s root that is a web address',
    { hosts: { 'a.example': { ca: new URL('https://a.example') } } },
    'CONFIG_INVALID',
    'hosts["a.example"]: ca: ',
  ],
  [
    'a missing file',
    { proxy: { url: 'http://p.example', authorization: { file: './nowhere' } } },
    'FILE_NOT_FOUND',
    'proxy: the authorization file ./nowhere',
  ],
  [
    'a missing variable',
    { proxy: { url: 'http://p.example', authorization: { env: 'NOT_SET' } } },
    'CONFIG_INVALID',
    'proxy: the environment variable NOT_SET',
  ],
])('roots and authorizations say what is wrong with them: %s', async (_, config, code, said) => {
  await expect(loadCredentials(config as Config)).rejects.toMatchObject({
    name: 'ClientCertificateError',
    code: `ERR_CLIENTCERT_${code}`,
    message: expect.stringContaining(said),
  });
});

describe('waiting', () => {
  it('after failures doubles up to a minute, spread over half of it', () => {
    expect([1, 2, 3, 8, 100].map((failures) => retryDelay(failures, () => 1))).toEqual([
      500, 1000, 2000, 60_000, 60_000,
    ]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), (failures) => {
        const delay = retryDelay(failures);
        expect(delay).toBeGreaterThanOrEqual(250);
        expect(delay).toBeLessThanOrEqual(60_000);
      }),
    );
  });

  it.each([
    ['a time', () => new Date(Date.now() + 86_400_000)],
    ['seconds', () => 86_400],
  ])('for a refresh of %s goes by the clock, where that was set or the machine slept', async (_, refresh) => {
    vi.useFakeTimers();
    try {
      const read = vi.fn(() => new Promise<never>(() => {}));
      const observer = { watched: () => {}, failed: () => {}, isWatching: () => true };
      const subject = { name: 'bank', read, take: () => true };
      const renewal = new Renewal('bank', subject, { files: [], refresh: refresh() }, observer);
      await vi.advanceTimersByTimeAsync(120_000);
      expect(read).not.toHaveBeenCalled();
      vi.setSystemTime(Date.now() + 86_400_000);
      await vi.advanceTimersByTimeAsync(61_000);
      expect(read).toHaveBeenCalledOnce();
      renewal.close();
    } finally {
      vi.useRealTimers();
    }
  });

  it('for a refresh is up to a tenth shorter, and never shorter than a second', () => {
    expect(refreshDelay(3600, () => 0)).toBe(3_600_000);
    expect(refreshDelay(3600, () => 1)).toBe(3_240_000);
    const inAnHour = refreshDelay(new Date(Date.now() + 3_600_000), () => 1);
    expect(Math.abs(inAnHour - 3_240_000)).toBeLessThan(1000);
    expect(refreshDelay(new Date(0))).toBe(1000);
    expect(refreshDelay(Number.MIN_VALUE)).toBe(1000);
  });
});

describe('two sources', () => {
  it('are equal for equal contents, whatever they are made of', () => {
    const leaf = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.uint8Array(),
      fc.domain().map((name) => new URL(`https://${name}/`)),
    );
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(fc.string(), tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    fc.assert(
      fc.property(value, (one) => {
        expect(isEqual(one, copy(one))).toBe(true);
        expect(isEqual({ one }, { one, two: undefined })).toBe(true);
        expect(isEqual({ one }, { one, two: 2 })).toBe(false);
      }),
    );
  });

  it.each([
    [new URL('file:///a'), new URL('file:///b')],
    [Buffer.from('a'), Buffer.from('b')],
    [() => 1, () => 1],
    [['a'], { 0: 'a' }],
    [{ a: 1 }, { b: 1 }],
    [null, {}],
    ['1', 1],
    [new Date(1), new Date(2)],
    [new Map([[1, 2]]), new Map([[1, 3]])],
  ])('%o and %o are not equal', (a, b) => {
    expect(isEqual({ a }, { a: b })).toBe(false);
    expect(isEqual({ a }, { a })).toBe(true);
  });
});

it('two certificates are not equal', async () => {
  const [a, b] = await Promise.all(['a', 'b'].map(async (name) => (await issue(authority, name)).cert));
  expect(isEqual([new X509Certificate(a!)], [new X509Certificate(b!)])).toBe(false);
});

function copy(value: unknown): unknown {
  if (value instanceof URL) return new URL(value);
  if (value instanceof Uint8Array) return Uint8Array.from(value);
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copy(each)]));
}
