import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import type { TlsRange, TlsVersion } from '../types.ts';

const order: readonly TlsVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** Negative where `a` is older than `b`, positive where it is newer. */
export function compareVersions(a: TlsVersion, b: TlsVersion): number {
  return order.indexOf(a) - order.indexOf(b);
}

/**
 * A TLS range as options of a secure context.
 *
 * Everything is written out, so that `--tls-min-v1.0`, `--tls-cipher-list` and `tls.DEFAULT_*` can lower
 * nothing. With `legacy`, `@SECLEVEL=0` admits TLS 1.0 and 1.1, SHA-1 and small DH keys, and
 * `SSL_OP_LEGACY_SERVER_CONNECT` admits servers without RFC 5746.
 *
 * @see https://docs.openssl.org/3.5/man3/SSL_CTX_set_security_level/
 */
export function protocolOptions(range: TlsRange): SecureContextOptions {
  const ciphers = constants.defaultCoreCipherList;
  return {
    minVersion: range.min,
    maxVersion: range.max,
    ciphers: range.legacy ? `${ciphers}:@SECLEVEL=0` : ciphers,
    secureOptions: range.legacy ? constants.SSL_OP_LEGACY_SERVER_CONNECT : 0,
  };
}
