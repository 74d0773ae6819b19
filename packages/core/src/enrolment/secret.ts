import { workingDirectory } from '../config/here.ts';
import { ClientCertificateError } from '../errors.ts';
import { readSecret as read } from '../load/secret.ts';
import { failure, withTimeout } from './exchange.ts';

/** A secret, the environment variable or file that holds it, or a function that returns it. Read anew for each use. */
export type Secret = string | { env: string } | { file: string | URL } | (() => string | Promise<string>);

export function isSecret(value: unknown): value is Secret {
  if (typeof value === 'string' || typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  const { env, file } = value as { env?: unknown; file?: unknown };
  return env === undefined ? typeof file === 'string' || file instanceof URL : typeof env === 'string';
}

/** The same, its file being where it is now: the process may go to another directory before it is read. */
export function placed(secret: Secret): Secret {
  if (typeof secret !== 'object') return secret;
  const copy = { ...secret };
  const directory = workingDirectory();
  if (directory !== undefined) places.set(copy, directory);
  return copy;
}

/** What the path of a secret is relative to. It stays as it was written, since a secret may stand there by mistake. */
export function placeOf(secret: Secret | undefined): string | undefined {
  return typeof secret === 'object' ? places.get(secret) : undefined;
}

const places = new WeakMap<object, string>();

/**
 * What a secret is. Nobody says when a function, or a file system, answers: it is waited for as long as for an authority.
 *
 * @param label What messages call it.
 * @param signal Ends the reading; it is then rejected with the signal's reason.
 * @param form `word`: what a header takes, ASCII without blanks.
 * @throws ERR_CLIENTCERT_FILE_NOT_FOUND, ERR_CLIENTCERT_FILE_UNREADABLE, ERR_CLIENTCERT_FILE_EMPTY,
 *   ERR_CLIENTCERT_FILE_TOO_LARGE, ERR_CLIENTCERT_PASSPHRASE_MISSING where a function fails, ERR_CLIENTCERT_FILE_CORRUPT
 *   for what is no word
 */
export async function readSecret(
  secret: Secret,
  label: string,
  signal: AbortSignal,
  form: 'word' | 'text' = 'word',
): Promise<string> {
  const ending = withTimeout(signal);
  let text: string;
  try {
    text = await read(secret, label, ending, placeOf(secret));
  } catch (error) {
    signal.throwIfAborted();
    if (!ending.aborted) throw error;
    throw failure(`${label}: it is not there yet`, 'Does its function answer, and its file system?', error);
  }
  if (form === 'text' || isWord(text)) return text;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_FILE_CORRUPT',
    `${label} holds blanks, line breaks or what is not ASCII`,
    { hint: 'It is to be the secret alone.' },
  );
}

/** Node refuses anything else in a header, with a message that quotes it. */
export function isWord(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
