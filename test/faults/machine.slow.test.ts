import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { loadCredentials } from '@clientcert/core';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { clientcert } from '../../packages/cli/test/run.ts';
import { buildModules } from '../../packages/core/test/built.ts';
import { createGround, createPeople, nameOf } from '../adapters/ground.ts';
import { clients } from './clients.ts';

let authority: Authority;
let alice: IssuedCertificate;
let bob: IssuedCertificate;
let server: TestServer;
let directory: string;
const at = (name: string) => join(directory, name);

beforeAll(async () => {
  authority = await createAuthority();
  [alice, bob] = await Promise.all([authority.issue({ name: 'alice' }), authority.issue({ name: 'bob' })]);
  server = await startServer({ authority, host: 'localhost' });
});
afterAll(() => server.close());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-faults-'));
  await chmod(directory, 0o755);
  return () => rm(directory, { recursive: true, force: true });
});

describe('a disk that is full', () => {
  /** Some kilobytes of disk, which only root can make, and not in every container. */
  const disk = join(tmpdir(), `clientcert-disk-${process.pid}`);
  let mounted = false;
  beforeAll(async () => {
    await mkdir(disk);
    mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24k', 'tmpfs', disk]).status === 0;
  });
  afterAll(async () => {
    if (mounted) spawnSync('umount', [disk]);
    await rm(disk, { recursive: true, force: true });
  });
  const fill = async () => {
    for (let piece = 4096; piece >= 1; piece = Math.floor(piece / 2))
      for (let full = false; !full; )
        await writeFile(join(disk, 'filler'), Buffer.alloc(piece), { flag: 'a' }).catch(() => {
          full = true;
        });
  };

  it('of a converted file leaves nothing of it, and what was there as it was', async (context) => {
    if (!mounted) return context.skip('this user may mount no file system');
    vi.stubEnv('SECRET', 'hunter2');
    await writeFile(at('alice.pem'), `${alice.key}${alice.fullChain}`);
    await writeFile(join(disk, 'old.pfx'), 'what was there');
    await fill();
    const before = (await readdir(disk)).sort();
    for (const [name, ...force] of [['new.pfx'], ['old.pfx', '--force']]) {
      const to = ['--to', 'pfx', '--out', join(disk, name!), '--out-passphrase-env', 'SECRET', ...force];
      const { code, err } = await clientcert('convert', at('alice.pem'), ...to);
      expect([code, err]).toEqual([1, expect.stringContaining('the disk is full')]);
    }
    expect((await readdir(disk)).sort()).toEqual(before);
    expect(await readFile(join(disk, 'old.pfx'), 'utf8')).toBe('what was there');
    vi.unstubAllEnvs();
  });

  it('changes no program that is migrated', async (context) => {
    if (!mounted) return context.skip('this user may mount no file system');
    const program = (name: string) =>
      `import https from 'node:https';\nimport { readFileSync } from 'node:fs';\n// ${name}\nhttps.get('https://api.bank.example', { pfx: readFileSync('bank.pfx'), passphrase: process.env.SECRET });\n`;
    await rm(join(disk, 'filler'), { force: true });
    for (const name of ['a.mjs', 'b.mjs']) await writeFile(join(disk, name), program(name));
    // Room for the config, which is taken back.
    await fill();
    await truncate(join(disk, 'filler'), (await stat(join(disk, 'filler'))).size - 4096);
    const before = (await readdir(disk)).sort();
    const { code, err } = await clientcert(
      'migrate',
      disk,
      '--write',
      '--force',
      '--config',
      join(disk, 'clientcert.json'),
    );
    expect([code, err]).toEqual([1, expect.stringMatching(/ENOSPC[\s\S]*nothing was\s+changed/)]);
    for (const name of ['a.mjs', 'b.mjs'])
      expect(await readFile(join(disk, name), 'utf8')).toBe(program(name));
    expect((await readdir(disk)).sort()).toEqual(before);
  });

  it('is no reason to replace a device', async () => {
    vi.stubEnv('SECRET', 'hunter2');
    await writeFile(at('alice.pem'), `${alice.key}${alice.fullChain}`);
    expect(spawnSync('mkfifo', [at('pipe')]).status).toBe(0);
    const out = ['--to', 'pfx', '--out', at('pipe'), '--out-passphrase-env', 'SECRET', '--force'];
    const { code, err } = await clientcert('convert', at('alice.pem'), ...out);
    expect([code, err]).toEqual([1, expect.stringContaining('left alone')]);
    expect(spawnSync('test', ['-p', at('pipe')]).status).toBe(0);
    vi.unstubAllEnvs();
  });
});

describe('in a process of its own', () => {
  let built: Awaited<ReturnType<typeof buildModules>>;
  beforeAll(async () => {
    built = await buildModules('core');
  }, 120_000);
  afterAll(() => built[Symbol.asyncDispose]());

  /** Runs a script after what all of them begin with, with so many file descriptors; returns what it tells. */
  async function run(script: string, descriptors = 200): Promise<Record<string, unknown>> {
    await writeFile(at('tls.crt'), alice.fullChain);
    await writeFile(at('tls.key'), alice.key, { mode: 0o600 });
    await writeFile(at('next.crt'), bob.fullChain);
    await writeFile(at('next.key'), bob.key, { mode: 0o600 });
    const path = join(built.path, 'fault.mjs');
    await writeFile(
      path,
      `${BEGIN}${script}\nawait credentials.close();\nconsole.log(JSON.stringify(told));`,
    );
    const settings = {
      directory,
      ca: authority.certificate,
      url: server.url,
      host: `localhost:${server.port}`,
    };
    const child = spawn(
      'sh',
      ['-c', `ulimit -n ${descriptors}; exec "$0" "$@"`, process.execPath, path, JSON.stringify(settings)],
      { stdio: ['ignore', 'pipe', 'pipe'], timeout: 100_000 },
    );
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    expect(err).toBe('');
    return JSON.parse(out);
  }

  const BEGIN = `
import { loadCredentials, ClientCertificateError } from './core.mjs';
import fs from 'node:fs';
import https from 'node:https';
const { directory, ca, url, host } = JSON.parse(process.argv[2]);
const told = {};
const file = (name) => directory + '/' + name;
const credentials = await loadCredentials({
  certificates: { bank: { cert: file('tls.crt'), key: file('tls.key'), ca } }, hosts: { [host]: 'bank' },
  watch: { settle: 20, pollInterval: 3600 },
});
credentials.on('warning', () => {}).on('error', (error) => { told.event ??= error.code; });
const agent = credentials.agent({ keepAlive: false });
const call = () => new Promise((resolve) => https.get(url, { agent }, (response) => response.resume().on('end', () => resolve(response.statusCode))).on('error', (error) => resolve(error.code)));
const until = async (holds) => { for (let left = 2000; !holds() && left > 0; left--) await new Promise((resolve) => setTimeout(resolve, 10)); };
const code = (promise) => promise.then((value) => value?.failed?.[0]?.error?.code ?? value?.errors?.[0]?.code ?? 'none', (error) => error.code);
const name = () => credentials.certificates()[0].subject;
const replace = () => { for (const end of ['crt', 'key']) fs.renameSync(file('next.' + end), file('tls.' + end)); };
told.first = await call();
`;

  it('no file descriptor is left: each call and each reading says so, and the next ones go through', {
    timeout: 120_000,
  }, async () => {
    const told = await run(`
const held = [];
const take = () => { try { for (;;) held.push(fs.openSync('/dev/null')); } catch (error) { told.full = error.code; } };
// With what is still being given back, until that is all of it.
const exhaust = async () => {
  take();
  for (let before = 0; before < held.length; take()) {
    before = held.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};
await exhaust();
told.call = await call();
await exhaust();
told.reload = await code(credentials.reload());
told.health = credentials.health().reasons.map((reason) => reason.code).join();
replace();
await until(() => told.event);
told.kept = name();
for (const each of held.splice(0)) fs.closeSync(each);
told.afterwards = await call();
told.reloaded = await code(credentials.reload());
told.renewed = name();
told.last = await call();
`);
    expect(told).toMatchObject({
      first: 200,
      full: 'EMFILE',
      call: 'EMFILE',
      event: 'ERR_CLIENTCERT_FILE_UNREADABLE',
      health: 'RENEWAL_FAILED',
      afterwards: 200,
      last: 200,
    });
    expect(told.reload).toMatch(/FILE_UNREADABLE/);
    expect([told.kept, told.renewed]).toEqual([
      expect.stringContaining('alice'),
      expect.stringContaining('bob'),
    ]);
    expect(server.requests.slice(-3).map(nameOf)).toEqual(['alice', 'alice', 'bob']);
  });

  it('a file may not be read any more, and then is gone: what was read is kept, and the process told', {
    timeout: 120_000,
  }, async (context) => {
    if (process.getuid?.() !== 0) context.skip('only root can be another user for a while');
    const told = await run(`
fs.chmodSync(file('tls.key'), 0);
process.seteuid(65534);
told.unreadable = await code(credentials.reload());
told.stillAsBefore = await call();
process.seteuid(0);
fs.rmSync(file('tls.key'));
told.gone = await code(credentials.reload());
told.stillThere = await call();
told.fresh = await code(loadCredentials({ certificates: { bank: { cert: file('tls.crt'), key: file('tls.key') } }, hosts: { 'a.example': 'bank' } }));
replace();
told.back = await code(credentials.reload());
told.last = await call();
told.name = name();
`);
    expect(told).toMatchObject({
      first: 200,
      stillAsBefore: 200,
      stillThere: 200,
      last: 200,
      name: expect.stringContaining('bob'),
    });
    expect(told.unreadable).toMatch(/FILE_UNREADABLE/);
    expect([told.gone, told.fresh]).toEqual(Array(2).fill(expect.stringMatching(/FILE_NOT_FOUND/)));
  });
});

describe('a clock that jumps', () => {
  it('is told as it is found, and no call waits for it', { timeout: 120_000 }, async () => {
    const people = await createPeople();
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const [https] = clients;
      await using ground = await createGround(https!, people);
      const bank = await ground.bank();
      const credentials = await ground.load(bank);
      credentials.on('warning', () => {});
      const client = ground.client(credentials);
      const now = Date.now();
      const seen: unknown[] = [];
      for (const years of [0, 30, -30, 0, 8000, -55, 0]) {
        vi.setSystemTime(now + years * 365 * 86_400_000);
        const [info] = credentials.certificates();
        seen.push([years, info?.status, credentials.health().status, (await client.send(bank.url)).status]);
      }
      expect(seen).toEqual(
        [0, 30, -30, 0, 8000, -55, 0].map((years) => [
          years,
          years === 0 ? 'valid' : years > 0 ? 'expired' : 'not yet valid',
          years === 0 ? 'ok' : 'error',
          200,
        ]),
      );
      await credentials.reload();
      expect((await client.send(bank.url)).status).toBe(200);
    } finally {
      vi.useRealTimers();
      await people.remove();
    }
  });

  it('is no reason to take a certificate that was read under another time for a broken one', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      vi.setSystemTime(0);
      await writeFile(at('alice.pem'), `${alice.key}${alice.fullChain}`);
      await using credentials = await loadCredentials({
        certificates: { alice: { cert: at('alice.pem') } },
        hosts: { 'a.example': 'alice' },
      });
      credentials.on('warning', () => {});
      expect(credentials.certificates()[0]?.status).toBe('not yet valid');
      vi.useRealTimers();
      expect(credentials.certificates()[0]?.status).toBe('valid');
      expect(credentials.health().status).toBe('ok');
    } finally {
      vi.useRealTimers();
    }
  });
});
