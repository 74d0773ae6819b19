import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { startEngine } from './engine.ts';
import { load, sourceAt, startBank } from './ground.ts';

it('a process starts with what is in its files while Vault is away, and tells of no certificate twice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'clientcert-vault-'));
  try {
    const authority = await createAuthority();
    await using engine = await startEngine();
    await using bank = await startBank(authority, engine.root);
    const told: string[] = [];
    const options = {
      names: ['192.0.2.1'],
      files: { cert: join(folder, 'bank.crt'), key: join(folder, 'bank.key') },
      onRenewed: ({ fingerprint256 }: { fingerprint256: string }) => {
        told.push(fingerprint256);
      },
    };
    // The engine of this test puts no names into what it signs.
    await using _first = await load(sourceAt(engine.url, { ...options, names: [] }), authority);
    await engine.stop();
    const before = engine.asked.length;
    await using second = await load(sourceAt(engine.url, { ...options, names: [] }), authority);
    await bank.call(second);
    expect(told).toEqual([bank.seen[0]!.fingerprint256]);
    expect(engine.asked).toHaveLength(before);
    await expect(load(sourceAt(engine.url, options), authority)).rejects.toMatchObject({
      message: expect.stringMatching(/cannot be reached.*"files" is for other names/),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
