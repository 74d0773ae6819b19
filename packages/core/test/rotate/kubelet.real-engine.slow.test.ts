import { chmod, link, mkdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type ClientCertificateError,
  type Credentials,
  loadCredentials,
  type WatchOptions,
} from '../../src/index.ts';
import { isThere, memory, secretOf, startKubelet } from './kubelet.ts';
import { issue, next, request, scratch, seen } from './scene.ts';

/** How many renewals there are under load; more with `ROTATIONS=500`. */
const wanted = Number(process.env.ROTATIONS ?? 40);
/** Within how many milliseconds a certificate is presented from when it was written, on a busy machine. */
const bound = 10_000;

describe.skipIf(!isThere)("a secret that the kubelet's own writer mounts", () => {
  let authority: Authority;
  let server: TestServer;
  beforeAll(async () => {
    authority = await createAuthority();
    server = await startServer({ authority, host: 'localhost' });
  });
  afterAll(() => server?.close());
  beforeEach(() => {
    server.requests.length = 0;
  });

  /** A mounted secret and the credentials of the pod that mounts it. */
  async function mount(
    first: IssuedCertificate,
    { mode, watch = {} }: { mode?: string; watch?: boolean | WatchOptions } = {},
  ) {
    const directory = await scratch(memory);
    const kubelet = startKubelet(directory.path, mode === undefined ? {} : { mode });
    await kubelet.write(secretOf(first));
    const credentials = await load(directory.path, watch);
    const errors: Error[] = [];
    credentials.on('error', (error) => errors.push(error));
    return {
      directory: directory.path,
      write: kubelet.write,
      credentials,
      errors,
      async [Symbol.asyncDispose]() {
        await credentials.close();
        await kubelet[Symbol.asyncDispose]();
        await directory[Symbol.asyncDispose]();
      },
    };
  }

  async function load(dir: string, watch: boolean | WatchOptions = {}): Promise<Credentials> {
    const certificates = { bank: { dir } };
    const hosts = { [`localhost:${server.port}`]: 'bank' } as const;
    const credentials = await loadCredentials({ certificates, hosts, watch });
    return credentials.on('warning', () => {});
  }

  it(`is renewed ${wanted} times under load: no request fails, nothing is mixed, each is presented in time`, async () => {
    const versions = new Map<string | undefined, number>();
    const renew = async () => {
      const issued = await issue(authority, 'bank');
      versions.set(issued.fingerprint256, versions.size + 1);
      return issued;
    };
    await using pod = await mount(await renew());
    let [published, isUnderWay] = [1, true];
    const agents = [pod.credentials.agent(), pod.credentials.agent({ keepAlive: false })];
    const send = async (index: number) => {
      const agent = agents[index % agents.length]!;
      while (isUnderWay) await request(pod.credentials, `${server.url}/?version=${published}`, agent);
    };
    const delays: number[] = [];
    const rotate = async () => {
      while (versions.size <= wanted) {
        const issued = await renew();
        const rotated = next(pod.credentials, 'rotate');
        const started = performance.now();
        await pod.write(secretOf(issued));
        expect((await rotated).current).toBe(issued.fingerprint256);
        // From here on whatever is sent is sent as this version.
        published = versions.size;
        await request(pod.credentials, `${server.url}/?version=${published}`, agents[1]!);
        delays.push(performance.now() - started);
        await pause(Math.random() * 50);
      }
      isUnderWay = false;
    };
    await Promise.all([...Array.from({ length: 8 }, (_, index) => send(index)), rotate()]);

    const identities = new Map<number, string>();
    for (const { url, connection, clientCertificate } of server.requests) {
      const version = versions.get(clientCertificate?.fingerprint256) ?? -1;
      expect(version).toBeGreaterThanOrEqual(Number(new URL(url, server.url).searchParams.get('version')));
      // A connection has one identity for all its life.
      expect(identities.get(connection) ?? clientCertificate?.fingerprint256).toBe(
        clientCertificate?.fingerprint256,
      );
      identities.set(connection, clientCertificate!.fingerprint256);
    }
    expect(new Set(seen(server)).size).toBe(versions.size);
    // It read no half of anything, not even once.
    expect(pod.errors).toEqual([]);
    expect(delays).toHaveLength(wanted);
    expect(Math.max(...delays)).toBeLessThan(bound);
    if (process.env.ROTATIONS) {
      delays.sort((a, b) => a - b);
      const [median, last] = [delays[Math.floor(wanted / 2)]!, delays.at(-1)!].map(Math.round);
      console.log(`${server.requests.length} requests, presented after ${median} ms, at most ${last} ms`);
    }
  }, 600_000);

  it('is one file with the key and the chain, as a pod certificate is projected', async () => {
    const [first, second] = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
    const bundleOf = ({ key, fullChain }: IssuedCertificate) => ({ 'bank.pem': key + fullChain });
    await using directory = await scratch(memory);
    await using kubelet = startKubelet(directory.path);
    await kubelet.write(bundleOf(first!));
    await using credentials = await loadCredentials({
      certificates: { bank: { cert: join(directory.path, 'bank.pem'), ca: authority.certificate } },
      hosts: { [`localhost:${server.port}`]: 'bank' },
    });
    credentials.on('warning', () => {});
    await request(credentials, server.url);
    await Promise.all([next(credentials, 'rotate'), kubelet.write(bundleOf(second!))]);
    await request(credentials, server.url);
    expect(seen(server)).toEqual([first!.fingerprint256, second!.fingerprint256]);
  });

  it('is replaced while it is being read: one of the two versions is read, whole', async () => {
    const pair = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
    await using pod = await mount(pair[0]!, { watch: false });
    for (let round = 1; round <= 400; round++) {
      const late = pause(Math.random() * 4).then(() => pod.write(secretOf(pair[round % 2]!)));
      const [report] = await Promise.all([pod.credentials.reload(), late]);
      expect(report.failed).toEqual([]);
    }
    await pod.credentials.reload();
    await request(pod.credentials, server.url);
    expect(seen(server)).toEqual([pair[0]!.fingerprint256]);
  }, 180_000);

  it('is replaced without a pause: what was read last stays until one is whole, and none is mixed', async () => {
    const pair = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
    await using pod = await mount(pair[0]!, { watch: { settle: 10 } });
    const until = performance.now() + 3000;
    let writes = 0;
    const codes = new Set<string>();
    const write = async () => {
      while (performance.now() < until) await pod.write(secretOf(pair[++writes % 2]!));
    };
    const read = async () => {
      while (performance.now() < until) {
        const { failed } = await pod.credentials.reload();
        for (const { error } of failed) codes.add((error as ClientCertificateError).code);
      }
    };
    const send = async () => {
      const agent = pod.credentials.agent({ keepAlive: false });
      while (performance.now() < until) await request(pod.credentials, server.url, agent);
    };
    await Promise.all([write(), read(), send(), send()]);
    // Three versions in a row may go while one is read; that is said, and is no pair of two versions.
    codes.delete('ERR_CLIENTCERT_FILE_NOT_FOUND');
    expect([...codes]).toEqual([]);
    expect(writes).toBeGreaterThan(100);
    const last = await issue(authority, 'last');
    await pod.write(secretOf(last));
    await expect
      .poll(() => pod.credentials.certificates()[0])
      .toMatchObject({ fingerprint256: last.fingerprint256, error: null });
  });

  it('is renewed under the same key: the certificate alone changes', async () => {
    const first = await issue(authority, 'bank');
    const second = await authority.issue({ name: 'bank', key: first.key });
    expect(second.key).toBe(first.key);
    await using pod = await mount(first);
    await request(pod.credentials, server.url);
    await Promise.all([next(pod.credentials, 'rotate'), pod.write(secretOf(second))]);
    await request(pod.credentials, server.url);
    expect(seen(server)).toEqual([first.fingerprint256, second.fingerprint256]);
    expect(pod.errors).toEqual([]);
  });

  it('loses its key, and gets one back: the old pair is presented meanwhile, and an error says why', async () => {
    const [first, second] = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
    await using pod = await mount(first!);
    const { 'tls.key': key, ...halved } = secretOf(second!);
    const [error] = await Promise.all([next(pod.credentials, 'error'), pod.write(halved)]);
    expect(error).toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' });
    await request(pod.credentials, server.url);
    await Promise.all([next(pod.credentials, 'rotate'), pod.write({ ...halved, 'tls.key': key! })]);
    await request(pod.credentials, server.url);
    expect(seen(server)).toEqual([first!.fingerprint256, second!.fingerprint256]);
    expect(pod.credentials.health().status).toBe('ok');
  });

  it('loses its roots, and gets them back: meanwhile they are not trusted', async () => {
    const [first, second] = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
    await using pod = await mount(first!);
    await request(pod.credentials, server.url);
    const { 'ca.crt': _, ...without } = secretOf(first!);
    await Promise.all([next(pod.credentials, 'rotate'), pod.write(without)]);
    await expect(request(pod.credentials, server.url)).rejects.toThrow();
    await pod.write(secretOf(second!));
    await expect
      .poll(() => request(pod.credentials, server.url).then(() => 'answered', String))
      .toBe('answered');
    expect(seen(server)).toEqual([first!.fingerprint256, second!.fingerprint256]);
  });

  it.each([
    ['0400', []],
    ['0440', ['KEY_FILE_READABLE']],
    ['0644', ['KEY_FILE_READABLE']],
  ])('has the mode %s: warnings %j, also once it is renewed', async (mode, codes) => {
    const [first, second] = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
    await using pod = await mount(first!, { mode });
    const warnings = () => pod.credentials.certificates()[0]!.warnings.map(({ code }) => code);
    expect(warnings()).toEqual(codes);
    await Promise.all([next(pod.credentials, 'rotate'), pod.write(secretOf(second!))]);
    expect(warnings()).toEqual(codes);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'belongs to root and fsGroup, whatever its mode: an app of another user reads it through its group, and without one does not',
    async () => {
      const [first, second] = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
      await using directory = await scratch(memory);
      await chmod(directory.path, 0o711);
      const [shared, closed] = [join(directory.path, 'shared'), join(directory.path, 'closed')];
      for (const path of [shared, closed]) await mkdir(path);
      await using kubelet = startKubelet(shared, { mode: '0400', group: 12_000 });
      await using other = startKubelet(closed);
      for (const each of [kubelet, other]) await each.write(secretOf(first!));
      await asUser(12_000, async () => {
        await expect(load(closed)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FILE_UNREADABLE' });
        await using credentials = await load(shared);
        await request(credentials, server.url);
        await Promise.all([next(credentials, 'rotate'), kubelet.write(secretOf(second!))]);
        await request(credentials, server.url);
      });
      expect(seen(server)).toEqual([first!.fingerprint256, second!.fingerprint256]);
    },
  );

  it('is mounted file by file, with subPath: a renewal never comes, and the old pair goes on', async () => {
    const [first, second] = await Promise.all(['one', 'two'].map((name) => issue(authority, name)));
    await using directory = await scratch(memory);
    const [volume, container] = [join(directory.path, 'volume'), join(directory.path, 'container')];
    for (const path of [volume, container]) await mkdir(path);
    await using kubelet = startKubelet(volume);
    await kubelet.write(secretOf(first!));
    // The kubelet binds the file that the name leads to now: another name of that file is the same to its reader.
    const version = join(volume, await readlink(join(volume, '..data')));
    for (const name of ['tls.crt', 'tls.key', 'ca.crt'])
      await link(join(version, name), join(container, name));
    await using whole = await load(volume, { pollInterval: 0.1 });
    await using bound = await load(container, { pollInterval: 0.1 });
    const rotated = next(bound, 'rotate', 1500);
    await Promise.all([next(whole, 'rotate'), kubelet.write(secretOf(second!))]);
    await expect(rotated).rejects.toThrow('no rotate');
    await request(whole, server.url);
    await request(bound, server.url);
    expect(seen(server)).toEqual([second!.fingerprint256, first!.fingerprint256]);
  });
});

/** Does something as another user and group of this machine, and as no member of any other group. */
async function asUser(id: number, work: () => Promise<void>): Promise<void> {
  const groups = process.getgroups!();
  process.setgroups!([id]);
  process.setegid!(id);
  process.seteuid!(id);
  try {
    await work();
  } finally {
    process.seteuid!(0);
    process.setegid!(0);
    process.setgroups!(groups);
  }
}
