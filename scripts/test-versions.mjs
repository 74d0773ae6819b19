// Runs the adapters' tests over the versions of their clients in packages/*/versions.json, one of every minor, and
// compiles their type tests against each: the oldest and the newest of a major version on Node 20 to 26, those
// between on the oldest Node that they support.
//
//   npm run test:versions -- [--quick] [--node 24] [--adapter got]
//
// --quick: the oldest version on the oldest Node it supports, the newest on the newest; not what is installed here, which
// the other suites run over.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeBinary } from './node-binary.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const nodes = [20, 22, 24, 26];
const { values: chosen } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    node: { type: 'string', multiple: true },
    adapter: { type: 'string', multiple: true },
  },
});

const { status } = spawnSync(process.execPath, [join(root, 'scripts', 'ready.mjs'), '--build'], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(1);

const { devDependencies: installed } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const failures = [];
for (const adapter of readdirSync(join(root, 'packages'))) {
  const list = join(root, 'packages', adapter, 'versions.json');
  if (!existsSync(list) || (chosen.adapter && !chosen.adapter.includes(adapter))) continue;
  const versions = JSON.parse(readFileSync(list, 'utf8'));
  for (const [index, { clients, node: floor }] of versions.entries()) {
    const name = Object.entries(clients)
      .map((each) => each.join(' '))
      .join(', ');
    const supported = nodes.filter((node) => node >= floor);
    const wanted = chosen.quick
      ? [
          clients === versions[0].clients && supported[0],
          clients === versions.at(-1).clients && !isInstalled(clients) && supported.at(-1),
        ]
      : isEnd(versions, index)
        ? supported
        : supported.slice(0, 1);
    const runs = wanted.filter((node) => node && (!chosen.node || chosen.node.includes(String(node))));
    if (runs.length === 0) continue;
    const directory = install(adapter, name, clients);
    report(`${name}: types`, compile(adapter, directory));
    for (const node of runs) report(`${name} on Node ${node}`, test(adapter, directory, node));
  }
}
console.log(failures.length === 0 ? '\nall passed' : `\n${failures.length} failed:\n${failures.join('\n')}`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** Whether a version is the first or the last of its major version in the list. */
function isEnd(versions, index) {
  const [before, own, after] = [-1, 0, 1].map((step) =>
    String(JSON.stringify(versions[index + step]?.clients)).replace(/\..*/, ''),
  );
  return before !== own || after !== own;
}

function isInstalled(clients) {
  return Object.entries(clients).every(([client, version]) => installed[client] === version);
}

/** Installs the clients in a directory of their own, once. */
function install(adapter, name, clients) {
  const directory = join(root, 'node_modules', '.versions', name.replaceAll(/[^\w.]+/g, '-'));
  const manifest = `${JSON.stringify({ private: true, dependencies: clients }, null, 2)}\n`;
  const path = join(directory, 'package.json');
  const there = Object.keys(clients).every((client) => existsSync(join(directory, 'node_modules', client)));
  if (there && existsSync(path) && readFileSync(path, 'utf8') === manifest) return directory;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  writeFileSync(path, manifest);
  const args = [
    'install',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--ignore-scripts',
    '--loglevel=error',
  ];
  const { status, error } = spawnSync('npm', args, {
    cwd: directory,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw error ?? new Error(`npm install of ${name} for ${adapter} failed`);
  return directory;
}

/** Its tests, and the shared suite over it. */
function test(adapter, directory, node) {
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const files = [`packages/${adapter}/test/`, `test/adapters/${adapter}`];
  return spawnSync(
    nodeBinary(node),
    [vitest, 'run', '--project=fast', '--project=alone', '--project=wide', '--reporter=dot', ...files],
    {
      cwd: root,
      env: { ...process.env, CLIENTCERT_TEST_CLIENTS: directory },
      encoding: 'utf8',
    },
  );
}

/** Its type tests as ES module and as CommonJS, with what is published beside the client as in a user's project. */
function compile(adapter, directory) {
  const types = join(root, 'packages', adapter, 'test', 'types.test-d.ts');
  const scope = join(directory, 'node_modules', '@clientcert');
  mkdirSync(scope, { recursive: true });
  for (const name of [adapter, ...ownDependencies(adapter)]) {
    rmSync(join(scope, name), { recursive: true, force: true });
    symlinkSync(join(root, 'packages', name), join(scope, name), 'junction');
  }
  const source = readFileSync(types, 'utf8');
  for (const file of ['types.mts', 'types.cts']) writeFileSync(join(directory, file), source);
  const config = {
    compilerOptions: {
      module: 'nodenext',
      target: 'es2022',
      lib: ['ES2023', 'ESNext.Disposable'],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: true,
      noEmit: true,
      preserveSymlinks: true,
      types: ['node'],
      typeRoots: ['../../@types'],
    },
    files: ['types.mts', 'types.cts'],
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  return spawnSync(process.execPath, [tsc, '-p', directory], { encoding: 'utf8' });
}

function report(name, { status, stdout, stderr }) {
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}`);
  if (status === 0) return;
  failures.push(name);
  console.log(`${stdout}${stderr}`);
}

/** What it stands on of this repository. */
function ownDependencies(adapter) {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'packages', adapter, 'package.json'), 'utf8'));
  return Object.keys(dependencies)
    .filter((name) => name.startsWith('@clientcert/'))
    .map((name) => name.replace('@clientcert/', ''));
}
