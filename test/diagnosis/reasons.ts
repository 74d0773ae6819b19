import type { Kind } from './credentials.ts';

const unknownIssuer =
  /unable to get local issuer|unable to verify the first|UNABLE_TO_VERIFY_LEAF|refused 2[01] |issuer is unknown|unable to find valid certification path/;

/** What servers write of what they do not take, by their libraries: OpenSSL’s words or numbers, GnuTLS’s, Java’s. */
export const reasons: Readonly<Record<Exclude<Kind, 'right'>, RegExp>> = {
  none: /peer did not return a certificate|PEER_DID_NOT_RETURN|No certificate was found|Certificate is required|Empty client certificate chain| NONE$/m,
  untrusted: unknownIssuer,
  expired:
    /certificate has expired|CERT_HAS_EXPIRED|refused 10 |uses expired certificate|CertificateExpiredException/,
  'not yet valid':
    /is not yet valid|CERT_NOT_YET_VALID|refused 9 |uses not yet valid certificate|CertificateNotYetValidException/,
  'wrong usage':
    /unsuitable certificate purpose|INVALID_PURPOSE|refused 26 |does not permit use for TLS client/,
  revoked: /certificate revoked|CERT_REVOKED|refused 23 |chain is revoked|has been revoked/,
  'missing intermediate': unknownIssuer,
  weak: /key too weak|refused 66 /,
};
