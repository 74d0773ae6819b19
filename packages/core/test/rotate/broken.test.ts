import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Authority, createAuthority, startServer } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Config, loadCredentials } from '../../src/index.ts';
import { get, sourceOf, subjects } from '../support.ts';
import { inPlace, scratch } from './scene.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

async function ground() {
  const directory = await scratch();
  const good = await authority.issue({ name: 'good' });
  const late = await authority.issue({ name: 'late' });
  const servers = await Promise.all(
    [1, 2].map(() => startServer({ authority, clientCertificate: 'optional' })),
  );
  const [first, second] = servers.map(({ url }) => new URL(url).host);
  const config: Config = {
    certificates: {
      good: sourceOf(good, authority),
      late: {
        cert: join(directory.path, 'tls.crt'),
        key: join(directory.path, 'tls.key'),
        ca: authority.certificate,
      },
    },
    hosts: { [first!]: 'good', [second!]: 'late' },
    watch: false,
  };
  return {
    config,
    servers,
    deliver: () => inPlace(directory.path, late),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server.close()));
      await directory[Symbol.asyncDispose]();
    },
  };
}

describe('a certificate that cannot be read', () => {
  it('is none that the caller’s own onProgress failed at: that refuses the whole config, allowBroken or not', async () => {
    await using scene = await ground();
    const mine = new Error('mine');
    const onProgress = () => {
      throw mine;
    };
    for (const allowBroken of [false, true]) {
      await expect(loadCredentials({ ...scene.config, allowBroken, onProgress })).rejects.toBe(mine);
    }
  });

  it('refuses the whole config unless it says otherwise', async () => {
    await using scene = await ground();
    await expect(loadCredentials(scene.config)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_FILE_NOT_FOUND',
    });
  });

  it('with allowBroken fails its own requests alone, and is presented as soon as it can be read', async () => {
    await using scene = await ground();
    await using credentials = await loadCredentials({ ...scene.config, allowBroken: true });
    const errors: string[] = [];
    credentials.on('error', ({ code }, { name }) => errors.push(`${name} ${code}`));
    const [good, late] = scene.servers;
    const agent = credentials.agent();
    expect((await get(good!.url, { agent })).status).toBe(200);
    for (const options of [{ agent }, { agent: credentials.agent() }]) {
      await expect(get(late!.url, options)).rejects.toMatchObject({
        code: 'ERR_CLIENTCERT_FILE_NOT_FOUND',
        message: expect.stringContaining('certificate "late"'),
      });
    }
    expect(() => credentials.connectOptions(late!.url)).toThrow(/certificate "late"/);
    expect(() => credentials.withSigningKey(late!.url, () => {})).toThrow(/certificate "late"/);
    expect(String(credentials.explain(late!.url))).toContain('could not be loaded');
    expect(credentials.health()).toMatchObject({
      status: 'error',
      reasons: [{ status: 'error', certificate: 'late', code: 'LOAD_FAILED' }],
    });
    expect(credentials.certificates().map(({ name }) => name)).toEqual(['good']);
    expect(errors).toEqual(['late ERR_CLIENTCERT_FILE_NOT_FOUND']);
    expect(await credentials.reload()).toMatchObject({ failed: [{ name: 'late' }] });

    await scene.deliver();
    expect(await credentials.reload()).toMatchObject({ changed: ['late'], failed: [] });
    expect((await get(late!.url, { agent })).status).toBe(200);
    expect(subjects(good!)).toEqual(['good']);
    expect(subjects(late!)).toEqual(['late']);
    expect(credentials.health()).toEqual({ status: 'ok', reasons: [] });
    agent.destroy();
  });

  it('is no more than a warning of health() where no rule names it: all calls are made', async () => {
    await using scene = await ground();
    const [first] = Object.entries(scene.config.hosts!);
    const config = { ...scene.config, hosts: Object.fromEntries([first!]), allowBroken: true };
    await using credentials = await loadCredentials(config);
    credentials.on('error', () => {}).on('warning', () => {});
    const agent = credentials.agent({ keepAlive: false });
    for (const { url } of scene.servers) {
      expect((await get(url, { agent, ca: authority.certificate })).status).toBe(200);
    }
    expect(scene.servers.map(subjects)).toEqual([['good'], [null]]);
    expect(credentials.health()).toMatchObject({
      status: 'warning',
      reasons: [{ status: 'warning', certificate: 'late', code: 'LOAD_FAILED' }],
    });
  });

  it('is read again by itself, and stays broken in a new config that is', async () => {
    await using scene = await ground();
    const { watch: _, ...watched } = scene.config;
    await using credentials = await loadCredentials({ ...watched, allowBroken: true });
    credentials.on('error', () => {});
    expect(await credentials.reload({ ...watched, allowBroken: true, rollback: true })).toMatchObject({
      unchanged: ['good'],
      failed: [{ name: 'late' }],
    });
    await expect(credentials.reload(watched)).rejects.toMatchObject({
      code: 'ERR_CLIENTCERT_FILE_NOT_FOUND',
    });
    await scene.deliver();
    for (let waited = 0; credentials.health().status !== 'ok' && waited < 200; waited++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(
      (await get(scene.servers[1]!.url, { agent: credentials.agent({ keepAlive: false }) })).status,
    ).toBe(200);
    expect(subjects(scene.servers[1]!)).toEqual(['late']);
  });

  it('says nothing of trust for a new config, where it was being read for the one before', async () => {
    await using scene = await ground();
    const { certificates, ...config } = scene.config;
    const { cert, key, ca } = sourceOf(await authority.issue({ name: 'stale' }), authority);
    let answer: ((source: object) => void) | undefined;
    let isFirst = true;
    const late = () => {
      if (!isFirst) return new Promise<never>((resolve) => (answer = resolve as never));
      isFirst = false;
      throw new Error('not yet');
    };
    const broken = { ...config, allowBroken: true };
    await using credentials = await loadCredentials({
      ...broken,
      certificates: { ...certificates, late },
      watch: {},
    } as Config);
    credentials.on('error', () => {});
    while (!answer) await new Promise((resolve) => setTimeout(resolve, 20)); // it is read again
    expect(await credentials.reload({ ...broken, certificates: { ...certificates } })).toMatchObject({
      failed: [{ name: 'late' }],
    });
    answer({ cert, key, ca, trust: 'only' });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await scene.deliver();
    expect(await credentials.reload()).toMatchObject({ changed: ['late'], failed: [] });
    const agent = credentials.agent({ keepAlive: false });
    expect((await get(scene.servers[1]!.url, { agent })).status).toBe(200);
    expect(subjects(scene.servers[1]!)).toEqual(['late']);
  });

  it('says of trust what it says when it can be used, and not before', async () => {
    await using scene = await ground();
    const { certificates, ...config } = scene.config;
    const source = sourceOf(await authority.issue({ name: 'late' }), authority);
    const rootless = { cert: source.cert, key: source.key, trust: 'only' as const };
    const found = [undefined, rootless, rootless]; // trusts nobody
    const late = () => {
      const given = found.length > 0 ? found.shift() : source;
      if (!given) throw new Error('not yet');
      return given;
    };
    await using credentials = await loadCredentials({
      ...config,
      certificates: { ...certificates, late },
      allowBroken: true,
    } as Config);
    credentials.on('error', () => {});
    expect(await credentials.reload()).toMatchObject({ failed: [{ name: 'late' }] });
    expect(await credentials.reload()).toMatchObject({ failed: [{ name: 'late' }] });
    expect(await credentials.reload()).toMatchObject({ changed: ['late'], failed: [] });
    const agent = credentials.agent({ keepAlive: false });
    expect((await get(scene.servers[1]!.url, { agent })).status).toBe(200);
    expect(subjects(scene.servers[1]!)).toEqual(['late']);
  });

  it('is an error where there is no other', async () => {
    await using directory = await scratch();
    const pfx = join(directory.path, 'bank.pfx');
    await writeFile(pfx, 'nothing');
    await expect(
      loadCredentials({ certificates: { bank: { pfx } }, hosts: { 'a.example': 'bank' }, allowBroken: true }),
    ).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FORMAT_UNKNOWN' });
  });
});
