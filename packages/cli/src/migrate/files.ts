import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { show } from '@clientcert/core/adapter';
import { readBounded } from '../bounded-file.ts';
import { UsageError } from '../command.ts';
import { outside } from '../outside.ts';

/** More is no code that a person wrote. */
const LARGEST = 1_000_000;

const CODE = /\.[cm]?[jt]sx?$/;
const DECLARATIONS = /\.d\.[cm]?ts$/;
const NOT_OURS = new Set(['node_modules', '.git', 'dist', 'build', 'out', 'coverage', 'vendor']);

/**
 * Files with code, below directories or named themselves. What git ignores is left out where it is asked; symbolic
 * links are not followed.
 *
 * @throws UsageError for a path that is not there
 */
export async function listCode(paths: readonly string[], from: string): Promise<string[]> {
  const found = new Set<string>();
  for (const path of paths) {
    const whole = resolve(from, path);
    const stats = await lstat(whole).catch(() => undefined);
    if (!stats) throw new UsageError(`${show(path, 'path')} is not there`);
    if (stats.isSymbolicLink()) throw new UsageError(`${path} is a symbolic link`, 'Give what it leads to.');
    const files = stats.isDirectory() ? await below(whole) : [whole];
    for (const file of files) if (CODE.test(file) && !DECLARATIONS.test(file)) found.add(file);
  }
  return [...found].sort();
}

async function below(directory: string): Promise<string[]> {
  const known = await git(directory, ['ls-files', '-z', '-c', '-o', '--exclude-standard']);
  const files = known?.split('\0').filter((each) => each !== '') ?? (await walk(directory));
  return files
    .filter((file) => !file.split(/[\\/]/).some((part) => NOT_OURS.has(part)))
    .map((file) => join(directory, file));
}

async function walk(root: string, at: string = ''): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(root, at), { withFileTypes: true })) {
    const path = join(at, entry.name);
    if (entry.isDirectory() && !NOT_OURS.has(entry.name)) found.push(...(await walk(root, path)));
    if (entry.isFile()) found.push(path);
  }
  return found;
}

/**
 * What git prints; `undefined` where there is none, no repository, or no end: it waits for a pipe in place of a
 * `.gitignore`. Nothing that the repository names is run.
 *
 * @param timeout Milliseconds.
 */
export async function git(
  directory: string,
  args: readonly string[],
  timeout: number = 60_000,
): Promise<string | undefined> {
  const safe = [
    '--no-optional-locks',
    '-c',
    'core.fsmonitor=false',
    '-c',
    'core.hooksPath=/dev/null',
    '-c',
    'protocol.allow=never',
    '-c',
    'core.quotePath=false',
  ];
  const options = { cwd: outside, maxBuffer: 2 ** 28, timeout, killSignal: 'SIGKILL' } as const;
  return await promisify(execFile)('git', ['-C', directory, ...safe, ...args], options).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}

/** A file's text; else why it is not read. */
export async function readCodeFile(path: string): Promise<{ text: string } | { reason: string } | undefined> {
  let stats: Stats;
  try {
    stats = await lstat(path);
  } catch {
    return undefined; // git knows it still
  }
  if (!stats.isFile()) return undefined;
  if (stats.size > LARGEST) return { reason: 'it is larger than 1 MB' };
  try {
    return {
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        await readBounded(path, LARGEST),
      ),
    };
  } catch (error) {
    if (error instanceof TypeError) return { reason: 'it is not UTF-8' };
    if (error instanceof UsageError) return { reason: 'it was another when it was looked at' };
    return { reason: `it cannot be read: ${(error as NodeJS.ErrnoException).code}` };
  }
}

/** Whether the package.json that a file belongs to says `"type": "module"`. */
export async function isModule(file: string, known: Map<string, boolean>): Promise<boolean> {
  const directory = dirname(file);
  const before = known.get(directory);
  if (before !== undefined) return before;
  const manifest: unknown = await readBounded(join(directory, 'package.json'), LARGEST)
    .then((bytes) => JSON.parse(bytes.toString()))
    .catch(() => undefined);
  const answer =
    manifest === undefined
      ? directory !== dirname(directory) && (await isModule(directory, known))
      : (manifest as { type?: unknown } | null)?.type === 'module';
  known.set(directory, answer);
  return answer;
}

export function shownPath(path: string, from: string): string {
  const shown = relative(from, path);
  return (shown.startsWith(`..${sep}..`) ? path : shown).replaceAll('\\', '/');
}
