import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'clientcert-imports-'));
  const { vcs: _, $schema: __, ...config } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'));
  writeFileSync(join(scratch, 'biome.json'), JSON.stringify(config));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** Lints one file that holds `imported` in its second line; resolves to what the linter says. */
function lint(
  path: string,
  imported: string,
  source = `// one line above\nimport '${imported}';\n`,
  linted: string = path,
): string {
  const file = join(scratch, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, source);
  try {
    const bin = join(root, 'node_modules/@biomejs/biome/bin/biome');
    const out = execFileSync(process.execPath, [bin, 'lint', '--colors=off', linted], {
      cwd: scratch,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return out;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    return stdout + stderr;
  } finally {
    rmSync(file);
  }
}

it.each([
  ['packages/core/src/load/x.ts', '../pin/table.ts'],
  ['packages/core/src/load/x.ts', '../credentials/credentials.ts'],
  ['packages/core/src/pin/x.ts', '../tls/context.ts'],
  ['packages/core/src/tls/x.ts', '../agent/agent.ts'],
  ['packages/core/src/agent/x.ts', '../rotate/watch.ts'],
  ['packages/core/src/config/x.ts', '../agent/agent.ts'],
  ['packages/core/src/rotate/x.ts', 'axios'],
  ['packages/core/src/credentials/x.ts', 'undici'],
  ['packages/axios/src/x.ts', 'got'],
  ['packages/axios/src/x.ts', '@clientcert/soap'],
  ['packages/vault/src/x.ts', 'undici'],
  ['packages/est/src/x.ts', 'undici'],
  ['packages/spiffe/src/x.ts', 'undici'],
])('%s may not import %s, and the broken line is named', (file, imported) => {
  const said = lint(file, imported);
  expect(said).toContain(`${file}:2:`);
  expect(said).toContain('noRestrictedImports');
});

it.each([
  ['packages/core/src/tls/x.ts', '../load/read.ts'],
  ['packages/core/src/agent/x.ts', '../tls/profile.ts'],
  ['packages/core/src/load/x.ts', '../errors.ts'],
  ['packages/core/src/load/x.ts', './der.ts'],
  ['packages/core/src/credentials/x.ts', '../agent/agent.ts'],
  ['packages/axios/src/x.ts', '@clientcert/core'],
  ['packages/axios/src/x.ts', 'axios'],
])('%s may import %s', (file, imported) => {
  expect(lint(file, imported)).not.toContain('noRestrictedImports');
});

it.each(['packages/axios/src', 'packages/core/test/load', 'test/adapters', 'examples/guides'])(
  'files in %s that import each other in a circle are refused, types included',
  (place) => {
    const folder = join(scratch, place);
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'other.ts'),
      "import type { X } from './x.ts';\n\nexport type Other = X | null;\n",
    );
    const source = "import type { Other } from './other.ts';\n\nexport type X = { other: Other };\n";
    // The folder, so that the linter knows both.
    const said = lint(`${place}/x.ts`, './other.ts', source, place);
    expect(said).toContain('noImportCycles');
  },
);
