import { createHash, randomBytes } from 'node:crypto';
import { lstat, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readBounded } from '../bounded-file.ts';
import { UsageError } from '../command.ts';
import { git, shownPath } from './files.ts';

/** A file as it was read, and as it is to be. */
export interface Replacement {
  readonly path: string;
  /** `undefined` where there is none yet. */
  readonly before: string | undefined;
  readonly after: string;
}

/**
 * Writes all of them or none. Each is whole at every moment.
 *
 * @throws UsageError where git could not bring one of them back, unless `force`, or one has changed since it was read
 */
export async function replaceAll(files: readonly Replacement[], force: boolean, from: string): Promise<void> {
  const shown = (file: Replacement) => shownPath(file.path, from);
  if (!force) {
    const unsafe: string[] = [];
    for (const file of files)
      if (file.before !== undefined && !(await isCommitted(file.path))) unsafe.push(shown(file));
    if (unsafe.length > 0)
      throw new UsageError(
        `not committed, and so left alone with all others: ${unsafe.slice(0, 5).join(', ')}${unsafe.length > 5 ? ` and ${unsafe.length - 5} more` : ''}`,
        'Commit them first, so that git shows what changed and brings it back; --force writes all the same.',
      );
  }
  for (const file of files) {
    if ((await current(file.path)) === file.before) continue;
    throw new UsageError(
      `${shown(file)} has changed since it was read; nothing was written`,
      'Run it again.',
    );
  }
  const done: Replacement[] = [];
  try {
    for (const file of files) {
      await replace(file.path, file.after);
      done.push(file);
    }
  } catch (error) {
    for (const { path, before } of done) await (before === undefined ? unlink(path) : replace(path, before));
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UsageError(`${shown(files[done.length]!)} cannot be written (${code}); nothing was changed`);
  }
}

/**
 * Whether git has a file as it stands, but for its line ends. `git status` would run the filters that a repository
 * names: programs of whoever made it.
 */
async function isCommitted(path: string): Promise<boolean> {
  const found = await git(dirname(path), ['rev-parse', '--verify', '--quiet', `HEAD:./${basename(path)}`]);
  const committed = found?.trim();
  if (!committed) return false;
  const bytes = await readBounded(path);
  const unix = Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
  return [bytes, unix].some((content) => nameOfBlob(content, committed.length) === committed);
}

/** @see https://git-scm.com/book/en/v2/Git-Internals-Git-Objects */
function nameOfBlob(content: Buffer, length: number): string {
  const hash = createHash(length === 64 ? 'sha256' : 'sha1');
  return hash.update(`blob ${content.length}\0`).update(content).digest('hex');
}

async function current(path: string): Promise<string | undefined> {
  try {
    return (await readBounded(path)).toString();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} cannot be read: ${code}`);
  }
}

/** Beside it first, then in its place; with the rights that it had. */
async function replace(path: string, content: string): Promise<void> {
  const mode = await lstat(path).then(
    (stats) => stats.mode & 0o7777,
    () => undefined,
  );
  const temporary = join(dirname(path), `.${basename(path).slice(0, 64)}.${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', mode ?? 0o644);
    try {
      await file.writeFile(content);
      if (mode !== undefined) await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}
