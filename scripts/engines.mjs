// Builds the engines that `npm run test:engines` runs against, with the Go toolchain, into a folder outside the tree:
// CLIENTCERT_ENGINES, or clientcert-engines in the user's cache. What is there already stays. Without Go, or where a
// module cannot be had, it says so and ends well: the tests that need it are skipped, and say that too.
//
//   node scripts/engines.mjs      the first build takes some twenty minutes on two cores, and 3 GB of Go's own caches
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { argv, env } from 'node:process';
import { fileURLToPath } from 'node:url';

const folder =
  env.CLIENTCERT_ENGINES ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'clientcert-engines');
const vault = '1.21.4';

/** By name: where each is once it is built. */
export const engines = { vault: join(folder, `vault-${vault}`) };

if (argv[1] === fileURLToPath(import.meta.url)) {
  if (existsSync(engines.vault)) console.log(`vault ${vault} is there`);
  else tryToBuild(`vault ${vault}`, buildVault);
}

function tryToBuild(name, build) {
  try {
    build();
    console.log(`${name} is built`);
  } catch (error) {
    console.log(`${name} is not built, and what needs it is skipped: ${error.message}`);
  }
}

/**
 * Vault's own command, with the plugins of a minimal build. Its module is tagged on a branch that goes with no released
 * version of its SDK: two lines are brought in line with the one it names.
 */
function buildVault() {
  const work = join(folder, 'build-vault');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const module = 'github.com/hashicorp/vault';
  writeFileSync(join(work, 'go.mod'), 'module clientcert.invalid/engine\n\ngo 1.25\n');
  writeFileSync(
    join(work, 'main.go'),
    `package main

import (
\t"os"

\t"${module}/command"
)

func main() {
\tos.Exit(command.Run(os.Args[1:]))
}
`,
  );
  go(work, 'get', `${module}@v${vault}`);
  copyModule(work, `${module}@v${vault}`, 'src');
  copyModule(work, `${module}/sdk`, 'sdk');
  edit(
    join(work, 'sdk/framework/backend.go'),
    'ActivationFunc func(context.Context, *logical.Request, string) error',
    'ActivationFunc func(context.Context, *logical.Request) error',
  );
  edit(
    join(work, 'src/builtin/logical/transit/path_restore.go'),
    'restoredKeyName, err := b.lm.RestorePolicy(',
    'restoredKeyName, err := keyName, b.lm.RestorePolicy(',
  );
  go(work, 'mod', 'edit', `-replace=${module}=./src`, `-replace=${module}/sdk=./sdk`);
  const built = join(work, 'vault');
  go(work, 'build', '-mod=mod', '-tags=minimal', '-trimpath', '-ldflags=-s -w', '-o', built, '.');
  renameSync(built, engines.vault);
  rmSync(work, { recursive: true, force: true });
}

function copyModule(work, module, name) {
  const from = go(work, 'list', '-m', '-f={{.Dir}}', module.split('@')[0]).trim();
  cpSync(from, join(work, name), { recursive: true });
  spawnSync('chmod', ['-R', 'u+w', join(work, name)]);
}

function edit(file, before, after) {
  const text = readFileSync(file, 'utf8');
  if (!text.includes(before)) throw new Error(`${file} is not what it was`);
  writeFileSync(file, text.replace(before, after));
}

function go(cwd, ...args) {
  const { error, status, stdout, stderr } = spawnSync('go', args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1e9,
    env: { ...env, GOFLAGS: '-mod=mod' },
  });
  if (error) throw new Error(error.code === 'ENOENT' ? 'there is no Go toolchain' : error.message);
  if (status !== 0) throw new Error(`go ${args[0]} failed: ${stderr.trim().split('\n').at(-1)}`);
  return stdout;
}
