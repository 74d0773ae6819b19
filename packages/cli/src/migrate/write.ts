import { randomBytes } from 'node:crypto';
import { lstat, open, readFile, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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
        `not committed, and so left alone with all others: ${unsafe.join(', ')}`,
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

/** Whether git has a file as it stands. */
async function isCommitted(path: string): Promise<boolean> {
  const [directory, name] = [dirname(path), basename(path)];
  const tracked = await git(directory, ['ls-files', '-z', '--', `:(literal)${name}`]);
  if (!tracked) return false;
  return (await git(directory, ['status', '--porcelain', '-z', '--', `:(literal)${name}`])) === '';
}

async function current(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new UsageError(`${path} cannot be read: ${error.code}`);
    return undefined;
  });
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
