// publint and attw on every package, as it would be published; and that it is small and whole.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { sideBySide } from './side-by-side.mjs';

/** Of a packed package, in bytes. */
const LIMIT = 300_000;
/** In characters: Node prints the line that threw. */
const LONGEST_LINE = 2000;

/** What publint and attw are run with, at the end: they take longest. */
const checks = [];

const scratch = mkdtempSync(join(tmpdir(), 'clientcert-pack-'));
try {
  for (const name of readdirSync('packages')) {
    const folder = join('packages', name);
    const { exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const profile = exports['.'].require ? 'node16' : 'esm-only';
    const [packed] = JSON.parse(npm('pack', '--json', '-w', folder, '--pack-destination', scratch));
    console.log(
      `\n${packed.filename}: ${packed.entryCount} files, ${Math.ceil(packed.size / 1000)} kB packed`,
    );
    if (packed.size > LIMIT) throw new Error(`${packed.filename} is larger than ${LIMIT / 1000} kB`);
    for (const { path } of packed.files) checkFile(folder, path);
    if (name === 'console' && !packed.files.some(({ path }) => path === 'dist/page/index.html'))
      throw new Error(`${packed.filename} is without its page: npm run build makes it`);
    const tarball = join(scratch, packed.filename);
    checks.push(['node_modules/publint/src/cli.js', tarball, '--strict']);
    checks.push(['node_modules/@arethetypeswrong/cli/dist/index.js', tarball, '--profile', profile]);
  }
  checkImport();
  await sideBySide(checks);
} finally {
  rmSync(scratch, { recursive: true });
}

function checkFile(folder, path) {
  const text = readFileSync(join(folder, path), 'utf8');
  if (/\.[cm]?[jt]s$/.test(path) && text.includes('//# sourceMappingURL='))
    throw new Error(`${folder}/${path} names a map that is not in the package`);
  if (path.endsWith('.cjs') && /\bimport\(/.test(text))
    throw new Error(`${folder}/${path} has an import(), which Jest does not run without a flag`);
  // A browser shows such lines in its own way.
  if (path.startsWith('dist/page/')) return;
  if (/\.c?js$/.test(path) && text.split('\n').some((line) => line.length > LONGEST_LINE))
    throw new Error(
      `${folder}/${path} has a line that would hide the message of an error that nobody caught`,
    );
}

/** Importing core takes the time that its files take to read. */
function checkImport() {
  const program = "require('./packages/core'); Object.keys(require.cache).join('\\n')";
  const files = execFileSync(process.execPath, ['-p', program], { encoding: 'utf8' }).trim().split('\n');
  const early = files.map((file) => basename(file).replace(/(-[\w-]{8})?\.cjs$/, ''));
  const late = early.filter((name) => !['index', 'errors'].includes(name));
  if (late.length > 0)
    throw new Error(`Importing core reads ${late.join(', ')}, which only a use of it needs`);
}

function npm(...args) {
  return execFileSync('npm', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}
