import { ClientCertificateError } from '../errors.ts';
import type { Passphrase } from '../types.ts';
import { resolvePassphrase } from './passphrase.ts';
import { explainAs } from './problem.ts';
import { createSurroundings } from './surroundings.ts';

/**
 * A secret from where a user says that it is, read within the bounds of every file and function: what is no regular file
 * is refused, and nobody waits longer than the signal says.
 *
 * @param label What messages call it.
 * @param signal Ends the reading; it is then rejected with the signal's reason.
 * @param baseDirectory What a relative path starts at; the working directory unless given.
 * @throws ERR_CLIENTCERT_FILE_NOT_FOUND, ERR_CLIENTCERT_FILE_UNREADABLE, ERR_CLIENTCERT_FILE_TOO_LARGE,
 *   ERR_CLIENTCERT_PASSPHRASE_MISSING where a function fails, ERR_CLIENTCERT_FILE_EMPTY where there is none
 */
export async function readSecret(
  secret: Passphrase,
  label: string,
  signal: AbortSignal,
  baseDirectory?: string,
): Promise<string> {
  try {
    const {
      text = '',
      reason,
      advice,
    } = await resolvePassphrase(secret, createSurroundings({ signal, baseDirectory }), label);
    if (text !== '') return text;
    throw new ClientCertificateError('ERR_CLIENTCERT_FILE_EMPTY', `${label} is empty: ${reason}`, {
      hint: advice?.replace('passphrase', 'secret'),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw explainAs(label, error);
  }
}
