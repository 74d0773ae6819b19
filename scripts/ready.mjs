// Makes a clone ready for `npm test` and `npm run demo`: installs, and with --build builds, only when
// something changed since the last time. What was done is remembered in node_modules/.clientcert.
//
// --demo builds, and installs what the command and the build need: a seventh of everything. A clone in which
// everything was installed stays so. --built builds and installs nothing: for tests of what is shipped. --sdks installs
// what only the recipes of examples/sdks need, there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stamps = join(root, 'node_modules', '.clientcert');

const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name));
const manifests = [
  'package.json',
  'examples/package.json',
  'scripts/build/package.json',
  ...packages.map((path) => join(path, 'package.json')),
];

const demo = process.argv.includes('--demo');
const installed = ['package-lock.json', ...manifests];
const part = demo && (existsSync(join(stamps, 'install-demo')) || !existsSync(join(root, 'node_modules')));
if (part) {
  const workspaces = ['packages/cli', 'scripts/build'].flatMap((path) => ['-w', path]);
  once('install-demo', installed, existsSync(stamps), () =>
    npm(['ci', '--no-audit', '--no-fund', '--omit=dev', ...workspaces]),
  );
} else if (!process.argv.includes('--built')) {
  once('install', installed, existsSync(stamps), () => npm(['ci', '--no-audit', '--no-fund']));
}

if (demo || process.argv.includes('--build') || process.argv.includes('--built')) {
  await lock('building');
  const sources = packages.flatMap((path) => list(join(path, 'src')));
  const built = packages.every((path) => existsSync(join(root, path, 'dist')));
  once(
    'build',
    ['package-lock.json', 'tsdown.config.ts', 'tsconfig.base.json', ...manifests, ...sources],
    built,
    // Without the page of the console, for which the demo installs nothing.
    () => npm(['run', '--silent', 'build:code']),
  );
}

if (process.argv.includes('--sdks')) {
  const folder = 'examples/sdks';
  await lock('installing-sdks');
  once(
    'install-sdks',
    [`${folder}/package.json`, `${folder}/package-lock.json`],
    existsSync(join(root, folder, 'node_modules')),
    () => npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], folder),
  );
}

/** Runs `action` unless it was run for the same contents of `inputs` before and its result is still `there`. */
function once(name, inputs, there, action) {
  const hash = createHash('sha256').update(process.platform);
  for (const path of inputs) hash.update(`${path}\0`).update(readFileSync(join(root, path)));
  const now = hash.digest('hex');
  const stamp = join(stamps, name);
  if (there && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  action();
  mkdirSync(stamps, { recursive: true });
  rmSync(stamp, { force: true }); // it may be a hard link, where the clone is a copy of another
  writeFileSync(stamp, now);
}

/** Waits while another process that is alive has it; test files that need what is built run side by side. */
async function lock(name) {
  const path = join(stamps, name);
  mkdirSync(stamps, { recursive: true });
  for (;;) {
    try {
      writeFileSync(path, `${process.pid}`, { flag: 'wx' });
      process.once('exit', () => rmSync(path, { force: true }));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!alive(path)) rmSync(path, { force: true });
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** False for the lock of a process that was killed. */
function alive(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    return pid === 0 || process.kill(pid, 0); // empty in the moment between its making and its writing
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

function npm(args, folder = '.') {
  console.error(`> npm ${args.join(' ')}${folder === '.' ? '' : ` (${folder})`}`);
  // npm names the script that runs it; on Windows `npm` itself is a .cmd that cannot be spawned.
  const cli = process.env.npm_execpath;
  const options = { cwd: join(root, folder), stdio: ['ignore', 2, 2] };
  const { status, error } = cli
    ? spawnSync(process.execPath, [cli, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (status !== 0) {
    console.error(error ?? `npm ${args.join(' ')} failed`);
    process.exit(status ?? 1);
  }
}

function list(folder) {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? list(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}
