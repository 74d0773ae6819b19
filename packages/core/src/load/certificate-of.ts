import { X509Certificate } from 'node:crypto';
import { encodingOf, readElement } from './der.ts';
import { toPem } from './provider-pem.ts';

/**
 * The certificate that these bytes of DER begin with. Node looks for PEM in them first: it would take what stands in a name
 * or an extension, where whoever issues a certificate can put any other, for the certificate itself.
 */
export function certificateOf(der: Uint8Array): X509Certificate {
  const bytes = Buffer.from(der.buffer, der.byteOffset, der.byteLength);
  if (!bytes.includes('-----BEGIN ')) return new X509Certificate(bytes);
  return new X509Certificate(toPem('CERTIFICATE', encodingOf(readElement(bytes)).toString('base64')));
}
