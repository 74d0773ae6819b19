import { ClientCertificateError } from '@clientcert/core';
import { readSecret as read } from '@clientcert/core/adapter';
import type { Secret } from './options.ts';

/**
 * @param label What messages call it.
 * @throws ERR_CLIENTCERT_FILE_CORRUPT for what no header can hold; what {@link read} throws
 */
export async function readSecret(secret: Secret, label: string, signal: AbortSignal): Promise<string> {
  const text = await read(secret, label, signal);
  if (isHeaderValue(text)) return text;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_FILE_CORRUPT',
    `${label} holds blanks, line breaks or what is not ASCII`,
    { hint: 'It is to be the secret alone.' },
  );
}

/** Node refuses anything else in a header, with a message that quotes it. */
export function isHeaderValue(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
