import { once } from 'node:events';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type CertificateSource,
  ClientCertificateError,
  type FileSource,
  loadCredentials,
  readCertificate,
  type SourceCall,
} from '../../src/index.ts';
import { Feed } from '../../src/rotate/feed.ts';
import { Renewal } from '../../src/rotate/renewal.ts';
import { inPlace, issue, next, request, scratch, seen } from './scene.ts';

let authority: Authority;
let certificates: IssuedCertificate[];
beforeAll(async () => {
  authority = await createAuthority();
  certificates = await Promise.all(['a', 'b', 'c', 'd'].map((name) => issue(authority, name)));
});

const sourceOf = ({ fullChain, key }: IssuedCertificate): FileSource => ({
  cert: fullChain,
  key,
  ca: authority.certificate,
});
const hosts = { 'api.bank.example': 'bank' } as const;
const thrown = (): never => {
  throw new Error('by whoever wrote it');
};
const refused = { cert: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' };

/** An engine that pushes: every call of `source` opens a stream that gets what is pushed from then on. */
function createEngine(first: FileSource) {
  let latest: FileSource | undefined = first;
  const streams = new Set<(next: IteratorResult<FileSource> | Error) => void>();
  const engine = {
    calls: 0,
    returned: 0,
    aborted: 0,
    get open() {
      return streams.size;
    },
    push(next: FileSource | Error | undefined) {
      if (next && !(next instanceof Error)) latest = next;
      const told = next instanceof Error ? next : { done: next === undefined, value: next as FileSource };
      for (const tell of [...streams]) tell(told as IteratorResult<FileSource>);
    },
    source({ signal }: SourceCall): AsyncIterable<FileSource> {
      engine.calls += 1;
      signal.addEventListener('abort', () => {
        engine.aborted += 1;
      });
      const queue: (IteratorResult<FileSource> | Error)[] = latest ? [{ done: false, value: latest }] : [];
      let wake = () => {};
      const tell = (next: IteratorResult<FileSource> | Error) => {
        queue.push(next);
        wake();
      };
      streams.add(tell);
      return {
        [Symbol.asyncIterator]: () => ({
          async next() {
            while (queue.length === 0) {
              await new Promise<void>((resolve) => {
                wake = resolve;
              });
            }
            const told = queue.shift()!;
            if (told instanceof Error) throw told;
            return told;
          },
          async return() {
            engine.returned += 1;
            streams.delete(tell);
            return { done: true, value: undefined };
          },
        }),
      };
    },
  };
  return engine;
}

describe('an async iterable as the source', () => {
  it('presents each version that it yields from then on, and keeps connections where it is the same again', async () => {
    await using server = await startServer({ authority, host: 'localhost' });
    const engine = createEngine(sourceOf(certificates[0]!));
    await using credentials = await loadCredentials({
      certificates: { bank: engine.source },
      hosts: { 'localhost:*': 'bank' },
    });
    const agent = credentials.agent();
    await request(credentials, server.url, agent);
    for (const certificate of certificates.slice(1, 3)) {
      const rotated = next(credentials, 'rotate');
      engine.push(sourceOf(certificate));
      expect(await rotated).toMatchObject({ current: certificate.fingerprint256 });
      await request(credentials, server.url, agent);
    }
    expect(seen(server)).toEqual(certificates.slice(0, 3).map(({ fingerprint256 }) => fingerprint256));
    const rotations = vi.fn();
    credentials.on('rotate', rotations);
    engine.push(sourceOf(certificates[2]!));
    engine.push(sourceOf(certificates[3]!));
    await expect.poll(() => rotations.mock.calls.length).toBe(1);
    await request(credentials, server.url, agent);
    expect(rotations.mock.calls).toMatchObject([[{ version: 4, current: certificates[3]!.fingerprint256 }]]);
    expect(engine).toMatchObject({ calls: 1, returned: 0, aborted: 0 });
    agent.destroy();
  });

  it('a version that is refused is told of, and the next one is taken', async () => {
    await using server = await startServer({ authority, host: 'localhost' });
    const engine = createEngine(sourceOf(certificates[0]!));
    await using credentials = await loadCredentials({
      certificates: { bank: engine.source },
      hosts: { 'localhost:*': 'bank' },
    });
    const failed = next(credentials, 'error');
    const [a, b] = certificates as [IssuedCertificate, IssuedCertificate];
    engine.push({ cert: a.fullChain, key: b.key });
    expect(await failed).toMatchObject({ code: 'ERR_CLIENTCERT_KEY_MISMATCH' });
    expect(credentials.health()).toMatchObject({ status: 'warning', reasons: [{ code: 'RENEWAL_FAILED' }] });
    await request(credentials, server.url);
    const rotated = next(credentials, 'rotate');
    engine.push(sourceOf(b));
    await rotated;
    await request(credentials, server.url);
    expect(seen(server)).toEqual([a.fingerprint256, b.fingerprint256]);
    expect(credentials.health().status).toBe('ok');
    expect(engine.calls).toBe(1);
  });

  it.each([
    [
      'fails',
      new Error('the agent restarts'),
      'iterable that its function returned failed',
      'the agent restarts',
    ],
    ['ends', undefined, 'iterable that its function returned has ended', undefined],
  ])(
    'where it %s, that is told, the version in use stays, and another is opened',
    async (_, end, said, cause) => {
      await using server = await startServer({ authority, host: 'localhost' });
      const engine = createEngine(sourceOf(certificates[0]!));
      await using credentials = await loadCredentials({
        certificates: { bank: engine.source },
        hosts: { 'localhost:*': 'bank' },
        watch: false,
      });
      const failed = next(credentials, 'error');
      engine.push(end);
      const error = await failed;
      expect(error).toMatchObject({
        code: 'ERR_CLIENTCERT_FILE_UNREADABLE',
        message: expect.stringMatching(new RegExp(`^certificate "bank".*${said}$`)),
      });
      expect((error.cause as Error | undefined)?.message).toBe(cause);
      expect(credentials.health()).toMatchObject({
        status: 'warning',
        reasons: [{ code: 'RENEWAL_FAILED' }],
      });
      await request(credentials, server.url);
      await expect.poll(() => engine.calls).toBe(2);
      await expect.poll(() => credentials.health().status).toBe('ok');
      expect(engine).toMatchObject({ returned: 1, aborted: 1, open: 1 });
      const rotated = next(credentials, 'rotate');
      engine.push(sourceOf(certificates[1]!));
      await rotated;
      await request(credentials, server.url);
      expect(seen(server)).toEqual(certificates.slice(0, 2).map(({ fingerprint256 }) => fingerprint256));
    },
  );

  it('one that ends soon each time is opened less and less often', async () => {
    const times: number[] = [];
    const failed = vi.fn();
    const feed = new Feed(async function* () {
      times.push(Date.now());
      yield { pfx: 'bank.pfx' };
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'Date', 'performance'] });
    const renewal = new Renewal<FileSource>(
      'bank',
      {
        name: 'bank',
        feed,
        read: async (signal) => ({ value: await feed.ask({ signal }), files: [] }),
        take: () => false,
      },
      { files: [] },
      { watched: () => {}, failed, isWatching: () => false },
    );
    try {
      await renewal.renew();
      await vi.advanceTimersByTimeAsync(600_000);
      const waits = times.slice(1).map((time, index) => time - times[index]!);
      expect(times.length).toBeGreaterThan(6 + 600_000 / 62_000);
      expect(times.length).toBeLessThan(9 + 600_000 / 30_000);
      expect(waits[0]).toBeLessThan(1600);
      expect(Math.max(...waits)).toBeGreaterThan(30_000);
      expect(failed.mock.calls.length).toBeGreaterThanOrEqual(times.length - 1);
    } finally {
      renewal.close();
      vi.useRealTimers();
    }
  });

  it('close() ends it: its signal aborts, return() is called, and what it yields afterwards is nothing', async () => {
    const engine = createEngine(sourceOf(certificates[0]!));
    const credentials = await loadCredentials({ certificates: { bank: engine.source }, hosts });
    const told = vi.fn();
    credentials.on('rotate', told).on('error', told);
    engine.push(sourceOf(certificates[1]!));
    const { push } = engine;
    await credentials.close();
    expect(engine).toMatchObject({ returned: 1, aborted: 1, open: 0 });
    push(sourceOf(certificates[2]!));
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(told).not.toHaveBeenCalled();
    expect(engine.calls).toBe(1);
    expect(credentials.certificates()[0]!.fingerprint256).toBe(certificates[0]!.fingerprint256);
  });

  it.each<[string, () => unknown]>([
    ['hangs', () => new Promise(() => {})],
    ['rejects', () => Promise.reject(new Error('not now'))],
    [
      'throws',
      () => {
        throw new Error('not now');
      },
    ],
  ])('close() waits for no return() that %s', async (_, end) => {
    const source = sourceOf(certificates[0]!);
    let asked = 0;
    const iterator = {
      next: () => (asked++ === 0 ? Promise.resolve({ value: source }) : new Promise<never>(() => {})),
      return: end as () => Promise<IteratorResult<FileSource>>,
    };
    const credentials = await loadCredentials({
      certificates: { bank: () => ({ [Symbol.asyncIterator]: () => iterator }) },
      hosts,
    });
    await credentials.close();
    expect(credentials.health().reasons[0]).toMatchObject({ code: 'CLOSED' });
  });

  it('close() while another is being opened ends that one', async () => {
    const source = sourceOf(certificates[0]!);
    const signals: AbortSignal[] = [];
    const credentials = await loadCredentials({
      certificates: {
        bank: async function* ({ signal }: SourceCall) {
          signals.push(signal);
          if (signals.length === 1) yield source;
          else await new Promise(() => {});
        },
      },
      hosts,
    });
    credentials.on('error', () => {});
    await expect.poll(() => signals.length).toBe(2);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    await credentials.close();
    expect(signals[1]!.aborted).toBe(true);
  });

  it('reload() while it waits reads the latest again, and opens no second one', async () => {
    await using directory = await scratch();
    await inPlace(directory.path, certificates[0]!);
    const engine = createEngine({ dir: directory.path });
    await using credentials = await loadCredentials({
      certificates: { bank: engine.source },
      hosts,
      watch: false,
    });
    expect(await credentials.reload()).toEqual({ changed: [], unchanged: ['bank'], failed: [] });
    await inPlace(directory.path, certificates[1]!);
    expect(await credentials.reload()).toMatchObject({ changed: ['bank'] });
    expect(engine).toMatchObject({ calls: 1, open: 1 });
  });

  it('reload() reads the latest again, whatever has been written into its bytes', async () => {
    const bytes = Buffer.from(`${certificates[0]!.fullChain}${certificates[0]!.key}`);
    let ask = () => {};
    const asked = new Promise<void>((resolve) => {
      ask = resolve;
    });
    await using credentials = await loadCredentials({
      certificates: {
        async *bank({ signal }) {
          yield { cert: bytes, ca: authority.certificate };
          bytes.fill(0);
          ask();
          await once(signal, 'abort');
        },
      },
      hosts,
    });
    await asked;
    expect(await credentials.reload()).toEqual({ changed: [], unchanged: ['bank'], failed: [] });
  });

  it('files that it names are watched', async () => {
    await using directory = await scratch();
    await inPlace(directory.path, certificates[0]!);
    const engine = createEngine({ dir: directory.path });
    await using credentials = await loadCredentials({
      certificates: { bank: engine.source },
      hosts,
      watch: { settle: 20 },
    });
    const [event] = await Promise.all([
      next(credentials, 'rotate'),
      inPlace(directory.path, certificates[1]!),
    ]);
    expect(event).toMatchObject({ current: certificates[1]!.fingerprint256 });
    expect(engine.calls).toBe(1);
  });

  it('reload() opens one at once where the last one ended', async () => {
    const engine = createEngine(sourceOf(certificates[0]!));
    await using credentials = await loadCredentials({ certificates: { bank: engine.source }, hosts });
    const failed = next(credentials, 'error');
    engine.push(new Error('down'));
    await failed;
    expect(await credentials.reload()).toMatchObject({ unchanged: ['bank'], failed: [] });
    expect(engine.calls).toBe(2);
  });

  it('a new config keeps what is open where the function is the same, and ends it where it is gone', async () => {
    const engine = createEngine(sourceOf(certificates[0]!));
    const other = createEngine(sourceOf(certificates[1]!));
    await using credentials = await loadCredentials({ certificates: { bank: engine.source }, hosts });
    await credentials.reload({ certificates: { bank: engine.source }, hosts: { 'b.example': 'bank' } });
    expect(engine).toMatchObject({ calls: 1, returned: 0, open: 1 });
    await credentials.reload({ certificates: { bank: other.source }, hosts });
    expect(engine).toMatchObject({ calls: 1, returned: 1, aborted: 1, open: 0 });
    const rotated = next(credentials, 'rotate');
    other.push(sourceOf(certificates[2]!));
    expect(await rotated).toMatchObject({ current: certificates[2]!.fingerprint256 });
  });

  it('a config that is not taken leaves nothing open', async () => {
    const engine = createEngine(sourceOf(certificates[0]!));
    const opened = createEngine(sourceOf(certificates[1]!));
    const broken = { bank: opened.source, tax: { pfx: 'missing.pfx' } };
    const load = () => loadCredentials({ certificates: broken, hosts });
    await expect(load()).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' });
    expect(opened).toMatchObject({ calls: 1, returned: 1, aborted: 1 });
    const badFirst = createEngine(refused);
    await expect(loadCredentials({ certificates: { bank: badFirst.source }, hosts })).rejects.toMatchObject({
      code: expect.stringMatching('^ERR_CLIENTCERT_'),
    });
    expect(badFirst).toMatchObject({ calls: 1, returned: 1, aborted: 1 });
    const credentials = await loadCredentials({ certificates: { bank: engine.source }, hosts });
    await expect(credentials.reload({ certificates: broken, hosts })).rejects.toThrow('missing.pfx');
    expect(opened).toMatchObject({ calls: 2, returned: 2, aborted: 2 });
    expect(engine).toMatchObject({ returned: 0, open: 1 });
    const reloading = credentials.reload({ certificates: { bank: opened.source }, hosts });
    await Promise.all([
      expect(reloading).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CLOSED' }),
      credentials.close(),
    ]);
    expect([engine.open, opened.open]).toEqual([0, 0]);
  });

  it('two credentials over one function have a stream each', async () => {
    const engine = createEngine(sourceOf(certificates[0]!));
    const config = { certificates: { bank: engine.source }, hosts };
    const first = await loadCredentials(config);
    await using second = await loadCredentials(config);
    expect(engine).toMatchObject({ calls: 2, open: 2 });
    await first.close();
    expect(engine.open).toBe(1);
    const rotated = next(second, 'rotate');
    engine.push(sourceOf(certificates[1]!));
    await rotated;
    expect(first.certificates()[0]!.version).toBe(1);
  });

  it('one that could not be loaded at first is opened again (allowBroken)', async () => {
    let calls = 0;
    await using credentials = await loadCredentials({
      certificates: {
        tax: sourceOf(certificates[1]!),
        bank: async function* () {
          calls += 1;
          if (calls === 1) throw new Error('not yet');
          yield sourceOf(certificates[0]!);
          await new Promise(() => {});
        },
      },
      hosts,
      allowBroken: true,
    });
    credentials.on('error', () => {});
    expect(credentials.health().reasons).toMatchObject([{ code: 'LOAD_FAILED' }]);
    await expect.poll(() => credentials.certificates().length).toBe(2);
    expect(credentials.health().reasons.map(({ code }) => code)).not.toContain('LOAD_FAILED');
  });

  it.each<[string, () => AsyncIterable<FileSource>, string]>([
    [
      'fails at once',
      async function* () {
        yield* [];
        throw new Error('no socket');
      },
      'failed',
    ],
    [
      'ends at once',
      async function* () {
        yield* [];
      },
      'has ended',
    ],
    [
      'yields no source',
      async function* () {
        yield 42 as unknown as FileSource;
      },
      'not an object',
    ],
    [
      'is none that works',
      () => ({ [Symbol.asyncIterator]: () => ({ next: () => undefined as never }) }),
      'failed',
    ],
  ])('that %s fails the load', async (_, bank, said) => {
    await expect(loadCredentials({ certificates: { bank }, hosts })).rejects.toMatchObject({
      name: 'ClientCertificateError',
      message: expect.stringMatching(new RegExp(`"bank".*${said}`)),
      hint: expect.any(String),
    });
  });

  it.each<[string, CertificateSource]>([
    [
      'a function',
      () => {
        throw new ClientCertificateError('ERR_CLIENTCERT_FILE_UNREADABLE', 'Vault is sealed', {
          hint: 'Unseal it.',
        });
      },
    ],
    [
      'an iterable',
      async function* () {
        yield* [];
        throw new ClientCertificateError('ERR_CLIENTCERT_FILE_UNREADABLE', 'Vault is sealed', {
          hint: 'Unseal it.',
        });
      },
    ],
  ])('what %s throws that is an error of ours is told in its own words', async (_, bank) => {
    await expect(loadCredentials({ certificates: { bank }, hosts })).rejects.toMatchObject({
      message: expect.stringMatching(/^certificate "bank": Vault is sealed$/),
      hint: 'Unseal it.',
      cause: { message: 'Vault is sealed' },
    });
  });

  it('readCertificate() takes the first, and ends it', async () => {
    const engine = createEngine(sourceOf(certificates[0]!));
    const { certificate } = await readCertificate(engine.source);
    expect(certificate.fingerprint256).toBe(certificates[0]!.fingerprint256);
    expect(engine).toMatchObject({ returned: 1, aborted: 1, open: 0 });
  });

  describe('attack: files that stop the process', () => {
    it('that never yields ends the first load after two minutes, and is told', async () => {
      const signals: AbortSignal[] = [];
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      try {
        const loading = loadCredentials({
          certificates: {
            bank: async function* ({ signal }: SourceCall) {
              signals.push(signal);
              await new Promise(() => {});
              yield { pfx: 'never' };
            },
          },
          hosts,
        });
        const failed = expect(loading).rejects.toMatchObject({ message: /"bank".*120 seconds/ });
        await vi.waitFor(() => expect(signals).toHaveLength(1));
        await vi.advanceTimersByTimeAsync(120_000);
        await failed;
        expect(signals[0]!.aborted).toBe(true);
      } finally {
        vi.useRealTimers();
      }
    });

    const good = { done: false, value: undefined as FileSource | undefined };
    const iterable = (iterator: unknown) => ({ [Symbol.asyncIterator]: () => iterator });
    it.each<[string, () => unknown, string]>([
      ['an iterator that is none', () => iterable(5), 'failed'],
      ['an iterator without next', () => iterable({}), 'failed'],
      ['next() that throws at once', () => iterable({ next: () => thrown() }), 'failed'],
      ['next() that returns nothing', () => iterable({ next: () => undefined }), 'failed'],
      ['next() that returns a text', () => iterable({ next: () => 'x' }), 'not an object'],
      [
        'next() whose result throws',
        () =>
          iterable({
            next: () => ({
              get value() {
                return thrown();
              },
            }),
          }),
        'failed',
      ],
      [
        'a version that is nothing',
        () => iterable({ next: () => ({ done: false, value: null }) }),
        'not an object',
      ],
      [
        'a version that is a promise',
        () => iterable({ next: () => ({ value: Promise.resolve(good) }) }),
        'unknown option',
      ],
      [
        'a version that throws',
        () =>
          iterable({
            next: () => ({
              value: {
                get pfx() {
                  return thrown();
                },
              },
            }),
          }),
        'failed',
      ],
      [
        'an iterable whose iterator cannot be had',
        () => ({
          get [Symbol.asyncIterator]() {
            return thrown();
          },
        }),
        'failed',
      ],
    ])('%s is an error of ours, at first and later', async (_, make, said) => {
      const refused = {
        code: expect.stringMatching(/^ERR_CLIENTCERT_/),
        message: expect.stringMatching(new RegExp(`^certificate "bank".*${said}`)),
        hint: expect.any(String),
      };
      await expect(loadCredentials({ certificates: { bank: make as never }, hosts })).rejects.toMatchObject(
        refused,
      );
      let calls = 0;
      await using credentials = await loadCredentials({
        certificates: { bank: () => (calls++ === 0 ? sourceOf(certificates[0]!) : (make() as never)) },
        hosts,
        watch: false,
      });
      credentials.on('error', () => {});
      expect((await credentials.reload()).failed).toMatchObject([{ name: 'bank', error: refused }]);
      expect(credentials.certificates()[0]!.fingerprint256).toBe(certificates[0]!.fingerprint256);
    });

    it('that yields without end leaves time for everything else', async () => {
      const source = sourceOf(certificates[0]!);
      let yielded = 0;
      await using credentials = await loadCredentials({
        certificates: {
          bank: async function* () {
            for (;;) {
              yielded += 1;
              yield source;
            }
          },
        },
        hosts,
      });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(yielded).toBeLessThan(5);
      expect(credentials.certificates()[0]!.version).toBe(1);
    });
  });

  it('takes what came while the first was still being read, or while the rest of the config was', async () => {
    const [first, second] = certificates.map(sourceOf) as [FileSource, FileSource];
    await using credentials = await loadCredentials({
      certificates: {
        bank: async function* () {
          yield first;
          yield second;
          await new Promise(() => {});
        },
        slow: () => new Promise<FileSource>((resolve) => setTimeout(resolve, 200, first)),
      },
      hosts: { ...hosts, 'b.example': 'slow' },
    });
    credentials.on('warning', () => {});
    await expect
      .poll(() => credentials.certificates()[0]!.fingerprint256)
      .toBe(certificates[1]!.fingerprint256);
  });

  it('that ends while the first is still being read is told of to whoever awaits the credentials', async () => {
    const cert = certificates[0]!.fullChain;
    const key = certificates[0]!.encryptedKey('secret');
    let hand = (_: string) => {};
    const passphrase = new Promise<string>((resolve) => {
      hand = resolve;
    });
    await using credentials = await loadCredentials({
      certificates: {
        bank: async function* ({ isRenewal }) {
          yield { cert, key, passphrase: () => passphrase };
          if (isRenewal) await new Promise(() => {});
          setImmediate(hand, 'secret');
          throw new Error('the engine is gone');
        },
      },
      hosts,
    });
    // As where a program has functions of its own around it.
    for (let turns = 0; turns < 20; turns++) await null;
    credentials.on('warning', () => {});
    const told = vi.fn<(error: ClientCertificateError) => void>();
    credentials.on('error', told);
    await expect.poll(() => told.mock.calls).toHaveLength(1);
    expect(told.mock.calls[0]![0].cause).toMatchObject({ message: 'the engine is gone' });
  });

  it('takes what it yields right before its end', async () => {
    let calls = 0;
    await using credentials = await loadCredentials({
      certificates: {
        bank: async function* () {
          calls += 1;
          yield sourceOf(certificates[calls - 1]!);
          if (calls === 2) await new Promise(() => {});
          await new Promise((resolve) => setTimeout(resolve, 1100));
          yield sourceOf(certificates[2]!);
        },
      },
      hosts,
    });
    const failed = next(credentials, 'error');
    expect(await next(credentials, 'rotate')).toMatchObject({ current: certificates[2]!.fingerprint256 });
    expect(await failed).toMatchObject({ message: expect.stringContaining('has ended') });
    expect(await next(credentials, 'rotate')).toMatchObject({ current: certificates[1]!.fingerprint256 });
  });

  it('whatever happens to it, what is open is what is followed, and at most one', async () => {
    const acts = fc.array(fc.constantFrom('value', 'end', 'fail', 'ask', 'wait'), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(acts, async (script) => {
        const { signal } = new AbortController();
        const engine = createEngine({ pfx: '0' });
        const feed = new Feed(engine.source);
        vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'Date', 'performance'] });
        try {
          let pushed = 0;
          for (const act of script) {
            if (act === 'value') engine.push({ pfx: String(++pushed) });
            if (act === 'end') engine.push(undefined);
            if (act === 'fail') engine.push(new Error('down'));
            if (act === 'wait') await vi.advanceTimersByTimeAsync(5000);
            if (act === 'ask') await feed.ask({ signal }).catch(() => {});
            expect(engine.open).toBeLessThanOrEqual(1);
          }
          await vi.advanceTimersByTimeAsync(60_000);
          // What was not read yet, and its end, come first.
          for (let unread = 0; unread < 2; unread++) await feed.ask({ signal }).catch(() => {});
          expect(await feed.ask({ signal })).toEqual({ pfx: String(pushed) });
          feed.close();
          expect(engine).toMatchObject({ open: 0, returned: engine.calls, aborted: engine.calls });
        } finally {
          vi.useRealTimers();
        }
      }),
      { numRuns: 50 },
    );
  });
});
