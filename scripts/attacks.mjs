// Counts the tests of attacks by kind, for the table "Attacks tried" of docs/security.md: a test belongs to one where it
// stands in `describe('attack: KIND', …)`.
//
//   node scripts/attacks.mjs [--check]    with --check nothing is written, and the counts have to be those of the page
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs/reference/attacks.json');

const counted = `${JSON.stringify(count(), null, 2)}\n`;
if (!argv.includes('--check')) writeFileSync(page, counted);
else if (readFileSync(page, 'utf8') !== counted) {
  console.error(
    `docs/reference/attacks.json is not what the suite has (npm run attacks writes it):\n${counted}`,
  );
  exit(1);
}

/** @returns {Record<string, { tests: number, files: string[] }>} By kind, in the order of the alphabet. */
function count() {
  const folder = mkdtempSync(join(tmpdir(), 'clientcert-attacks-'));
  try {
    const list = join(folder, 'list.json');
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const { status } = spawnSync(execPath, [vitest, 'list', `--json=${list}`], {
      cwd: root,
      env: { ...process.env, CLIENTCERT_TEST_ALL: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) exit(status ?? 1);
    /** @type {Map<string, { tests: number, files: Set<string> }>} */
    const kinds = new Map();
    for (const { name, file } of JSON.parse(readFileSync(list, 'utf8'))) {
      const [, kind] = /(?:^|> )attack: ([^>]+?) >/.exec(name) ?? [];
      if (!kind) continue;
      const known = kinds.get(kind) ?? { tests: 0, files: new Set() };
      known.tests += 1;
      known.files.add(file.slice(root.length).replaceAll('\\', '/'));
      kinds.set(kind, known);
    }
    return Object.fromEntries(
      [...kinds]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([kind, { tests, files }]) => [kind, { tests, files: [...files].sort() }]),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
