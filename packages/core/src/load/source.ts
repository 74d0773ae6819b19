import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';
import { isPlausible, show, variableWith } from '../quote.ts';
import type { Config, Material } from '../types.ts';
import { isUrl } from '../url.ts';
import { Problem } from './problem.ts';

/** Larger than any certificate file; what goes further is a mistake or an attack. */
const maxFileSize = 5 * 2 ** 20;

/** What a source's paths and names refer to, and the directories that were resolved while reading it. */
export interface Surroundings {
  readonly baseDirectory: string;
  readonly env: NodeJS.ProcessEnv;
  /**
   * Real paths of directories. Each is resolved once per reading, so that two files of a mounted secret come
   * from the same version of it, however often its `..data` link moves meanwhile.
   */
  readonly directories: Map<string, Promise<string>>;
  /** Every file that was read, in order. */
  readonly files: ReadFile[];
  /** Ends the reading. */
  readonly signal: AbortSignal | undefined;
}

/** Where and for whom a source is read. */
export interface ReadContext {
  /** The certificate's name in the config, for messages. */
  readonly name?: string | undefined;
  /** What relative paths start at; the working directory unless written. */
  readonly baseDirectory?: string | undefined;
  /** Where `{ env }` is looked up; the process' environment unless written. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** From when on a certificate is said to be expiring, as in a config. */
  readonly expiryWarningDays?: Config['expiryWarningDays'];
  /** Ends the reading; it is then rejected with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A file that was really read. `path` is what a watcher should watch; `realpath` is where it led. */
export interface ReadFile {
  readonly path: string;
  readonly realpath: string;
  /** Differs, when it is asked for again, where the file has changed meanwhile. */
  readonly state: string;
}

/** What tells one state of a file from another: which file it is, how long, and when it was last written. */
export function stateOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  // Joined: a template keeps each of its parts, and two of these are kept for every certificate.
  return [dev, ino, size, mtimeMs, ctimeMs].join(':');
}

export interface LoadedMaterial {
  /** A copy of our own, to be wiped after use. */
  readonly bytes: Buffer;
  /** What messages call it. */
  readonly label: string;
  /** Permission bits of the file; undefined where it is not a file. */
  readonly mode?: number | undefined;
}

export function createSurroundings({
  baseDirectory = process.cwd(),
  env = process.env,
  signal,
}: ReadContext): Surroundings {
  return { baseDirectory, env, directories: new Map(), files: [], signal };
}

/**
 * What messages call a material. Nothing of what may be a secret that was given as a path by mistake.
 *
 * @param directory What relative paths start at; the working directory unless given.
 */
export function labelOf(material: Material, directory?: string): string {
  if (typeof material === 'string')
    return isInline(material) ? 'the text given' : show(material, 'path', directory);
  if (types.isUint8Array(material)) return 'the bytes given';
  if (isUrl(material)) return isFileUrl(material) ? show(fileURLToPath(material), 'path') : 'a URL';
  if (typeof material === 'object' && material !== null && typeof material.env === 'string')
    return `environment variable ${show(material.env, 'variable')}`;
  return 'the source';
}

/** The bytes of a material, from wherever they are. */
export async function fetchMaterial(material: Material, surroundings: Surroundings): Promise<LoadedMaterial> {
  const label = labelOf(material, surroundings.baseDirectory);
  if (typeof material === 'string') {
    const inline = isInline(material);
    if (inline) return { bytes: limited(Buffer.from(material, inline)), label };
    return readFileBytes(material, surroundings);
  }
  if (types.isUint8Array(material)) return { bytes: Buffer.from(limited(material)), label };
  if (isUrl(material)) return readFileBytes(material, surroundings);
  if (typeof material === 'object' && material !== null && typeof material.env === 'string') {
    const text = surroundings.env[material.env];
    if (text === undefined) throw unset(material.env, 'the PEM text, or the base64 of the file');
    return { bytes: limited(Buffer.from(text)), label };
  }
  throw new Problem(
    'CONFIG_INVALID',
    'is neither a path, a file: URL, { env }, bytes nor PEM text',
    "Write a path, a file: URL, { env: 'NAME' }, a Buffer or the PEM text itself.",
  );
}

/** What messages say of a variable that is not there. */
export function describeUnset(name: string): string {
  return `the environment variable ${show(name, 'variable')} is not set`;
}

function unset(name: string, value: string): Problem {
  return new Problem('FILE_NOT_FOUND', describeUnset(name), adviseUnset(name, value));
}

/** What to do about it; where its value was written in place of its name, that. */
export function adviseUnset(name: string, value: string): string {
  const meant = variableWith(name);
  if (meant !== undefined) return `Write { env: '${meant}' }: the name of the variable, not its value.`;
  return isPlausible(name, 'variable')
    ? `Set ${name} to ${value}.`
    : `Write { env: 'NAME' } with the name of a variable that holds ${value}, not the value itself.`;
}

function isFileUrl({ protocol, host }: URL): boolean {
  return protocol === 'file:' && host === '';
}

function limited<Bytes extends Uint8Array>(bytes: Bytes): Bytes {
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

/** The encoding of a string that is itself the material; undefined for one that is a path. */
function isInline(text: string): 'utf8' | 'latin1' | undefined {
  if (
    /^0[\x80-\x84]/.test(text) ||
    text.startsWith('\xfe\xed\xfe\xed') ||
    text.startsWith('\xce\xce\xce\xce')
  )
    return /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1';
  if (text.length > 20 && /[\n\r\ufffd<]|---- ?BEGIN |PuTTY-User-Key-File|\\n/.test(text)) return 'utf8';
  return text.length > 80 && (looksLikeBase64(text) || isBase64OfPem(text)) ? 'utf8' : undefined;
}

/** Base64 of a text that leads up to its first block: bag attributes, a comment. */
function isBase64OfPem(text: string): boolean {
  return /^[A-Za-z0-9+/_=\s-]*$/.test(text) && Buffer.from(text, 'base64').includes('-----BEGIN ');
}

/**
 * Base64 of DER, PEM, JKS, JCEKS or of base64 again, a data: URL, or hexadecimal DER: no path begins like that
 * and goes on for so long without a dot.
 */
function looksLikeBase64(text: string): boolean {
  return (
    /^\s*["']?(?:M[A-P]|LS0t|TU[k-l]|TFMw|\/u3\+7Q|zs7Ozg)[A-Za-z0-9+/_\s-]{36}/.test(text) ||
    /^(?:data:[^,]{0,200};base64,|(?:0x)?30[\s:]?8[0-4][0-9a-f\s:]{40})/i.test(text)
  );
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
      if (stats.size > maxFileSize) throw tooLarge();
      const bytes = await readAll(handle, stats.size);
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

/** The path that a material is, or `undefined` where it is bytes, text or a variable. */
export function pathOf(material: Material, baseDirectory: string): string | undefined {
  if (typeof material === 'string') return isInline(material) ? undefined : toPath(material, baseDirectory);
  return isUrl(material) ? toPath(material, baseDirectory) : undefined;
}

export function toPath(file: string | URL, baseDirectory: string): string {
  if (file === '')
    throw new Problem('FILE_NOT_FOUND', 'the path is empty', 'Check the variable that the path comes from.');
  if (typeof file === 'string' && !/^file:/i.test(file)) return resolve(baseDirectory, file);
  try {
    return fileURLToPath(file);
  } catch {
    throw new Problem(
      'CONFIG_INVALID',
      'is a URL that is not a local file: URL',
      'Download it first, and give its path.',
    );
  }
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

/** Whether a directory that was resolved is another by now. */
export async function hasMoved({ directories }: Surroundings): Promise<boolean> {
  const found = await Promise.all(
    [...directories].map(async ([path, resolved]) => {
      const [before, now] = await Promise.allSettled([resolved, realpath(path)]);
      return before.status === 'fulfilled' && (now.status === 'rejected' || now.value !== before.value);
    }),
  );
  return found.includes(true);
}

/** As many as Linux follows; what goes further fails when it is opened. */
const mostLinks = 40;

async function readAll(handle: FileHandle, size: number): Promise<Buffer> {
  // One byte more than the file says, to notice files that grow, and those of /proc, whose size is 0.
  let bytes = Buffer.allocUnsafeSlow(Math.max(size + 1, 4096));
  let filled = 0;
  for (;;) {
    const { bytesRead } = await handle.read(bytes, filled, bytes.length - filled);
    if (bytesRead === 0) return bytes.subarray(0, filled);
    filled += bytesRead;
    if (filled > maxFileSize) throw tooLarge();
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
