import { randomBytes } from 'node:crypto';
import { link, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { show } from '@clientcert/core/adapter';
import type { Command } from 'commander';
import { UsageError } from './command.ts';

export interface OutputOptions {
  out?: string;
  force?: boolean;
}

export function addOutputOptions(command: Command, unlessGiven: string): Command {
  return command
    .option('--out <file>', `where to write, - for standard output (${unlessGiven})`)
    .option('--force', 'replace a file that is there');
}

/**
 * Writes a file that its owner alone may read, whole or not at all. A file that is there stays unless `force` says
 * otherwise; a symbolic link is never followed: it is in the way, or replaced itself. `-` is standard output.
 */
export async function writeOutput(
  path: string,
  content: string | Buffer,
  force: boolean | undefined,
): Promise<void> {
  if (path === '-') {
    if (typeof content !== 'string' && process.stdout.isTTY)
      throw new UsageError(
        'what is written is not text, and standard output is a terminal',
        'Give a file with --out, or pipe it on.',
      );
    await new Promise<void>((resolve, reject) =>
      process.stdout.write(content, (error) => (error ? reject(error) : resolve())),
    );
    return;
  }
  await refuseDevice(path);
  const temporary = join(dirname(path), `.${basename(path).slice(0, 64)}.${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    if (force) await rename(temporary, path);
    else await place(temporary, path, content);
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw failed(path, error as NodeJS.ErrnoException);
  }
}

/** A hard link is refused where there is a file of the name, which a rename would replace. */
async function place(temporary: string, path: string, content: string | Buffer): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    // A file system without hard links: then the file itself is made, and nobody else's is touched.
    if (
      !['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes((error as NodeJS.ErrnoException).code!)
    )
      throw error;
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(content).finally(() => file.close());
    } catch (failure) {
      await unlink(path).catch(() => {});
      throw failure;
    }
  }
  await unlink(temporary);
}

/** What takes the place of `/dev/null` or of a pipe takes it from every other program. */
async function refuseDevice(path: string): Promise<void> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined || there.isFile() || there.isDirectory()) return;
  throw new UsageError(
    `${show(path, 'path')} is a pipe, a socket or a device, and was left alone`,
    'Give a file with --out; - is standard output.',
  );
}

function failed(file: string, error: NodeJS.ErrnoException): Error {
  const path = show(file, 'path');
  if (error.code === 'EEXIST')
    return new UsageError(
      `${path} is there already, and was left alone`,
      'Give another name with --out, or --force to replace it.',
    );
  if (error.code === undefined) return error;
  const why: Record<string, string> = {
    ENOENT: 'its directory does not exist',
    EACCES: 'its directory may not be written to',
    EISDIR: 'it is a directory',
    ENOTDIR: 'its directory is a file',
    EROFS: 'its file system is read-only',
    ENOSPC: 'the disk is full',
  };
  return new UsageError(`${path} cannot be written: ${why[error.code] ?? error.code}`);
}
