import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import type { Report, Verdict } from './verdict.ts';

it('half a minute of mixed load, renewals and faults breaks no promise', { timeout: 600_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'clientcert-soak-'));
  try {
    const json = join(directory, 'report.json');
    const run = fileURLToPath(new URL('run.mjs', import.meta.url));
    const args = [run, '--seconds', '30', '--json', json];
    await promisify(execFile)(process.execPath, args).catch(() => {}); // the report says it better
    const report: Report & Verdict = JSON.parse(await readFile(json, 'utf8'));
    const { requests, servers } = report;
    const found = [requests.unexplained, requests.unexpected, requests.hung, servers.mixed, servers.stale];
    expect(found).toEqual([[], [], [], [], []]);
    expect(report.broken).toEqual([]);
    expect(Object.keys(requests.clients)).toHaveLength(12);
  } finally {
    await rm(directory, { recursive: true });
  }
});
