import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthority } from '@clientcert/testing';
import { afterEach, expect, it, vi } from 'vitest';
import { loadCredentials } from '../../src/credentials/credentials.ts';

const opened = vi.hoisted(() => vi.fn());
const byPath: { dev?: number } = {};
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  return {
    ...fs,
    stat: async (path: string) => Object.assign(await fs.stat(path), byPath),
    open: (...given: Parameters<typeof fs.open>) => {
      opened();
      return fs.open(...given);
    },
  };
});

afterEach(() => {
  vi.unstubAllGlobals();
  delete byPath.dev;
});

/** A certificate that is watched, and the way to write another in its place. */
async function watched(pollInterval: number) {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-device-'));
  const file = join(directory, 'bank.pem');
  const authority = await createAuthority();
  const write = async (name: string) => {
    const { fullChain, key } = await authority.issue({ name });
    await writeFile(file, fullChain + key, { mode: 0o600 });
  };
  await write('before');
  const credentials = await loadCredentials({
    certificates: { bank: { cert: file, ca: authority.certificate } },
    hosts: { 'a.example': 'bank' },
    watch: { settle: 50, pollInterval },
  });
  const close = async () => {
    await credentials.close();
    await rm(directory, { recursive: true });
  };
  return { credentials, write, [Symbol.asyncDispose]: close };
}

it('a file whose device Node on Windows tells otherwise by its path is read when it changes, and not for ever', async () => {
  vi.stubGlobal('process', Object.create(process, { platform: { value: 'win32' } }));
  // Some versions know the device of an open file alone.
  byPath.dev = 0;
  await using files = await watched(60);
  const read = opened.mock.calls.length;
  await pause(500);
  expect(opened).toHaveBeenCalledTimes(read);
  await files.write('after');
  await expect.poll(() => files.credentials.certificates()[0]?.subject).toBe('CN=after');
});

it.skipIf(process.platform === 'win32')(
  'a file of an image that is mounted over another, and is the same but for its bytes, is read',
  async () => {
    await using _ = await watched(1);
    const read = opened.mock.calls.length;
    byPath.dev = -1;
    await expect.poll(() => opened.mock.calls.length, { timeout: 5000 }).toBeGreaterThan(read);
  },
);
