import { ClientCertificateError } from '../errors.ts';

/**
 * The text of a config: UTF-8, with or without a byte order mark; Windows tools also write UTF-16.
 *
 * @param shown What messages call the file.
 * @throws ERR_CLIENTCERT_CONFIG_INVALID
 */
export function decodeConfig(bytes: Buffer, shown: string): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  try {
    return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_CONFIG_INVALID',
      `${shown}: this is not a text in UTF-8`,
      {
        hint: 'The config is a JSON file. A certificate file is named in it, under `certificates`.',
      },
    );
  }
}
