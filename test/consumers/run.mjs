// What a user does after `npm install`: packed tarballs in a scratch project, imported and required on the
// oldest and a newer Node, and compiled by the oldest and newest supported TypeScript.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nodeBinary } from '../../scripts/node-binary.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const project = fileURLToPath(new URL('project', import.meta.url));
const { devDependencies } = JSON.parse(
  execFileSync(process.execPath, ['-p', 'JSON.stringify(require("./package.json"))'], { cwd: root }),
);

const scratch = mkdtempSync(join(tmpdir(), 'clientcert-consumer-'));
try {
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}`);
  const packed = JSON.parse(
    npm(root, 'pack', '--json', '--pack-destination', scratch, ...packages.flatMap((path) => ['-w', path])),
  );
  cpSync(project, scratch, { recursive: true });
  writeFileSync(join(scratch, 'package.json'), JSON.stringify({ private: true, type: 'commonjs' }));
  npm(
    scratch,
    'install',
    '--no-audit',
    '--no-fund',
    ...packed.map(({ filename }) => join(scratch, filename)),
    `axios@${devDependencies.axios}`,
    '@types/node@20',
    'typescript-oldest@npm:typescript@5.4',
    'typescript-newest@npm:typescript@6',
  );

  for (const version of [20, 24]) {
    const node = nodeBinary(version);
    for (const file of ['esm.mjs', 'cjs.cjs']) run(node, file);
  }
  for (const typescript of ['oldest', 'newest']) {
    for (const module of ['esm', 'cjs']) {
      run(process.execPath, `node_modules/typescript-${typescript}/bin/tsc`, '-p', `tsconfig.${module}.json`);
    }
  }
} finally {
  rmSync(scratch, { recursive: true });
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
