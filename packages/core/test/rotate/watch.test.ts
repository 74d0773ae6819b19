import fs, { readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type Authority, createAuthority, startServer, type TestServer } from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Credentials, loadCredentials, type WatchOptions } from '../../src/index.ts';
import {
  atomicRename,
  certbot,
  certbotLive,
  certManagerKeystore,
  type Delivery,
  inPlace,
  issue,
  kubernetes,
  next,
  releases,
  removedAndBack,
  request,
  scratch,
  seen,
  spiffeHelper,
  treeRemovedAndBack,
  wholeDirectory,
} from './scene.ts';

let authority: Authority;
let server: TestServer;
beforeAll(async () => {
  authority = await createAuthority();
  server = await startServer({ authority, host: 'localhost' });
});
afterAll(() => server.close());
beforeEach(() => {
  server.requests.length = 0;
});

function load(directory: string, watch: boolean | WatchOptions = { settle: 30 }): Promise<Credentials> {
  return loadCredentials({
    certificates: {
      bank: {
        cert: join(directory, 'tls.crt'),
        key: join(directory, 'tls.key'),
        ca: authority.certificate,
      },
    },
    hosts: { [`localhost:${server.port}`]: 'bank' },
    watch,
  });
}

const deliveries: Readonly<Record<string, Delivery>> = {
  'rewritten in place': inPlace,
  'replaced by an atomic rename': atomicRename,
  'mounted by Kubernetes': kubernetes,
  'linked by certbot': certbot,
  'deleted and back': removedAndBack,
  'in a directory that is replaced as a whole': wholeDirectory,
  'in a directory that is a link to a release': releases,
  'with their directories deleted and back': treeRemovedAndBack,
};

describe.each(Object.entries(deliveries))('files %s', (_, deliver) => {
  it('are swapped, and the server sees the new certificate', async () => {
    await using directory = await scratch();
    const live = join(directory.path, 'live', 'bank');
    await mkdir(live, { recursive: true });
    const [first, second, third] = await Promise.all(['one', 'two', 'three'].map((n) => issue(authority, n)));
    await deliver(live, first!);
    await using credentials = await load(live);
    const agent = credentials.agent();
    credentials.on('error', () => {}); // deletion is one, for a while
    await request(credentials, server.url, agent);
    for (const renewed of [second!, third!]) {
      const [event] = await Promise.all([next(credentials, 'rotate'), deliver(live, renewed)]);
      expect(event).toMatchObject({ name: 'bank', current: renewed.fingerprint256 });
      await request(credentials, server.url, agent);
    }
    expect(seen(server)).toEqual([first, second, third].map((each) => each!.fingerprint256));
    expect(credentials.certificates()[0]).toMatchObject({ version: 3, error: null, failedSince: null });
  });
});

it('files that one link leads to are read a few at a time when it is moved, and all are swapped', async () => {
  await using directory = await scratch();
  const [first, second] = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
  await kubernetes(directory.path, first!);
  const [cert, key] = ['tls.crt', 'tls.key'].map((name) => join(directory.path, name));
  let reading = 0;
  let most = 0;
  const source = async () => {
    reading += 1;
    most = Math.max(most, reading);
    await new Promise((resolve) => setTimeout(resolve, 5));
    reading -= 1;
    return { cert: cert!, key: key!, ca: authority.certificate };
  };
  const names = Array.from({ length: 60 }, (_, index) => `bank ${index}`);
  await using credentials = await loadCredentials({
    certificates: Object.fromEntries(names.map((name) => [name, source])),
    hosts: { [`localhost:${server.port}`]: names.at(-1)! },
    watch: { settle: 30 },
  });
  credentials.on('warning', () => {}).on('error', () => {});
  most = 0;
  await kubernetes(directory.path, second!);
  const renewed = () => credentials.certificates().filter(({ version }) => version === 2);
  await expect.poll(() => renewed().length, { timeout: 5000 }).toBe(names.length);
  expect(most).toBeLessThanOrEqual(16);
  await request(credentials, server.url);
  expect(seen(server)).toEqual([second!.fingerprint256]);
});

it('what has changed is swapped, however many functions whose files have changed never answer', async () => {
  await using directory = await scratch();
  const [first, second] = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
  const [own, shared] = ['own.pem', 'shared.pem'].map((name) => join(directory.path, name));
  const put = (path: string, { fullChain, key }: NonNullable<typeof first>) =>
    writeFile(path, fullChain + key);
  await Promise.all([put(own!, first!), put(shared!, first!)]);
  let asked = 0;
  const silent = () => (asked++ < 20 ? { cert: shared! } : new Promise<never>(() => {}));
  const names = Array.from({ length: 20 }, (_, index) => `silent ${index}`);
  await using credentials = await loadCredentials({
    certificates: {
      ...Object.fromEntries(names.map((name) => [name, silent])),
      own: { cert: own!, ca: authority.certificate },
    },
    hosts: { [`localhost:${server.port}`]: 'own' },
    watch: { settle: 30 },
  });
  credentials.on('warning', () => {}).on('error', () => {});
  await put(shared!, second!);
  await expect.poll(() => asked).toBeGreaterThanOrEqual(36);
  const [rotated] = await Promise.all([next(credentials, 'rotate'), put(own!, second!)]);
  expect(rotated).toMatchObject({ name: 'own', current: second!.fingerprint256 });
  await request(credentials, server.url);
  expect(seen(server)).toEqual([second!.fingerprint256]);
});

/** How a directory is delivered, and what is written in the config beside it. */
const layouts: Readonly<Record<string, readonly [Delivery, { passphrase?: string; ca?: 'given' }]>> = {
  'kubernetes.io/tls': [kubernetes, { ca: 'given' }],
  'a cert-manager keystore': [certManagerKeystore, { passphrase: 'keystore passphrase' }],
  'SPIFFE helper': [spiffeHelper, {}],
  'certbot, in live/': [certbotLive, { ca: 'given' }],
};

it.each(Object.entries(layouts))(
  '{ dir } in the layout of %s is swapped as it is delivered',
  async (_, [deliver, { passphrase, ca }]) => {
    await using directory = await scratch();
    const live = join(directory.path, 'live', 'bank');
    await mkdir(live, { recursive: true });
    const issuer = await authority.issueAuthority({ name: 'Issuer' });
    const [first, second, third] = await Promise.all(['one', 'two', 'three'].map((n) => issue(issuer, n)));
    await deliver(live, first!);
    await using credentials = await loadCredentials({
      certificates: { bank: { dir: live, passphrase, ca: ca && authority.certificate } },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      watch: { settle: 30 },
    });
    credentials.on('error', () => {}); // a key that is written before its certificate is one, for a while
    await request(credentials, server.url);
    for (const renewed of [second!, third!]) {
      const [event] = await Promise.all([next(credentials, 'rotate'), deliver(live, renewed)]);
      expect(event.current).toBe(renewed.fingerprint256);
      await request(credentials, server.url);
    }
    expect(seen(server)).toEqual([first, second, third].map((each) => each!.fingerprint256));
    expect(credentials.certificates()[0]).toMatchObject({ version: 3, chainLength: 2, error: null });
  },
);

it('a change that brings no events is found by polling', async () => {
  await using directory = await scratch();
  const [first, second] = await Promise.all(['one', 'two'].map((n) => issue(authority, n)));
  const [above, beside] = [join(directory.path, 'above'), join(directory.path, 'beside')];
  for (const [place, certificate] of [
    [above, first!],
    [beside, second!],
  ] as const) {
    await mkdir(join(place, 'live', 'bank'), { recursive: true });
    await inPlace(join(place, 'live', 'bank'), certificate);
  }
  await using blind = await load(join(above, 'live', 'bank'), { pollInterval: 600, settle: 10 });
  await using polling = await load(join(above, 'live', 'bank'), { pollInterval: 0.2, settle: 10 });
  await new Promise((resolve) => setTimeout(resolve, 150));
  const found = next(polling, 'rotate');
  const missed = next(blind, 'rotate', 1000);
  // Two levels above the files: no watcher looks there.
  await rename(above, `${above}-old`);
  await rename(beside, above);
  expect(await found).toMatchObject({ current: second!.fingerprint256 });
  await expect(missed).rejects.toThrow('no rotate');
});

it.skipIf(process.platform !== 'linux')(
  'as many directories are watched after many swaps as before, and none after close()',
  async () => {
    await using directory = await scratch();
    await kubernetes(directory.path, await issue(authority, 'first'));
    const without = countWatches();
    const credentials = await loadCredentials({
      certificates: { bank: { dir: directory.path } },
      hosts: { 'api.bank.example': 'bank' },
      watch: { settle: 5 },
    });
    const watched = () => countWatches() - without;
    for (let swap = 0; swap < 10; swap++) {
      const renewed = await issue(authority, 'renewed');
      await Promise.all([next(credentials, 'rotate'), kubernetes(directory.path, renewed)]);
      // The mount, the directory above it, and the version that is live.
      await expect.poll(watched).toBe(3);
    }
    await credentials.close();
    await expect.poll(watched).toBe(0);
  },
);

/** How many directories this process watches, as the kernel counts. */
function countWatches(): number {
  const descriptors = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(join('/proc/self/fdinfo', fd), 'utf8');
    } catch {
      return ''; // that of the directory itself
    }
  });
  return descriptors.join('').match(/^inotify /gm)?.length ?? 0;
}

it('where the system gives no watchers, files are polled, also those that are replaced time and again', async () => {
  await using directory = await scratch();
  await kubernetes(directory.path, await issue(authority, 'first'));
  const { watch } = fs;
  fs.watch = () => {
    throw Object.assign(new Error('System limit for number of file watchers reached'), { code: 'ENOSPC' });
  };
  syncBuiltinESMExports();
  try {
    await using credentials = await load(directory.path, { pollInterval: 0.2, settle: 10 });
    for (const name of ['second', 'third']) {
      const renewed = await issue(authority, name);
      const [event] = await Promise.all([next(credentials, 'rotate'), kubernetes(directory.path, renewed)]);
      expect(event).toMatchObject({ current: renewed.fingerprint256 });
    }
  } finally {
    fs.watch = watch;
    syncBuiltinESMExports();
  }
});

describe('what is no renewal', () => {
  it.each<[string, (directory: string) => Promise<void>, string]>([
    [
      'half-written',
      async (directory) => {
        const renewed = await issue(authority, 'renewed');
        await writeFile(join(directory, 'tls.crt'), renewed.fullChain.slice(0, 400));
      },
      'ERR_CLIENTCERT_',
    ],
    [
      'mismatched',
      async (directory) => writeFile(join(directory, 'tls.key'), (await issue(authority, 'other')).key),
      'ERR_CLIENTCERT_KEY_MISMATCH',
    ],
    [
      'garbage',
      (directory) => writeFile(join(directory, 'tls.crt'), '<html>502 Bad Gateway</html>'),
      'ERR_CLIENTCERT_',
    ],
    ['empty', (directory) => writeFile(join(directory, 'tls.key'), ''), 'ERR_CLIENTCERT_FILE_EMPTY'],
    ['deleted', (directory) => rm(join(directory, 'tls.crt')), 'ERR_CLIENTCERT_FILE_NOT_FOUND'],
    [
      'expired',
      async (directory) => inPlace(directory, await authority.issue({ name: 'late', expired: true })),
      'ERR_CLIENTCERT_RENEWAL_REJECTED',
    ],
    [
      'not yet valid',
      async (directory) => inPlace(directory, await authority.issue({ name: 'early', notYetValid: true })),
      'ERR_CLIENTCERT_RENEWAL_REJECTED',
    ],
    [
      'no client’s',
      async (directory) => inPlace(directory, await authority.issue({ name: 'server', usage: 'server' })),
      'ERR_CLIENTCERT_RENEWAL_REJECTED',
    ],
  ])('%s material never replaces a good certificate, and a good one does at once', async (_, spoil, code) => {
    await using directory = await scratch();
    const first = await issue(authority, 'first');
    await inPlace(directory.path, first);
    await using credentials = await load(directory.path);
    const rotations: unknown[] = [];
    credentials.on('rotate', (event) => rotations.push(event));
    const [error] = await Promise.all([next(credentials, 'error'), spoil(directory.path)]);
    expect(error).toMatchObject({ code: expect.stringContaining(code) });
    expect(error.message).toContain('certificate "bank"');
    expect(rotations).toEqual([]);
    const [info] = credentials.certificates();
    expect(info).toMatchObject({
      version: 1,
      fingerprint256: first.fingerprint256,
      error: expect.objectContaining({ code: expect.stringContaining(code), message: error.message }),
      failedSince: expect.any(Date),
    });
    expect(credentials.health()).toMatchObject({
      status: 'warning',
      reasons: [{ certificate: 'bank', code: 'RENEWAL_FAILED' }],
    });
    await request(credentials, server.url);
    expect(seen(server)).toEqual([first.fingerprint256]);

    const good = await issue(authority, 'good');
    const [event] = await Promise.all([next(credentials, 'rotate'), inPlace(directory.path, good)]);
    expect(event).toMatchObject({ previous: first.fingerprint256, current: good.fingerprint256 });
    expect(credentials.certificates()[0]).toMatchObject({ error: null, failedSince: null });
    expect(credentials.health().status).toBe('ok');
  });

  it('the same certificate, written again, is none', async () => {
    await using directory = await scratch();
    const first = await issue(authority, 'first');
    await inPlace(directory.path, first);
    await using credentials = await load(directory.path);
    await inPlace(directory.path, first);
    await expect(next(credentials, 'rotate', 500)).rejects.toThrow('no rotate');
    expect(credentials.certificates()[0]!.version).toBe(1);
  });

  it.skipIf(process.platform === 'win32' || process.getuid?.() === 0)('unreadable', async () => {
    await using directory = await scratch();
    await inPlace(directory.path, await issue(authority, 'first'));
    await using credentials = await load(directory.path);
    const [error] = await Promise.all([
      next(credentials, 'error'),
      chmod(join(directory.path, 'tls.key'), 0),
    ]);
    expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_FILE_UNREADABLE' });
  });
});

describe('what is watched', () => {
  it('nothing, with watch: false', async () => {
    await using directory = await scratch();
    await inPlace(directory.path, await issue(authority, 'first'));
    await using credentials = await load(directory.path, false);
    await inPlace(directory.path, await issue(authority, 'second'));
    await expect(next(credentials, 'rotate', 600)).rejects.toThrow('no rotate');
    expect(await credentials.reload()).toMatchObject({ changed: ['bank'] });
  });

  it('nothing, with watch: false, also where reload() has failed', async () => {
    await using directory = await scratch();
    const first = await issue(authority, 'first');
    await inPlace(directory.path, first);
    await using credentials = await load(directory.path, false);
    credentials.on('error', () => {});
    await writeFile(join(directory.path, 'tls.key'), 'garbage');
    expect(await credentials.reload()).toMatchObject({ failed: [{ name: 'bank' }] });
    const second = await issue(authority, 'second');
    await inPlace(directory.path, second);
    await expect(next(credentials, 'rotate', 1200)).rejects.toThrow('no rotate');
    expect(credentials.certificates()[0]).toMatchObject({ fingerprint256: first.fingerprint256 });
    expect(await credentials.reload()).toMatchObject({ changed: ['bank'] });
  });

  it('a change between loading and watching is not lost', async () => {
    await using directory = await scratch();
    await inPlace(directory.path, await issue(authority, 'first'));
    await using credentials = await load(directory.path);
    const rotated = next(credentials, 'rotate');
    await atomicRename(directory.path, await issue(authority, 'second')); // in the same turn, as good as
    await rotated;
  });

  it('a mounted directory, with what appears in it later', async () => {
    await using directory = await scratch();
    const first = await issue(authority, 'first');
    await kubernetes(directory.path, first);
    await using credentials = await loadCredentials({
      certificates: { bank: { dir: directory.path } },
      hosts: { [`localhost:${server.port}`]: 'bank' },
      watch: { settle: 30 },
    });
    await expect(request(credentials, server.url)).rejects.toThrow(); // the server's root is not known yet
    const [event] = await Promise.all([
      next(credentials, 'rotate'),
      writeFile(join(directory.path, 'ca.crt'), authority.certificate),
    ]);
    expect(event).toMatchObject({
      previous: first.fingerprint256,
      current: first.fingerprint256,
      version: 2,
    });
    await request(credentials, server.url);
    expect(seen(server)).toEqual([first.fingerprint256]);
  });

  it('the roots of a rule', async () => {
    await using directory = await scratch();
    const other = await createAuthority();
    const roots = join(directory.path, 'roots.pem');
    await writeFile(roots, other.certificate);
    await using open = await startServer({ authority, host: 'localhost', clientCertificate: 'none' });
    await using credentials = await loadCredentials({
      hosts: { [`localhost:${open.port}`]: { ca: roots } },
      watch: { settle: 30 },
    });
    const agent = credentials.agent();
    await expect(request(credentials, open.url, agent)).rejects.toThrow();
    await writeFile(roots, authority.certificate);
    await expect
      .poll(() => request(credentials, open.url, agent).then(() => 'answered', String))
      .toBe('answered');
  });
});
