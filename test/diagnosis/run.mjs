// Real servers on loopback refuse nine credentials, through every client: `matrix.slow.test.ts` on this Node, or on those
// of the table in docs/reference/refusals.md. Debian has all of the servers: .ci/run names the packages.
//
//   npm run test:diagnosis -- [--all] [--write]    --all: on each Node of the table; --write: and writes the table
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeBinary } from '../../scripts/node-binary.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const boolean = { type: 'boolean', default: false };
const { values: chosen } = parseArgs({ options: { all: boolean, write: boolean } });
const all = chosen.all || chosen.write;
const folder = mkdtempSync(join(tmpdir(), 'clientcert-refusals-'));
try {
  for (const node of all ? [20, 24].map(nodeBinary) : [execPath]) {
    const { status } = spawnSync(
      node,
      [join(root, 'node_modules/vitest/vitest.mjs'), 'run', join(root, 'test/diagnosis/matrix.slow.test.ts')],
      {
        cwd: root,
        stdio: 'inherit',
        env: { ...env, ...(chosen.write && { SERVERS: 'all', REFUSALS: folder }) },
      },
    );
    if (status !== 0) exit(1);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
