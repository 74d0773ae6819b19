import { X509Certificate } from 'node:crypto';
import { SignedXml } from 'xml-crypto';

/**
 * The serial number of the certificate that a message brings and is signed with, as a receiver verifies it.
 *
 * @throws where the signature is none
 */
export function signerOf(message: string): string {
  const [, token] = /<wsse:BinarySecurityToken [^>]*>([^<]*)</.exec(message)!;
  const certificate = new X509Certificate(Buffer.from(token!, 'base64'));
  const verifier = new SignedXml({ publicCert: certificate.toString(), idMode: undefined as never });
  verifier.loadSignature(/<Signature[\s\S]*<\/Signature>/.exec(message)![0]);
  if (!verifier.checkSignature(message)) throw new Error('the signature does not verify');
  return certificate.serialNumber;
}
