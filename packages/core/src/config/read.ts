import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ClientCertificateError } from '../errors.ts';
import { openToRead, readAll } from '../load/file.ts';
import { isPlausible, show } from '../quote.ts';
import type { Config } from '../types.ts';
import { isUrl } from '../url.ts';
import { decodeConfig } from './decode.ts';
import { type Here, here } from './here.ts';
import { findJsonMistake } from './json.ts';

/** A config as it was found, not checked yet. */
export interface FoundConfig {
  readonly config: unknown;
  /** What relative paths are relative to: the file's directory, else the working directory. */
  readonly baseDirectory: string;
  /** The file, absolute; `undefined` where the config came as an object. */
  readonly path: string | undefined;
}

/**
 * Takes a config as an object, or reads the JSON file that the argument or else `CLIENTCERT_CONFIG` names.
 *
 * @throws `ERR_CLIENTCERT_CONFIG_NOT_FOUND`, `ERR_CLIENTCERT_FILE_UNREADABLE`, and `ERR_CLIENTCERT_CONFIG_INVALID`
 *   with line and column where the file is not JSON.
 */
export async function readConfig(
  config: Config | string | URL | undefined,
  { named, directory }: Here = here(),
): Promise<FoundConfig> {
  if (config === undefined) {
    if (named === undefined || named === '') throw nothingNamed();
    return readFileOf(named, ' (named by CLIENTCERT_CONFIG)', directory);
  }
  if (typeof config === 'string' || isUrl(config)) return readFileOf(config, '', directory);
  return { config, baseDirectory: directory ?? process.cwd(), path: undefined };
}

async function readFileOf(
  location: string | URL,
  origin: string,
  directory: string | undefined,
): Promise<FoundConfig> {
  const { path, shown } = toPath(location, directory);
  const text = decodeConfig(await readBytes(path, shown, origin), shown);
  // Before it is parsed: `JSON.parse` would take a second for what is nested a million times, and its reason quotes the
  // text, which may hold a passphrase.
  const mistake = findJsonMistake(text);
  if (mistake !== undefined) {
    const message = `line ${mistake.line}, column ${mistake.column}: ${mistake.message}`;
    throw new ClientCertificateError('ERR_CLIENTCERT_CONFIG_INVALID', `${shown}: ${message}`, {
      hint: 'Correct the JSON. An editor shows such places if the file says "$schema": "./node_modules/@clientcert/core/schema/clientcert.schema.json".',
      issues: [{ path: [], message }],
    });
  }
  let config: unknown;
  try {
    config = JSON.parse(text);
  } catch {
    // No text comes here; its reason would be nobody's to read.
  }
  return { config, baseDirectory: dirname(path), path };
}

/** Where a config is, and what messages call it: what is given in its place may be the config itself. */
function toPath(location: string | URL, directory = ''): { path: string; shown: string } {
  if (!isUrl(location) && !/^[a-z][a-z\d+.-]+:[/\\]{2}|^file:/i.test(location)) {
    const path = resolve(directory, location);
    return { path, shown: isPlausible(location, 'path') ? path : show(location, 'path') };
  }
  try {
    const path = fileURLToPath(location);
    return { path, shown: show(path, 'path') };
  } catch {
    // The reason repeats the URL, which may hold credentials.
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_CONFIG_NOT_FOUND',
      'a config is not read from a URL that is no file: URL of this machine',
      { hint: 'Pass a path, a file: URL, or the config itself as an object.' },
    );
  }
}

async function readBytes(path: string, shown: string, origin: string): Promise<Buffer> {
  try {
    return await readRegular(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // It repeats the path.
    const cause = shown === path ? error : undefined;
    if (
      code === 'ENOENT' ||
      code === 'ENOTDIR' ||
      code === 'ENAMETOOLONG' ||
      code === 'ERR_INVALID_ARG_VALUE'
    ) {
      throw new ClientCertificateError(
        'ERR_CLIENTCERT_CONFIG_NOT_FOUND',
        `there is no config file ${shown}${origin}`,
        {
          hint:
            shown === path
              ? 'Check the path; a relative one is relative to the working directory.'
              : 'A path, such as "./clientcert.json", stands here. A config itself is passed as an object: JSON.parse(text).',
          cause,
        },
      );
    }
    const reason = REASONS.get(`${code}`) ?? `cannot be read (${code})`;
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_FILE_UNREADABLE',
      `the config file ${shown}${origin} ${reason}`,
      {
        hint: HINTS.get(`${code}`) ?? 'Let the user that runs this process read the file.',
        cause,
      },
    );
  }
}

/** Without waiting for whoever might write to a pipe, and no more than a config can be. */
async function readRegular(path: string): Promise<Buffer> {
  const handle = await openToRead(path);
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw faulty('EISDIR');
    if (!stats.isFile()) throw faulty('ENXIO');
    const bytes = await readAll(handle, stats.size, LARGEST);
    if (!bytes) throw faulty('EFBIG');
    return bytes;
  } finally {
    await handle.close();
  }
}

function faulty(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** Bytes: a hundred thousand rules take half of it. */
const LARGEST = 16 * 2 ** 20;

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EISDIR', 'is a directory'],
  ['ENXIO', 'is a pipe, a socket or a device, not a file'],
  ['EFBIG', 'is larger than 16 MiB'],
]);

const HINTS: ReadonlyMap<string, string> = new Map([
  ['EISDIR', 'Name the JSON file in it.'],
  ['ENXIO', 'What a command prints can be parsed and passed as an object.'],
  ['EFBIG', 'A config names certificates and hosts; put certificates into files of their own.'],
]);

function nothingNamed(): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_NOT_FOUND',
    'no config was given and CLIENTCERT_CONFIG names none',
    {
      hint: 'Pass a config or the path of one, set CLIENTCERT_CONFIG, or pass fromEnvironment() to use CLIENTCERT_PFX.',
    },
  );
}
