import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { loadCredentials } from '../../src/index.ts';
import { scratch } from './scene.ts';

it('a file of roots that thousands of rules name is read again in a time that grows with their number, not its square', async () => {
  await using directory = await scratch();
  const ca = join(directory.path, 'roots.pem');
  const [before, after] = await Promise.all([createAuthority(), createAuthority()]);
  /** Milliseconds of processor time. */
  const costOf = async (rules: number): Promise<number> => {
    await writeFile(ca, before.certificate);
    const names = Array.from({ length: rules }, (_, index) => `h${index}.example`);
    const hosts = Object.fromEntries(names.map((name) => [name, { ca, trust: 'only' }] as const));
    await using credentials = await loadCredentials({ hosts, watch: false });
    await writeFile(ca, after.certificate);
    const start = process.cpuUsage();
    expect((await credentials.reload()).changed).toHaveLength(rules);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
  await costOf(100);
  const few = await costOf(500);
  // Six times as many: 5.6 to 9 times as long, and 19 where each reading went through all rules several times.
  expect(await costOf(3000)).toBeLessThan(few * 13);
}, 60_000);
