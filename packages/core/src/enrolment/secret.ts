import { readFile } from 'node:fs/promises';
import { ClientCertificateError } from '../errors.ts';

/** A secret, the environment variable or file that holds it, or a function that returns it. Read anew for each use. */
export type Secret = string | { env: string } | { file: string | URL } | (() => string | Promise<string>);

export function isSecret(value: unknown): value is Secret {
  if (typeof value === 'string' || typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null) return false;
  const { env, file } = value as { env?: unknown; file?: unknown };
  return env === undefined ? typeof file === 'string' || file instanceof URL : typeof env === 'string';
}

/**
 * What a secret is.
 *
 * @param label What messages call it.
 * @param form `word`: what a header takes, ASCII without blanks.
 * @throws ERR_CLIENTCERT_FILE_NOT_FOUND, ERR_CLIENTCERT_FILE_UNREADABLE, ERR_CLIENTCERT_FILE_EMPTY
 */
export async function readSecret(
  secret: Secret,
  label: string,
  form: 'word' | 'text' = 'word',
): Promise<string> {
  const text = (await fetchSecret(secret, label)).replace(/\r?\n$/, '');
  // Node refuses anything else in a header, with a message that quotes it.
  if (form === 'text' ? text !== '' : /^[\x21-\x7e]+$/.test(text)) return text;
  throw new ClientCertificateError(
    text === '' ? 'ERR_CLIENTCERT_FILE_EMPTY' : 'ERR_CLIENTCERT_FILE_CORRUPT',
    `${label} ${text === '' ? 'is empty' : 'holds blanks, line breaks or what is not ASCII'}`,
    { hint: 'It is to be the secret alone.' },
  );
}

async function fetchSecret(secret: Secret, label: string): Promise<string> {
  if (typeof secret === 'string') return secret;
  if (typeof secret === 'function') {
    const text = await secret();
    return typeof text === 'string' ? text : '';
  }
  if ('env' in secret) return process.env[secret.env] ?? '';
  try {
    return await readFile(secret.file, 'utf8');
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new ClientCertificateError(
      `ERR_CLIENTCERT_FILE_${missing ? 'NOT_FOUND' : 'UNREADABLE'}`,
      `${label}: the file that holds it ${missing ? 'is not there' : 'cannot be read'}`,
      { hint: 'Its error is the cause.', cause },
    );
  }
}
