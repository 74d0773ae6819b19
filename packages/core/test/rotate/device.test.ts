import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createAuthority } from '@clientcert/testing';
import { expect, it, vi } from 'vitest';
import { loadCredentials } from '../../src/credentials/credentials.ts';

const opened = vi.hoisted(() => vi.fn());
vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof import('node:fs/promises')>();
  return {
    ...fs,
    // As some versions of Node on Windows, which know the device of an open file alone.
    stat: async (path: string) => Object.assign(await fs.stat(path), { dev: 0 }),
    open: (...given: Parameters<typeof fs.open>) => {
      opened();
      return fs.open(...given);
    },
  };
});

it('a file whose device is told otherwise by its path is read when it changes, and not for ever', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-device-'));
  const file = join(directory, 'bank.pem');
  const authority = await createAuthority();
  const write = async (name: string) => {
    const { fullChain, key } = await authority.issue({ name });
    await writeFile(file, fullChain + key, { mode: 0o600 });
  };
  await write('before');
  await using credentials = await loadCredentials({
    certificates: { bank: { cert: file, ca: authority.certificate } },
    hosts: { 'a.example': 'bank' },
    watch: { settle: 50 },
  });
  const read = opened.mock.calls.length;
  await pause(500);
  expect(opened).toHaveBeenCalledTimes(read);
  await write('after');
  await expect.poll(() => credentials.certificates()[0]?.subject).toBe('CN=after');
  await rm(directory, { recursive: true });
});
