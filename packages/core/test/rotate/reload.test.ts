import { X509Certificate } from 'node:crypto';
import fs, { writeFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { pem } from '../../src/enrolment.ts';
import { type Config, loadCredentials } from '../../src/index.ts';
import { sourceOf, timesIn } from '../support.ts';
import { inPlace, issue, next, request, scratch, seen } from './scene.ts';

let authority: Authority;
/** Two ports of one host, both of which demand a certificate. */
let server: TestServer;
beforeAll(async () => {
  authority = await createAuthority();
  server = await startServer({ authority, host: 'localhost', listeners: [{}, {}] });
});
afterAll(() => server.close());
beforeEach(() => {
  server.requests.length = 0;
});

/** alice at the first port, bob at the second, from files in a directory. */
async function deliver(directory: string) {
  const [alice, bob] = await Promise.all([issue(authority, 'alice'), issue(authority, 'bob')]);
  const files = { alice: await alice.files(directory), bob: await bob.files(directory) };
  const hosts: Record<string, 'alice' | 'bob'> = {
    [`localhost:${server.ports[0]}`]: 'alice',
    [`localhost:${server.ports[1]}`]: 'bob',
  };
  const config = {
    certificates: {
      alice: { cert: files.alice.cert, key: files.alice.key, ca: files.alice.ca },
      bob: { cert: files.bob.cert, key: files.bob.key, ca: files.alice.ca },
    },
    hosts,
    watch: false,
  };
  return { alice, bob, files, config };
}

describe('reload()', () => {
  it('swaps what has changed and reports the rest', async () => {
    await using directory = await scratch();
    const { alice, config } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    const agent = credentials.agent();
    await request(credentials, server.urls[0]!, agent);
    await request(credentials, server.urls[1]!, agent);
    expect(await credentials.reload()).toEqual({ changed: [], unchanged: ['alice', 'bob'], failed: [] });

    const renewed = await issue(authority, 'alice');
    await renewed.files(directory.path);
    const rotated = next(credentials, 'rotate');
    expect(await credentials.reload()).toEqual({ changed: ['alice'], unchanged: ['bob'], failed: [] });
    expect(await rotated).toEqual({
      name: 'alice',
      version: 2,
      previous: alice.fingerprint256,
      current: renewed.fingerprint256,
    });
    await request(credentials, server.urls[0]!, agent);
    await request(credentials, server.urls[1]!, agent);
    expect(seen(server)[2]).toBe(renewed.fingerprint256);
    // bob's connection was kept, alice's was not.
    const connections = server.requests.map(({ connection }) => connection);
    expect(connections[3]).toBe(connections[1]);
    expect(connections[2]).not.toBe(connections[0]);
  });

  it('keeps what cannot be read, says so, and swaps the others', async () => {
    await using directory = await scratch();
    const { alice, files, config } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    credentials.on('error', () => {});
    await writeFile(files.alice.key, 'not a key');
    const renewed = await issue(authority, 'bob');
    await renewed.files(directory.path);
    const report = await credentials.reload();
    expect(report).toMatchObject({ changed: ['bob'], unchanged: [], failed: [{ name: 'alice' }] });
    expect(report.failed[0]!.error).toMatchObject({ code: expect.stringContaining('ERR_CLIENTCERT_') });
    await request(credentials, server.urls[0]!);
    await request(credentials, server.urls[1]!);
    expect(seen(server)).toEqual([alice.fingerprint256, renewed.fingerprint256]);
  });

  it('reads what was written before it was called, also while another reading is under way', async () => {
    await using directory = await scratch();
    const { config, files } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    for (let round = 0; round < 5; round++) {
      const renewed = await issue(authority, 'alice');
      const early = credentials.reload();
      credentials.on('error', () => {});
      await inPlace(directory.path, renewed);
      await writeFile(files.alice.cert, renewed.fullChain);
      await writeFile(files.alice.key, renewed.key);
      await credentials.reload();
      await early;
      expect(credentials.certificates()[0]!.fingerprint256).toBe(renewed.fingerprint256);
    }
  });

  it('is refused after close()', async () => {
    await using directory = await scratch();
    const { config } = await deliver(directory.path);
    const credentials = await loadCredentials(config);
    await credentials.close();
    await expect(credentials.reload()).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CLOSED' });
    expect(credentials.health()).toMatchObject({ status: 'error', reasons: [{ code: 'CLOSED' }] });
  });

  it.each(['reload()', 'reload(config)'])('is refused where close() comes during it: %s', async (which) => {
    const source = sourceOf(await issue(authority, 'alice'), authority);
    const gate = newGate();
    let asked = 0;
    const read = async () => {
      if (asked++ > 0) await gate.passed;
      return source;
    };
    const config = { certificates: { alice: read }, hosts: { 'api.bank.example': 'alice' as const } };
    const credentials = await loadCredentials(config);
    const another = { ...config, certificates: { alice: () => read() } };
    const reloading = which === 'reload()' ? credentials.reload() : credentials.reload(another);
    await expect.poll(() => asked).toBe(2);
    await credentials.close();
    gate.open();
    await expect(reloading).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_CLOSED' });
  });
});

it('a listener may close what tells it: nothing is read any more', async () => {
  const [first, second] = await Promise.all(['first', 'second'].map((name) => issue(authority, name)));
  let asked = 0;
  const sourceFor = (issued: IssuedCertificate) => () => {
    asked += 1;
    return { ...sourceOf(issued, authority), refresh: 1 };
  };
  const configOf = (issued: IssuedCertificate) => ({
    certificates: { alice: sourceFor(issued) },
    hosts: { 'api.bank.example': 'alice' as const },
  });
  const credentials = await loadCredentials(configOf(first!));
  let closed: Promise<void> | undefined;
  credentials.on('rotate', () => {
    closed = credentials.close();
  });
  await expect(credentials.reload(configOf(second!))).rejects.toMatchObject({
    code: 'ERR_CLIENTCERT_CLOSED',
  });
  await closed;
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect(asked).toBe(2);
});

function newGate(): { passed: Promise<void>; open: () => void } {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

describe('reload(config)', () => {
  it('takes a new config whole; what is the same keeps its connections', async () => {
    await using directory = await scratch();
    const { alice, config } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    const agent = credentials.agent();
    await request(credentials, server.urls[0]!, agent);
    await request(credentials, server.urls[1]!, agent);
    const carol = await issue(authority, 'carol');
    const { bob: _, ...others } = config.certificates;
    const report = await credentials.reload({
      ...config,
      certificates: {
        alice: { ...others.alice },
        carol: { cert: carol.fullChain, key: carol.key, ca: authority.certificate },
      },
      hosts: { [`localhost:${server.ports[0]}`]: 'alice', [`localhost:${server.ports[1]}`]: 'carol' },
    });
    expect(report).toEqual({ changed: ['carol'], unchanged: ['alice'], failed: [] });
    expect(credentials.certificates().map(({ name }) => name)).toEqual(['alice', 'carol']);
    await request(credentials, server.urls[0]!, agent);
    await request(credentials, server.urls[1]!, agent);
    expect(seen(server).slice(2)).toEqual([alice.fingerprint256, carol.fingerprint256]);
    const connections = server.requests.map(({ connection }) => connection);
    expect(connections[2]).toBe(connections[0]);
    expect(connections[3]).not.toBe(connections[1]);
  });

  it('closes idle connections of a host that is now another certificate’s, or nobody’s', async () => {
    await using directory = await scratch();
    const { config } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    const agent = credentials.agent();
    await request(credentials, server.urls[0]!, agent);
    await request(credentials, server.urls[1]!, agent);
    const idle = () => Object.values(agent.freeSockets).flat().length;
    expect(idle()).toBe(2);
    const [first, second] = server.ports.map((port) => `localhost:${port}`);
    await credentials.reload({ ...config, hosts: { [first!]: 'alice', [second!]: 'alice' } });
    await expect.poll(idle).toBe(1);
    await credentials.reload({ ...config, hosts: { [second!]: 'alice' } });
    await expect.poll(idle).toBe(0);
  });

  it('closes idle connections once, however many renewals come before they are closed', async () => {
    await using directory = await scratch();
    const listeners = Array.from({ length: 20 }, () => ({}));
    await using many = await startServer({
      authority,
      host: 'localhost',
      clientCertificate: 'none',
      listeners,
    });
    const ca = join(directory.path, 'roots.pem');
    await writeFile(ca, authority.certificate);
    const hosts = Object.fromEntries(many.ports.map((port) => [`localhost:${port}`, { ca }]));
    await using credentials = await loadCredentials({ hosts, watch: false });
    const agent = credentials.agent();
    await Promise.all(many.urls.map((url) => request(credentials, url, agent)));
    const idle = Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []);
    const listening: number[] = [];
    for (const socket of idle)
      socket.on('newListener', (event) =>
        listening.push(event === 'close' ? socket.listenerCount(event) : 0),
      );
    await writeFile(ca, authority.certificate + (await createAuthority()).certificate);
    expect((await credentials.reload()).changed).toHaveLength(20);
    await expect.poll(() => idle.every(({ closed }) => closed)).toBe(true);
    // Node warns of a leak from eleven on.
    expect(Math.max(...listening)).toBeLessThan(6);
    await Promise.all(many.urls.map((url) => request(credentials, url, agent)));
    expect(new Set(many.requests.map(({ connection }) => connection)).size).toBe(40);
  });

  it('reads again the files that have changed, by the rules of a renewal', async () => {
    await using directory = await scratch();
    const { config, files } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    credentials.on('error', () => {});
    const renewed = await issue(authority, 'alice');
    await renewed.files(directory.path);
    await writeFile(files.bob.cert, 'garbage');
    const report = await credentials.reload({ ...config });
    expect(report).toMatchObject({ changed: ['alice'], unchanged: [], failed: [{ name: 'bob' }] });
    await (await issue(authority, 'bob')).files(directory.path);
    expect(await credentials.reload({ ...config })).toMatchObject({ changed: ['bob'], failed: [] });
  });

  it('reads again the roots of rules and of the proxy where their files have changed', async () => {
    await using directory = await scratch();
    const { config } = await deliver(directory.path);
    const other = await createAuthority();
    const [rule, proxy] = ['rule', 'proxy'].map((name) => join(directory.path, `${name}.pem`));
    for (const path of [rule!, proxy!]) await writeFile(path, authority.certificate);
    const [first, second] = server.ports.map((port) => `localhost:${port}`);
    const { alice, bob } = config.certificates;
    const trusting = {
      ...config,
      certificates: { alice: { ...alice, ca: undefined }, bob },
      hosts: { [first!]: { certificate: 'alice', trust: 'only', ca: rule! }, [second!]: 'bob' },
      proxy: { url: 'https://127.0.0.1:1', ca: proxy! },
    } as const;
    await using credentials = await loadCredentials(trusting);
    const agent = credentials.agent({ proxy: false });
    for (const url of server.urls) await request(credentials, url, agent);
    for (const path of [rule!, proxy!]) await writeFile(path, other.certificate);
    expect(await credentials.reload({ ...trusting })).toEqual({
      changed: [`hosts["${first}"]: ca`, 'proxy: ca'],
      unchanged: ['alice', 'bob'],
      failed: [],
    });
    await expect(request(credentials, server.urls[0]!, agent)).rejects.toMatchObject({
      code: 'SELF_SIGNED_CERT_IN_CHAIN',
    });
    await request(credentials, server.urls[1]!, agent);
    const [, kept, again] = server.requests.map(({ connection }) => connection);
    expect(again).toBe(kept);
    await writeFile(rule!, 'garbage');
    credentials.on('error', () => {});
    expect(await credentials.reload({ ...trusting })).toMatchObject({
      changed: [],
      failed: [{ name: `hosts["${first}"]: ca` }],
    });
  });

  it.each<[string, Config['watch'], Config['watch']]>([
    ['watched from the new config on', false, { settle: 3000 }],
    ['watched in another way', { settle: 3000 }, { settle: 2000 }],
    ['not watched yet, as they have just been loaded', { settle: 3000 }, { settle: 3000 }],
  ])('reads again what has changed where files are %s', async (_, before, after) => {
    await using directory = await scratch();
    const { config, files } = await deliver(directory.path);
    const renewed = await issue(authority, 'alice');
    await using credentials = await loadCredentials({ ...config, watch: before });
    writeFileSync(files.alice.cert, renewed.cert);
    writeFileSync(files.alice.key, renewed.key);
    expect(await credentials.reload({ ...config, watch: after })).toEqual({
      changed: ['alice'],
      unchanged: ['bob'],
      failed: [],
    });
    await request(credentials, server.urls[0]!);
    expect(seen(server)).toEqual([renewed.fingerprint256]);
  });

  it('reads again what has changed where files are watched and the system tells nothing of it', async () => {
    await using directory = await scratch();
    const [above, beside] = [join(directory.path, 'above'), join(directory.path, 'beside')];
    for (const place of [above, beside]) await mkdir(join(place, 'live'), { recursive: true });
    const { config } = await deliver(join(above, 'live'));
    const { alice } = await deliver(join(beside, 'live'));
    const root = join(above, 'live', 'root.pem');
    await writeFile(root, authority.certificate);
    await writeFile(join(beside, 'live', 'root.pem'), (await createAuthority()).certificate);
    const [first, second] = server.ports.map((port) => `localhost:${port}`);
    const hosts = { [first!]: 'alice', [second!]: { certificate: 'bob', trust: 'only', ca: root } } as const;
    const { alice: renewed, bob } = config.certificates;
    const certificates = { alice: renewed, bob: { ...bob, ca: undefined } };
    const watched = { certificates, hosts, watch: true };
    await using credentials = await loadCredentials(watched);
    await new Promise((resolve) => setTimeout(resolve, 100)); // until the watchers are there
    // Two levels above the files: no watcher looks there.
    await rename(above, `${above}-old`);
    await rename(beside, above);
    expect(await credentials.reload({ ...watched })).toMatchObject({
      changed: ['alice', 'bob', `hosts["${second}"]: ca`],
      failed: [],
    });
    await request(credentials, server.urls[0]!);
    expect(seen(server)).toEqual([alice.fingerprint256]);
    await expect(request(credentials, server.urls[1]!)).rejects.toMatchObject({
      code: 'SELF_SIGNED_CERT_IN_CHAIN',
    });
  });

  it('waits for a file system that does not answer as long as for any reading', async () => {
    await using directory = await scratch();
    const { config, files } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    credentials.on('error', () => {});
    const { stat } = fs.promises;
    const asked = vi.fn((path: string) => (path === files.bob.cert ? new Promise(() => {}) : stat(path)));
    fs.promises.stat = asked as typeof stat;
    syncBuiltinESMExports();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const reloading = credentials.reload({ ...config });
      await vi.waitFor(() => expect(asked).toHaveBeenCalledWith(files.bob.cert));
      await vi.advanceTimersByTimeAsync(120_000);
      expect(await reloading).toEqual({ changed: [], unchanged: ['bob', 'alice'], failed: [] });
      const closing = expect(credentials.reload({ ...config })).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_CLOSED',
      });
      await vi.waitFor(() =>
        expect(asked.mock.calls.filter(([path]) => path === files.bob.cert)).toHaveLength(2),
      );
      await credentials.close();
      await closing;
    } finally {
      vi.useRealTimers();
      fs.promises.stat = stat;
      syncBuiltinESMExports();
    }
  });

  // Elsewhere the system takes its time to tell.
  const onLinux = it.skipIf(process.platform !== 'linux');
  onLinux('reads again what was written just before, also where files are watched', async () => {
    await using directory = await scratch();
    const { config, files } = await deliver(directory.path);
    const watched = { ...config, watch: true };
    await using credentials = await loadCredentials(watched);
    await new Promise((resolve) => setTimeout(resolve, 100)); // until the watchers are there
    const renewed = await issue(authority, 'alice');
    writeFileSync(files.alice.cert, renewed.cert);
    writeFileSync(files.alice.key, renewed.key);
    expect(await credentials.reload({ ...watched })).toEqual({
      changed: ['alice'],
      unchanged: ['bob'],
      failed: [],
    });
    await request(credentials, server.urls[0]!);
    expect(seen(server)).toEqual([renewed.fingerprint256]);
  });

  it.each<[string, (config: Config) => Config, string]>([
    ['malformed', (config) => ({ ...config, hosts: { 'a b': 'alice' } }), 'ERR_CLIENTCERT_HOST_INVALID'],
    [
      'naming a file that is not there',
      (config) => ({ ...config, certificates: { ...config.certificates, eve: { pfx: 'nowhere.pfx' } } }),
      'ERR_CLIENTCERT_FILE_NOT_FOUND',
    ],
    [
      'naming a certificate that it does not hold',
      (config) => ({ ...config, hosts: { 'api.bank.example': 'eve' } }),
      'ERR_CLIENTCERT_CERTIFICATE_UNKNOWN',
    ],
  ])('rejects one that is %s, and nothing has changed', async (_, spoil, code) => {
    await using directory = await scratch();
    const { alice, config } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    const agent = credentials.agent();
    await request(credentials, server.urls[0]!, agent);
    const before = JSON.stringify(credentials.certificates());
    await expect(credentials.reload(spoil(config))).rejects.toMatchObject({ code });
    expect(JSON.stringify(credentials.certificates())).toBe(before);
    await request(credentials, server.urls[0]!, agent);
    expect(seen(server)).toEqual([alice.fingerprint256, alice.fingerprint256]);
    expect(server.requests[1]!.connection).toBe(server.requests[0]!.connection);
  });

  it('rejects an expired certificate in place of a valid one', async () => {
    await using directory = await scratch();
    const { config } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    const late = await authority.issue({ name: 'late', expired: true });
    const alice = { cert: late.fullChain, key: late.key };
    await expect(
      credentials.reload({ ...config, certificates: { ...config.certificates, alice } }),
    ).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_RENEWAL_REJECTED' });
  });

  it('follows the files of the new config, and no longer those of the old', async () => {
    await using directory = await scratch();
    await using elsewhere = await scratch();
    const { config } = await deliver(directory.path);
    await using credentials = await loadCredentials({ ...config, watch: { settle: 20 } });
    await inPlace(elsewhere.path, await issue(authority, 'alice'));
    const alice = { cert: join(elsewhere.path, 'tls.crt'), key: join(elsewhere.path, 'tls.key') };
    await credentials.reload({
      ...config,
      certificates: { ...config.certificates, alice },
      watch: { settle: 20 },
    });
    await (await issue(authority, 'alice')).files(directory.path);
    await expect(next(credentials, 'rotate', 400)).rejects.toThrow('no rotate');
    const renewed = await issue(authority, 'alice');
    const [event] = await Promise.all([next(credentials, 'rotate'), inPlace(elsewhere.path, renewed)]);
    expect(event).toMatchObject({ name: 'alice', current: renewed.fingerprint256 });
  });

  it('leaves in use what was renewed while the new config was read', async () => {
    await using directory = await scratch();
    const { config } = await deliver(directory.path);
    const roots = join(directory.path, 'roots.pem');
    await writeFile(roots, (await createAuthority()).certificate);
    await using open = await startServer({ authority, host: 'localhost', clientCertificate: 'none' });
    const rule = { hosts: { ...config.hosts, [`localhost:${open.port}`]: { ca: roots } } };
    const watched = { ...config, ...rule, watch: { settle: 20 } };
    await using credentials = await loadCredentials(watched);
    const gate = newGate();
    const carol = async () => {
      await gate.passed;
      return sourceOf(await issue(authority, 'carol'), authority);
    };
    const reloading = credentials.reload({
      ...watched,
      certificates: { ...config.certificates, carol },
    });
    const renewed = await issue(authority, 'alice');
    const rotated = next(credentials, 'rotate');
    await writeFile(roots, authority.certificate);
    await renewed.files(directory.path);
    await rotated;
    await expect.poll(() => request(credentials, open.url).then(() => 'answered', String)).toBe('answered');
    gate.open();
    expect(await reloading).toMatchObject({ changed: ['carol'], failed: [] });
    await request(credentials, open.url);
    await request(credentials, server.urls[0]!);
    expect(seen(server)).toEqual([renewed.fingerprint256]);
  });

  it('takes other roots for the proxy', async () => {
    const [client, stranger] = await Promise.all([issue(authority, 'client'), createAuthority()]);
    await using proxy = await startProxy({ authority, tls: true });
    const configOf = (root: string) => ({
      certificates: { bank: sourceOf(client, authority) },
      hosts: { [`localhost:${server.ports[0]}`]: 'bank' as const },
      proxy: { url: proxy.url, ca: root },
    });
    await using credentials = await loadCredentials(configOf(stranger.certificate));
    await expect(request(credentials, server.urls[0]!)).rejects.toThrow('self-signed certificate');
    await credentials.reload(configOf(authority.certificate));
    await request(credentials, server.urls[0]!);
    await credentials.reload(configOf(stranger.certificate));
    await expect(request(credentials, server.urls[0]!)).rejects.toThrow('self-signed certificate');
  });

  it('keeps no contexts of configs that are long gone', async () => {
    await using directory = await scratch();
    const { config } = await deliver(directory.path);
    await using credentials = await loadCredentials(config);
    const first = adapterOf(credentials).profileId(server.urls[0]!);
    const contexts: WeakRef<object>[] = [];
    for (let round = 0; round < 20; round++) {
      const other = await createAuthority();
      await credentials.reload({
        ...config,
        hosts: { ...config.hosts, 'other.example': { certificate: 'alice', ca: other.certificate } },
      });
      contexts.push(new WeakRef(credentials.connectOptions('https://other.example').secureContext));
      expect(adapterOf(credentials).profileId(server.urls[0]!)).toBe(first);
    }
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await expect
      .poll(() => {
        collect();
        return contexts.filter((context) => context.deref() !== undefined).length;
      })
      .toBeLessThanOrEqual(2); // that of the config, and of the one before
  });
});

describe('attack: files that stop the process', () => {
  /** Each is read by OpenSSL, and makes no sense to whoever looks at it. */
  const damages: [what: string, damage: (der: Buffer) => void][] = [
    ['ends at no date', (der) => der.write('x', timesIn(der).notAfter)],
    ['begins at no date', (der) => der.write('x', timesIn(der).notBefore)],
    [
      'has an extension that goes past its end',
      (der) =>
        der.writeUInt8(0x7f, der.indexOf(Buffer.from('0302', 'hex'), der.indexOf('551d0f', 'hex')) + 1),
    ],
  ];

  it.each(damages)('a root of a rule that %s is none, and what was in use stays', async (_, damage) => {
    await using directory = await scratch();
    const { alice, config } = await deliver(directory.path);
    const certificates = { alice: config.certificates.alice };
    const file = join(directory.path, 'roots.pem');
    const der = Buffer.from(new X509Certificate(authority.certificate).raw);
    damage(der);
    const damaged = pem('CERTIFICATE', der);
    expect(() => new X509Certificate(damaged)).not.toThrow();
    const corrupt = { code: 'ERR_CLIENTCERT_FILE_CORRUPT', message: expect.stringContaining(': ca: ') };
    const hosts = {
      [`localhost:${server.ports[0]}`]: { certificate: 'alice', ca: file, trust: 'only' },
    } as const;
    await writeFile(file, damaged);
    await expect(loadCredentials({ certificates, hosts, watch: false })).rejects.toMatchObject(corrupt);

    await writeFile(file, authority.certificate);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    try {
      await using credentials = await loadCredentials({ certificates, hosts, watch: false });
      credentials.on('error', () => {});
      await new Promise((resolve) => setImmediate(resolve));
      await writeFile(file, `${authority.certificate}${damaged}`);
      const { failed } = await credentials.reload();
      expect(failed).toEqual([expect.objectContaining({ error: expect.objectContaining(corrupt) })]);
      expect(credentials.health()).toMatchObject({ reasons: [{ code: 'RENEWAL_FAILED' }] });
      // When everything is looked at for its end.
      vi.advanceTimersByTime(2 * 60 * 60 * 1000);
      expect(vi.getTimerCount()).toBeGreaterThan(0);
      vi.useRealTimers();
      await request(credentials, server.urls[0]!);
      expect(seen(server)).toEqual([alice.fingerprint256]);
    } finally {
      vi.useRealTimers();
    }
  });
});
