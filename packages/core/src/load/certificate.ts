import type { Budget } from './budget.ts';
import { certificateOf } from './certificate-of.ts';
import type { FoundCertificate } from './file-contents.ts';
import { curveCost } from './key-size.ts';
import { corrupt, quote } from './problem.ts';

/** Bytes of one certificate. OpenSSL takes no more in a handshake, of all together (SSL_MAX_CERT_LIST_DEFAULT). */
const maxSize = 100 * 1024;

/** A certificate from its DER; what follows it in `bytes` (a TRUSTED CERTIFICATE's trust settings) is ignored. */
export function parseCertificate(
  bytes: Buffer,
  budget: Budget,
  alias?: string,
  keyId?: string,
): FoundCertificate {
  if (bytes.length > maxSize) throw corrupt(`holds a certificate of ${bytes.length} bytes`);
  budget.work(curveCost(bytes));
  try {
    return { certificate: certificateOf(bytes), alias, keyId };
  } catch (cause) {
    const problem = corrupt(
      `holds a certificate${alias === undefined ? '' : ` (${quote(alias)})`} that cannot be parsed`,
    );
    problem.cause = cause;
    throw problem;
  }
}
