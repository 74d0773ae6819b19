import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { clients } from './clients.ts';
import { dimensions, type Tally } from './tally.ts';

const run = fileURLToPath(new URL('run.mjs', import.meta.url));

async function leaks<Report>(...args: string[]): Promise<Report> {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-leaks-'));
  try {
    const json = join(directory, 'report.json');
    await promisify(execFile)(process.execPath, [run, ...args, '--json', json]);
    return JSON.parse(await readFile(json, 'utf8'));
  } finally {
    await rm(directory, { recursive: true });
  }
}

describe('attack: identities that mix', () => {
  it('a part of all calls, over every client: nobody comes as somebody else', {
    timeout: 600_000,
  }, async () => {
    const { nodes } = await leaks<{ nodes: Record<string, Record<string, Tally>> }>(
      ...['--only', 'calls', '--share', '0.05'],
    );
    const [tallies = {}] = Object.values(nodes);
    expect(Object.keys(tallies)).toEqual(clients.map(({ name }) => name));
    const all = Object.values(tallies);
    for (const each of all) expect(each).toMatchObject({ leaks: 0, wrong: 0 });
    // Otherwise it would show nothing of what it is about.
    for (const dimension of dimensions)
      expect(new Set(all.flatMap(({ tried }) => Object.keys(tried[dimension]))).size).toBeGreaterThan(2);
    for (const pool of ['kept', 'new', 'resumed'])
      expect(
        all.some(({ tried }) => tried.pools[pool]! > 0),
        pool,
      ).toBe(true);
  });
});

describe('attack: secrets that show', () => {
  it('nothing that two clients hand out or print has a secret', { timeout: 600_000 }, async () => {
    const { secrets } = await leaks<{ secrets: Record<string, object> }>(
      ...['--only', 'secrets', '--share', '0.1', '--client', 'https', '--client', 'undici, dispatcher'],
    );
    expect(Object.values(secrets)).toEqual([
      {
        clients: ['https', 'undici, dispatcher'],
        calls: expect.any(Number),
        objects: expect.any(Number),
        printed: expect.any(Number),
        found: 0,
      },
    ]);
  });
});
