// publint and attw on every package, as it would be published.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const scratch = mkdtempSync(join(tmpdir(), 'clientcert-pack-'));
try {
  for (const name of readdirSync('packages')) {
    const folder = join('packages', name);
    const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const profile = exports['.'].require ? 'node16' : 'esm-only';
    const [packed] = JSON.parse(npm('pack', '--json', '-w', folder, '--pack-destination', scratch));
    console.log(
      `\n${packed.filename}: ${packed.entryCount} files, ${Math.ceil(packed.size / 1024)} kB packed`,
    );
    const tarball = join(scratch, packed.filename);
    run('node_modules/publint/src/cli.js', tarball, '--strict');
    run('node_modules/@arethetypeswrong/cli/dist/index.js', tarball, '--profile', profile);
  }
} finally {
  rmSync(scratch, { recursive: true });
}

function npm(...args) {
  return execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function run(...args) {
  execFileSync(process.execPath, args, { stdio: 'inherit' });
}
