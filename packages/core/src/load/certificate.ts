import { X509Certificate } from 'node:crypto';
import type { FoundCertificate } from './holdings.ts';
import { corrupt, quote } from './problem.ts';

/** A certificate from its DER; what follows it in `bytes` (a TRUSTED CERTIFICATE's trust settings) is ignored. */
export function parseCertificate(bytes: Uint8Array, alias?: string, keyId?: string): FoundCertificate {
  try {
    return { certificate: new X509Certificate(bytes), alias, keyId };
  } catch (cause) {
    const problem = corrupt(
      `holds a certificate${alias === undefined ? '' : ` (${quote(alias)})`} that cannot be parsed`,
    );
    problem.cause = cause;
    throw problem;
  }
}
