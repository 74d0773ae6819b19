// What identities cost in memory as they grow in number, each number in processes of their own.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority } from '@clientcert/testing';
import { summaries } from './compare.mjs';

/** How many processes for each number of identities, and how many each process holds at least, in configs of that size. */
export const settings = {
  full: { processes: { 10: 5, 1000: 3, 10000: 1 }, least: 1000 },
  quick: { processes: { 10: 1, 200: 1 }, least: 200 },
};

export async function measure({ processes, least }) {
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-bench-'));
  try {
    const largest = Math.max(...Object.keys(processes).map(Number));
    await writeIdentities(directory, Math.max(least, largest) + 100); // those that warm up
    const samples = {};
    for (const [amount, times] of Object.entries(processes)) {
      samples[amount] = {};
      for (let count = 0; count < times; count++) {
        for (const [what, value] of Object.entries(
          await inProcess(directory, amount, Math.max(1, least / amount)),
        )) {
          samples[amount][what] ??= [];
          samples[amount][what].push(value);
        }
      }
    }
    return summaries(samples);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function writeIdentities(directory, amount) {
  const authority = await createAuthority();
  for (let index = 0; index < amount; index++) {
    const { cert, key } = await authority.issue({ name: `client-${index}` });
    await writeFile(join(directory, `${index}.crt`), cert);
    await writeFile(join(directory, `${index}.key`), key, { mode: 0o600 });
  }
}

async function inProcess(directory, amount, configs) {
  const program = fileURLToPath(new URL('hold-identities.mjs', import.meta.url));
  // New objects get little room: what loading leaves of it, up to 48 MB, is held by no identity.
  const flags = ['--expose-gc', '--max-semi-space-size=1'];
  const { stdout } = await promisify(execFile)(execPath, [...flags, program, directory, amount, configs]);
  return JSON.parse(stdout);
}
