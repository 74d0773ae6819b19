import type { X509Certificate } from 'node:crypto';

/**
 * The headers in which what ends TLS in front of a server tells it which client certificate it was shown: `client-cert`
 * and, where there are intermediates, `client-cert-chain`. With `header`, that one alone, the certificate in it as
 * URL-encoded PEM: so have it `X-WSO2-CLIENT-CERTIFICATE` and nginx's `$ssl_client_escaped_cert`.
 *
 * A header proves nothing. Whoever reaches the server can write it: send it only where nobody else does, and where
 * those that clients send are removed.
 *
 * @param sent The leaf, and the intermediates from its issuer upwards; what `withSigningKey` lends will do.
 * @see RFC 9440
 *
 * @example
 * import { clientCertHeaders } from '@clientcert/core';
 *
 * const headers = credentials.withSigningKey('https://api.bank.example', (key) => clientCertHeaders(key));
 */
export function clientCertHeaders(
  sent: {
    readonly certificate: X509Certificate;
    readonly chain?: readonly X509Certificate[] | undefined;
  },
  { header }: { header?: string | undefined } = {},
): Record<string, string> {
  const { certificate, chain = [] } = sent;
  if (header !== undefined) return { [header]: encodeURIComponent(certificate.toString()) };
  const leaf = { 'client-cert': byteSequence(certificate) };
  return chain.length === 0 ? leaf : { ...leaf, 'client-cert-chain': chain.map(byteSequence).join(', ') };
}

/** RFC 8941, section 3.3.5. */
function byteSequence({ raw }: X509Certificate): string {
  return `:${raw.toString('base64')}:`;
}
