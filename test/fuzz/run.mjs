// Changed inputs for every parser: `fuzz.slow.test.ts`, for longer than CI has time for. What is found becomes a file in
// `regressions/`, which `regressions.test.ts` reads from then on.
//
//   npm run fuzz -- [--minutes N | --seconds N] [--target NAME] [--seed N] [--write]
//
// Minutes are of processor time, over all targets together; five unless given. The same seed does the same as long as
// neither code nor corpus changes. --write puts the counts into docs/security.md.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nameFor } from './name.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const string = { type: 'string' };
const { values: chosen } = parseArgs({
  options: { minutes: string, seconds: string, seed: string, target: string, write: { type: 'boolean' } },
});
const seconds = Number(chosen.seconds ?? Number(chosen.minutes ?? 5) * 60);
const folder = mkdtempSync(join(tmpdir(), 'clientcert-fuzz-'));
const report = join(folder, 'report.json');
const last = mkdtempSync(join(folder, 'last-'));
try {
  const test = join(root, 'test/fuzz/fuzz.slow.test.ts');
  const { status } = spawnSync(
    execPath,
    [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'slow', test],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...env,
        FUZZ_KEEP: '1',
        FUZZ_LAST: last,
        FUZZ_REPORT: report,
        FUZZ_SECONDS: `${seconds}`,
        FUZZ_SEED: chosen.seed ?? `${randomInt(2 ** 31)}`,
        ...(chosen.target && { FUZZ_TARGET: chosen.target }),
      },
    },
  );
  if (!existsSync(report)) keepLast();
  const { seed, outcomes, coverage } = JSON.parse(readFileSync(report, 'utf8'));
  console.log(`seed ${seed}`);
  console.table(Object.fromEntries(outcomes.map(({ name, ...counts }) => [name, counts])));
  const inputs = outcomes.reduce((sum, outcome) => sum + outcome.inputs, 0);
  console.log(`${inputs.toLocaleString('en')} inputs; of the code in each folder ran:`);
  console.table(partsRun(coverage));
  if (chosen.write) {
    const targets = Object.fromEntries(outcomes.map((outcome) => [outcome.name, outcome.inputs]));
    const node = process.versions.node.split('.')[0];
    const page = { node, minutes: Math.round(seconds / 60), inputs, targets };
    writeFileSync(join(root, 'docs/reference/fuzz.json'), `${JSON.stringify(page, null, 2)}\n`);
  }
  if (status !== 0) exit(1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** What was read when the process ended: nobody else tells of it. */
function keepLast() {
  for (const name of readdirSync(last)) {
    const input = readFileSync(join(last, name));
    const kept = join(root, 'test/fuzz/regressions', name);
    mkdirSync(kept, { recursive: true });
    const file = join(kept, nameFor(input));
    writeFileSync(file, input);
    console.error(`${name} ended the process: ${file}`);
  }
  rmSync(folder, { recursive: true, force: true });
  exit(1);
}

/** @param {[file: string, counts: { ran: number; all: number }][]} files */
function partsRun(files) {
  const folders = {};
  for (const [file, { ran, all }] of files) {
    const folder = file.slice(0, file.lastIndexOf('/'));
    const before = folders[folder] ?? { ran: 0, all: 0 };
    folders[folder] = { ran: before.ran + ran, all: before.all + all };
  }
  return Object.fromEntries(
    Object.entries(folders).map(([name, { ran, all }]) => [
      name,
      { part: `${Math.round((100 * ran) / all)} %` },
    ]),
  );
}
