import { X509Certificate } from 'node:crypto';
import type { FoundCertificate } from './holdings.ts';
import { corrupt } from './problem.ts';

/** A certificate from its DER; what follows it in `bytes` (a TRUSTED CERTIFICATE's trust settings) is ignored. */
export function parseCertificate(bytes: Uint8Array, alias?: string): FoundCertificate {
  try {
    return { certificate: new X509Certificate(bytes), alias };
  } catch (cause) {
    const problem = corrupt('holds a certificate that cannot be parsed');
    problem.cause = cause;
    throw problem;
  }
}
