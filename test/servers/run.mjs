// Real servers on loopback: certificates of every kind, TLS 1.0 to 1.3, optional and per path, HTTP/2, a SOAP service.
// Debian has all of them: .ci/run names the packages. Those that are not installed are left out.
//
//   npm run test:servers -- [--write]    --write: and writes the table of docs/reference/servers.md; none may be left out
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values: chosen } = parseArgs({ options: { write: { type: 'boolean', default: false } } });
const folder = mkdtempSync(join(tmpdir(), 'clientcert-servers-'));
try {
  const files = ['test/servers/', 'test/diagnosis/matrix.slow.test.ts'];
  const { status } = spawnSync(execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...files], {
    cwd: root,
    stdio: 'inherit',
    env: { ...env, ...(chosen.write && { SERVERS: 'all', SERVERS_TABLE: folder }) },
  });
  if (status !== 0) exit(status ?? 1);
  if (chosen.write) {
    const results = readdirSync(folder)
      .toSorted()
      .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')));
    writeFileSync(join(root, 'docs/reference/servers.json'), `${JSON.stringify(results, null, 2)}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
