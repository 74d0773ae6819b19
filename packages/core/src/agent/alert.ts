/**
 * The number of the TLS alert that an error reports as received, or `null`. OpenSSL's reason is the alert's
 * number plus 1000, and stands in hexadecimal in every message; names and texts differ between its versions.
 *
 * @see RFC 8446, section 6
 */
export function alertOf(error: NodeJS.ErrnoException): number | null {
  // What is not OpenSSL's may have any text, as that of whoever ends a request.
  if (!/^(ERR_SSL_|EPROTO$)/.test(error.code ?? '')) return null;
  const packed = /\berror:0A([0-9A-F]{6})\b/.exec(error.message)?.[1];
  if (packed === undefined) return null;
  const alert = Number.parseInt(packed, 16) - 1000;
  return alert > 0 && alert < 256 ? alert : null;
}
