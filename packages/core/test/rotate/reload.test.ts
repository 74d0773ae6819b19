import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, createAuthority, type IssuedCertificate, startServer } from '@clientcert/testing';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadCredentials } from '../../src/credentials.ts';
import { get, subjects } from '../support.ts';

let authority: Authority;
let old: IssuedCertificate;
let fresh: IssuedCertificate;
let directory: string;

beforeAll(async () => {
  authority = await createAuthority();
  old = await authority.issue({ name: 'old' });
  fresh = await authority.issue({ name: 'fresh' });
});
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-rotate-'));
  await put(old);
});
afterEach(() => rm(directory, { recursive: true }));

const at = (name: string) => join(directory, name);

/** Writes certificate and key in place. */
async function put(issued: IssuedCertificate): Promise<void> {
  await writeFile(at('tls.crt'), issued.fullChain);
  await writeFile(at('tls.key'), issued.key, { mode: 0o600 });
}

function load(port: number, watch = false) {
  return loadCredentials({
    certificates: {
      bank: { cert: at('tls.crt'), key: at('tls.key'), ca: authority.certificate },
      steady: { cert: old.fullChain, key: old.key, ca: authority.certificate },
    },
    hosts: { [`127.0.0.1:${port}`]: 'bank' },
    services: { Steady: { certificate: 'steady', hosts: [`127.0.0.1:${port}`] } },
    watch,
  });
}

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('reload() over %s', (tls) => {
  it('presents the new certificate at once, resumes nothing of the old, and leaves others their connections', async () => {
    await using server = await startServer({ authority, tls });
    await using credentials = await load(server.port);
    const rotations: unknown[] = [];
    credentials.on('rotate', (rotation) => rotations.push(rotation));
    const agent = credentials.agent();
    const steady = credentials.agent({ service: 'Steady' });
    await get(server.url, { agent });
    await get(server.url, { agent: steady });
    await put(fresh);
    expect(await credentials.reload()).toEqual({ changed: ['bank'], unchanged: ['steady'], failed: [] });
    await get(server.url, { agent });
    await get(server.url, { agent: steady });
    expect(subjects(server)).toEqual(['old', 'old', 'fresh', 'old']);
    expect(server.requests.map(({ connection, resumed }) => [connection, resumed])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [2, false],
    ]);
    expect(rotations).toEqual([
      { name: 'bank', version: 2, previous: old.fingerprint256, current: fresh.fingerprint256 },
    ]);
    expect(credentials.certificates()[0]).toMatchObject({ version: 2, subject: 'CN=fresh', error: null });
    agent.destroy();
    steady.destroy();
  });

  it('lets what is under way and what waits for a socket finish as the old one', async () => {
    await using server = await startServer({ authority, tls });
    await using credentials = await load(server.port);
    const agent = credentials.agent({ maxSockets: 1 });
    const calls = [1, 2, 3].map((call) => get(`${server.url}/delay?ms=60&call=${call}`, { agent }));
    await vi.waitFor(() => expect(server.requests).toHaveLength(1));
    await put(fresh);
    await credentials.reload();
    const after = get(`${server.url}/after`, { agent });
    expect((await Promise.all([...calls, after])).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const seen = server.requests.map(({ path, clientCertificate }) => [path, clientCertificate?.commonName]);
    expect(seen.filter(([path]) => path === '/delay')).toEqual(Array(3).fill(['/delay', 'old']));
    expect(seen.filter(([path]) => path === '/after')).toEqual([['/after', 'fresh']]);
    agent.destroy();
  });
});

it.each([
  ['half-written', () => writeFile(at('tls.crt'), fresh.fullChain.slice(0, 200))],
  ['mismatched', () => writeFile(at('tls.crt'), fresh.fullChain)],
  ['garbage', () => writeFile(at('tls.crt'), '<html>maintenance</html>')],
  ['gone', () => unlink(at('tls.key'))],
  ['expired', async () => put(await authority.issue({ name: 'late', expired: true }))],
])('material that is %s never replaces a good certificate', async (_, spoil) => {
  await using server = await startServer({ authority });
  await using credentials = await load(server.port);
  const errors: Error[] = [];
  credentials.on('error', (error) => errors.push(error));
  const agent = credentials.agent();
  await get(server.url, { agent });
  await spoil();
  const report = await credentials.reload();
  expect(report).toMatchObject({
    changed: [],
    failed: [{ name: 'bank', error: { code: /^ERR_CLIENTCERT_/ } }],
  });
  expect(errors).toEqual([report.failed[0]?.error]);
  expect(credentials.certificates()[0]).toMatchObject({ subject: 'CN=old', version: 1, error: errors[0] });
  await get(server.url, { agent });
  expect(server.connections).toBe(1);
  await put(fresh);
  expect((await credentials.reload()).changed).toEqual(['bank']);
  expect(credentials.certificates()[0]?.error).toBeNull();
  await get(server.url, { agent });
  expect(subjects(server)).toEqual(['old', 'old', 'fresh']);
  agent.destroy();
});

it('an error that nobody listens to is a warning of the process', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await using credentials = await load(443);
  await unlink(at('tls.key'));
  await credentials.reload();
  expect(warn).toHaveBeenCalledWith(expect.objectContaining({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' }));
  warn.mockRestore();
});

it('thousands of requests during a hundred rotations: none fails, none is mixed, nothing grows', async () => {
  await using server = await startServer({ authority });
  await using credentials = await load(server.port);
  const agent = credentials.agent({ maxSockets: 8 });
  let done = false;
  let failures = 0;
  const worker = async () => {
    while (!done) {
      const { status } = await get(server.url, { agent }).catch(() => ({ status: 0 }));
      if (status !== 200) failures += 1;
    }
  };
  const workers = Array.from({ length: 8 }, worker);
  for (let rotation = 0; rotation < 100; rotation++) {
    await put(rotation % 2 === 0 ? fresh : old);
    await credentials.reload();
  }
  done = true;
  await Promise.all(workers);
  expect(failures).toBe(0);
  expect(server.requests.length).toBeGreaterThan(200);
  const byConnection = new Map<number, Set<string | null | undefined>>();
  for (const { connection, clientCertificate } of server.requests) {
    const names = byConnection.get(connection) ?? new Set<string | null | undefined>();
    byConnection.set(connection, names.add(clientCertificate?.commonName));
  }
  expect([...byConnection.values()].every((names) => names.size === 1)).toBe(true);
  await get(`${server.url}/last`, { agent });
  expect(server.requests.at(-1)?.clientCertificate?.commonName).toBe('old');
  expect(Object.values(agent.freeSockets).flat().length).toBeLessThanOrEqual(8);
  expect(Object.keys(agent.sockets)).toEqual([]);
  agent.destroy();
}, 30_000);

describe('watching', () => {
  const rotated = (credentials: Awaited<ReturnType<typeof load>>) =>
    new Promise<string>((resolve) => credentials.on('rotate', ({ current }) => resolve(current)));

  it.each([
    ['a rewrite in place', () => put(fresh)],
    [
      'an atomic rename',
      async () => {
        await writeFile(at('new.key'), fresh.key);
        await writeFile(at('new.crt'), fresh.fullChain);
        await rename(at('new.key'), at('tls.key'));
        await rename(at('new.crt'), at('tls.crt'));
      },
    ],
    [
      'deletion and return',
      async () => {
        await unlink(at('tls.crt'));
        await unlink(at('tls.key'));
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await put(fresh);
      },
    ],
  ])('sees %s', async (_, change) => {
    await using credentials = await load(443, true);
    credentials.on('error', () => {});
    const current = rotated(credentials);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await change();
    expect(await current).toBe(fresh.fingerprint256);
  });

  it('sees the swap of a mounted Kubernetes secret', async () => {
    const generation = async (name: string, issued: IssuedCertificate) => {
      await mkdir(at(name));
      await writeFile(join(at(name), 'tls.crt'), issued.fullChain);
      await writeFile(join(at(name), 'tls.key'), issued.key);
    };
    await generation('..1', old);
    await symlink('..1', at('..data'));
    for (const file of ['tls.crt', 'tls.key']) {
      await unlink(at(file));
      await symlink(join('..data', file), at(file));
    }
    await using credentials = await load(443, true);
    const current = rotated(credentials);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await generation('..2', fresh);
    await symlink('..2', at('..data_tmp'));
    await rename(at('..data_tmp'), at('..data'));
    expect(await current).toBe(fresh.fingerprint256);
  });
});
