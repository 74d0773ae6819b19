import type { X509Certificate } from 'node:crypto';
import { anatomyOf } from './anatomy.ts';

/**
 * What kind of key a certificate is for, as Node calls it; where this Node has no word for it, its OpenSSL may sign
 * with it all the same, as that of Node 22 does with ML-DSA. Then it is the name in the standard, or the OID.
 */
export function keyTypeOf(certificate: X509Certificate): string {
  const { keyAlgorithm } = anatomyOf(certificate);
  return certificate.publicKey.asymmetricKeyType ?? names[keyAlgorithm] ?? keyAlgorithm;
}

/** @see RFC 9881, section 2 */
const names: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.3.17': 'ml-dsa-44',
  '2.16.840.1.101.3.4.3.18': 'ml-dsa-65',
  '2.16.840.1.101.3.4.3.19': 'ml-dsa-87',
};
