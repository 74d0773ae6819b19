// A release, done whole but for its end: versions and changelogs by lerna in a copy of the repository, packages packed
// from it, published by `npm publish --dry-run`, and a bill of materials for each in sbom/. Nothing leaves the machine
// but questions to the registry.
//
//   npm run build && npm run release:check
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const copy = mkdtempSync(join(tmpdir(), 'clientcert-release-'));
try {
  copyTracked();
  release();
  const names = readdirSync(join(root, 'packages'));
  const version = readManifest('packages/core').version;
  for (const name of names) checkVersion(name, version);
  for (const name of names) checkTarball(name, version);
  writeBills(names);
  console.log(`${names.length} packages would be published as ${version}`);
} finally {
  rmSync(copy, { recursive: true });
}

/** What git knows or would take, and what is built, in a repository of its own that has never had a release. */
function copyTracked() {
  const files = run(root, 'git', '-c', 'safe.directory=*', 'ls-files', '-coz', '--exclude-standard')
    .split('\0')
    .filter(Boolean);
  for (const file of files.filter((each) => existsSync(join(root, each)))) {
    mkdirSync(dirname(join(copy, file)), { recursive: true });
    cpSync(join(root, file), join(copy, file));
  }
  for (const name of readdirSync(join(root, 'packages'))) {
    cpSync(join(root, 'packages', name, 'dist'), join(copy, 'packages', name, 'dist'), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction');
  run(copy, 'git', 'init', '--quiet', '--initial-branch=main');
  run(copy, 'git', 'add', '--all', '--', ':!node_modules');
  run(copy, 'git', 'commit', '--quiet', '--message', 'feat: everything');
}

function release() {
  const lerna = join(root, 'node_modules/lerna/dist/cli.js');
  run(
    copy,
    execPath,
    lerna,
    'version',
    'minor',
    '--conventional-commits',
    '--no-push',
    '--yes',
    '--loglevel=error',
  );
  const tags = run(copy, 'git', 'tag', '--points-at', 'HEAD').trim();
  if (!/^v\d/.test(tags)) throw new Error(`lerna made no tag v…: ${tags}`);
}

function checkVersion(name, version) {
  const manifest = readManifest(`packages/${name}`);
  if (manifest.version !== version)
    throw new Error(`${manifest.name} is ${manifest.version}, core ${version}`);
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    if (dependency.startsWith('@clientcert/') && range.replace('^', '') !== version)
      throw new Error(`${manifest.name} depends on ${dependency}@${range}, which is not what is released`);
  }
}

function checkTarball(name, version) {
  const folder = join(copy, 'packages', name);
  const [{ filename, files }] = JSON.parse(npm(folder, 'pack', '--json', '--pack-destination', copy));
  const paths = new Set(files.map(({ path }) => path));
  for (const needed of ['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json']) {
    if (!paths.has(needed)) throw new Error(`${filename} is without ${needed}`);
  }
  const answer = JSON.parse(npm(copy, 'publish', join(copy, filename), '--dry-run', '--json'));
  const { id, version: published } = answer.id ? answer : Object.values(answer)[0]; // npm 10, npm 11
  if (published !== version) throw new Error(`${id} would be published, and not ${version}`);
  console.log(`${id}: ${paths.size} files`);
}

/** What is in each package, and under which licence (CycloneDX). */
function writeBills(names) {
  mkdirSync(join(root, 'sbom'), { recursive: true });
  for (const name of names) {
    const { name: full } = readManifest(`packages/${name}`);
    const bill = npm(root, 'sbom', '--sbom-format=cyclonedx', '--omit=dev', '--omit=peer', '-w', full);
    const unlicensed = JSON.parse(bill).components.filter(({ licenses = [] }) => licenses.length === 0);
    if (unlicensed.length > 0)
      throw new Error(`no licence is known of ${unlicensed.map(({ purl }) => purl).join(', ')}`);
    writeFileSync(join(root, 'sbom', `${name}.json`), bill);
  }
}

function readManifest(folder) {
  return JSON.parse(readFileSync(join(copy, folder, 'package.json'), 'utf8'));
}

function npm(cwd, ...args) {
  return run(cwd, 'npm', ...args);
}

function run(cwd, command, ...args) {
  const who = { NAME: 'clientcert', EMAIL: 'clientcert@users.noreply.github.com' };
  const identity = Object.fromEntries(
    Object.entries(who).flatMap(([key, value]) =>
      ['AUTHOR', 'COMMITTER'].map((role) => [`GIT_${role}_${key}`, value]),
    ),
  );
  const env = { ...process.env, ...identity, NX_DAEMON: 'false' };
  return execFileSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 26,
  });
}
