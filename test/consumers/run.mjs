// What a user does after `npm install`: packed tarballs in a scratch project, imported, required, run in Jest, and
// compiled by the oldest and newest supported TypeScript.
//
//   npm run test:consumers [-- --all]    with --all on Node 20 to 26 instead of this one
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeBinary } from '../../scripts/node-binary.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const clients = ['axios', 'got', 'soap', 'undici'].map((name) => `${name}@${devDependencies[name]}`);
const jests = [29, 30];
const nodes = process.argv.includes('--all') ? [20, 22, 24, 26] : [process.versions.node.split('.')[0]];

const scratch = mkdtempSync(join(tmpdir(), 'clientcert-consumer-'));
try {
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  const packed = JSON.parse(
    npm(root, 'pack', '--json', '--pack-destination', scratch, ...packages.flatMap((path) => ['-w', path])),
  );
  cpSync(join(root, 'test/consumers/project'), scratch, { recursive: true });
  cpSync(join(root, 'examples/guides/jest.test.cjs'), join(scratch, 'example.test.cjs'));
  writeFileSync(join(scratch, 'package.json'), JSON.stringify({ private: true, type: 'commonjs' }));
  npm(
    scratch,
    'install',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...packed.map(({ filename }) => join(scratch, filename)),
    ...clients,
    '@types/node@20',
    ...jests.map((version) => `jest-${version}@npm:jest@${version}`),
    'typescript-oldest@npm:typescript@5.4',
    'typescript-newest@npm:typescript@6',
  );

  for (const version of nodes) {
    const node = nodeBinary(version);
    for (const file of ['esm.mjs', 'cjs.cjs']) run(node, file);
    for (const jest of jests.map((version) => `node_modules/jest-${version}/bin/jest.js`)) {
      run(node, jest, '--testMatch=**/*.test.cjs');
      run(node, '--experimental-vm-modules', '--no-warnings', jest, '--testMatch=**/*.test.mjs');
    }
  }
  for (const typescript of ['oldest', 'newest']) {
    for (const module of ['esm', 'cjs']) {
      run(process.execPath, `node_modules/typescript-${typescript}/bin/tsc`, '-p', `tsconfig.${module}.json`);
    }
  }
  run(process.execPath, 'node_modules/clientcert/bin/clientcert.mjs', 'demo');
  checkCommandAlone(packed.map(({ filename }) => filename));
} finally {
  for (const path of [scratch, `${scratch}-alone`]) rmSync(path, { recursive: true, force: true });
}

/** The command without any HTTP client: all but the demo works, and that says what to install. */
function checkCommandAlone(tarballs) {
  const alone = join(scratch, '..', `${basename(scratch)}-alone`); // not below: clients would be found above it
  mkdirSync(alone);
  writeFileSync(join(alone, 'package.json'), JSON.stringify({ private: true }));
  const own = tarballs.filter((name) => /^clientcert-(?:core-|testing-|\d)/.test(name));
  npm(
    alone,
    'install',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...own.map((name) => join(scratch, name)),
  );
  const bin = 'node_modules/clientcert/bin/clientcert.mjs';
  const call = (...args) => spawnSync(process.execPath, [bin, ...args], { cwd: alone, encoding: 'utf8' });
  assert.equal(existsSync(join(alone, 'node_modules/axios')), false);
  assert.equal(call('--version').status, 0);
  const { status, stderr } = call('demo');
  assert.match(stderr, /npm install .*axios/s);
  assert.equal(status, 1, stderr);
}

function run(node, ...args) {
  process.stdout.write(`${node === process.execPath ? 'node' : node} ${args.join(' ')}\n`);
  execFileSync(node, args, { cwd: scratch, stdio: 'inherit' });
}

function npm(cwd, ...args) {
  const options = {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  };
  return execFileSync('npm', args, options);
}
