// The path of another Node's binary, from the package that carries it for this platform.
import { execFileSync, spawnSync } from 'node:child_process';
import { arch, argv, execPath, exit, platform } from 'node:process';
import { pathToFileURL } from 'node:url';

/** @param {string | number} version A major version such as 24, or a full one. */
export function nodeBinary(version) {
  if (String(version) === process.versions.node.split('.')[0]) return execPath;
  const os = platform === 'win32' ? 'win' : platform;
  const args = ['-y', '-p', `node-${os}-${arch}@${version}`, '--', 'node', '-p', 'process.execPath'];
  return execFileSync('npx', args, { encoding: 'utf8', shell: platform === 'win32' }).trim();
}

// node scripts/node-binary.mjs 24 FILE ARG…: runs FILE with it
if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const [version = '', ...args] = argv.slice(2);
  const { status } = spawnSync(nodeBinary(version), args, { stdio: 'inherit' });
  exit(status ?? 1);
}
