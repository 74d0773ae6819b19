import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isPlausible, show } from '../quote.ts';
import { Problem } from './problem.ts';
import type { Surroundings } from './surroundings.ts';

/** The bytes of one material. */
export interface LoadedMaterial {
  /** A copy of our own, to be wiped after use. */
  readonly bytes: Buffer;
  /** What messages call it. */
  readonly label: string;
  /** Permission bits of the file; undefined where it is not a file. */
  readonly mode?: number | undefined;
}

/** Reads one file, through the resolved directory that it and its neighbours share. */
export async function readFileBytes(
  file: string | URL,
  surroundings: Surroundings,
  role?: string,
): Promise<LoadedMaterial> {
  surroundings.signal?.throwIfAborted();
  const path = toPath(file, surroundings.baseDirectory);
  const { baseDirectory } = surroundings;
  const label = typeof file === 'string' ? show(file, 'path', baseDirectory) : show(path, 'path');
  const subject = role === undefined ? '' : `${role} ${label} `;
  try {
    const real = await locate(path, surroundings);
    const handle = await openToRead(real);
    try {
      const stats = await handle.stat();
      if (stats.isDirectory())
        throw new Problem(
          'FILE_UNREADABLE',
          `${subject}is a directory`,
          'For a mounted secret write { dir: … }; otherwise name the file inside.',
        );
      if (!stats.isFile()) throw notRegular(subject);
      const bytes = await readAll(handle, stats.size, maxFileSize);
      if (!bytes) throw tooLarge();
      surroundings.files.push({ path, realpath: real, state: stateOf(stats) });
      return { bytes, label, mode: stats.mode };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw error instanceof Problem
      ? error
      : explainFileError(
          error,
          subject,
          path,
          !isPlausible(typeof file === 'string' ? file : path, 'path', baseDirectory),
        );
  }
}

/**
 * Opens a file without waiting: a pipe that nobody writes to would hold one of the few threads that all files, DNS
 * and cryptography of the process share, and four of them would stop it.
 */
export function openToRead(path: string): Promise<FileHandle> {
  // Windows knows no such flag, and keeps its pipes elsewhere.
  return open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
}

function notRegular(subject: string): Problem {
  return new Problem(
    'FILE_UNREADABLE',
    `${subject}is a pipe, a socket or a device, not a file`,
    "What a command prints is given as bytes, or in an environment variable: { env: 'NAME' }.",
  );
}

export function toPath(file: string | URL, baseDirectory: string): string {
  if (file === '')
    throw new Problem('FILE_NOT_FOUND', 'the path is empty', 'Check the variable that the path comes from.');
  if (typeof file === 'string' && !/^file:/i.test(file)) return resolve(baseDirectory, file);
  try {
    // To parse a host that is none takes Node 20 a time that grows with the square.
    if (!/^file:[/\\]{2}[^/\\]{256}/i.test(`${file}`)) return fileURLToPath(file);
  } catch {}
  throw new Problem(
    'CONFIG_INVALID',
    'is a URL that is not a local file: URL',
    'Download it first, and give its path.',
  );
}

/**
 * Where a path leads. Kubernetes mounts a secret as `tls.crt → ..data/tls.crt` with `..data → ..2026_11_21`,
 * and moves that one link: it is resolved once for all files below it, also where another link leads to `tls.crt`.
 */
async function locate(path: string, { directories }: Surroundings): Promise<string> {
  let place = path;
  for (let followed = 0; ; followed++) {
    const directory = dirname(place);
    let resolved = directories.get(directory);
    if (resolved === undefined) {
      resolved = realpath(directory);
      directories.set(directory, resolved);
    }
    const real = join(await resolved, basename(place));
    const link = followed < mostLinks ? await readlink(real).catch(() => undefined) : undefined;
    if (link === undefined) return real;
    place = resolve(dirname(real), link);
  }
}

/** As many as Linux follows; what goes further fails when it is opened. */
const mostLinks = 40;

/**
 * All of a file, or `undefined` where that is more than `most` bytes, whatever the file says of its size: those of /proc say
 * that they are empty, and some of them never end.
 */
export async function readAll(handle: FileHandle, size: number, most: number): Promise<Buffer | undefined> {
  if (size > most) return undefined;
  // One byte more than the file says, to notice those that grow.
  let bytes = Buffer.allocUnsafeSlow(Math.max(size + 1, 4096));
  let filled = 0;
  for (;;) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled);
    if (bytesRead === 0) return bytes.subarray(0, filled);
    filled += bytesRead;
    if (filled > most) return undefined;
    // A regular file that gave as much as it said needs no further call to find its end.
    if (filled === size) return bytes.subarray(0, filled);
    if (filled === bytes.length) {
      const grown = Buffer.allocUnsafeSlow(bytes.length * 2);
      bytes.copy(grown);
      bytes.fill(0);
      bytes = grown;
    }
  }
}

function explainFileError(error: unknown, subject: string, path: string, secret: boolean): Problem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (code === 'ENXIO') return notRegular(subject);
  // The error repeats the path; one that may be key material stays out of it.
  const cause = secret ? undefined : error;
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG')
    return new Problem(
      'FILE_NOT_FOUND',
      `${subject}does not exist`,
      secret
        ? 'It is not shown because it does not read as a path. If it is one, write it as "./name"; if it is the certificate itself, give it as a Buffer or as PEM text.'
        : `Looked for ${path}. Relative paths start at the config file's directory, or at the working directory.`,
      cause,
    );
  return new Problem(
    'FILE_UNREADABLE',
    `${subject}cannot be read (${code})`,
    code === 'EACCES' || code === 'EPERM'
      ? 'Give the user that runs this process read access to the file and to the directories above it.'
      : undefined,
    cause,
  );
}

/**
 * What tells one state of a file from another: which file it is, how long, and when it was last written. Its device as well,
 * for images that are made alike and mounted in one place; not on Windows, where Node 22.12 to 22.16, 24.0 and 24.1 know it
 * of a file that is open, and not of a path.
 *
 * @see https://github.com/libuv/libuv/pull/4698
 */
export function stateOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  // Joined: a template keeps each of its parts, and two of these are kept for every certificate.
  return [process.platform === 'win32' ? 0 : dev, ino, size, mtimeMs, ctimeMs].join(':');
}

/** Larger than any certificate file; what goes further is a mistake or an attack. */
const maxFileSize = 5 * 2 ** 20;

export function limited<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
  if (bytes.length > maxFileSize) throw tooLarge();
  return bytes;
}

function tooLarge(): Problem {
  return new Problem(
    'FILE_TOO_LARGE',
    `is larger than ${maxFileSize / 2 ** 20} MiB`,
    'A certificate file is a few kilobytes; check that this is the right file.',
  );
}
