import type { X509Certificate } from 'node:crypto';
import { ClientCertificateError } from '../errors.ts';
import type { ClientCertificate } from '../types.ts';

/** Whether two readings of a source are the same certificate, with the same chain and the same roots. */
export function isSame(before: ClientCertificate, after: ClientCertificate): boolean {
  const { certificate, chain, ca } = after;
  return (
    haveSame([before.certificate], [certificate]) && haveSame(before.chain, chain) && haveSame(before.ca, ca)
  );
}

/** Whether two lists hold the same certificates in the same order. */
export function haveSame(before: readonly X509Certificate[], after: readonly X509Certificate[]): boolean {
  const prints = (list: readonly X509Certificate[]) =>
    list.map(({ fingerprint256 }) => fingerprint256).join();
  return prints(before) === prints(after);
}

/**
 * Refuses to replace a certificate that is still valid by one that is not.
 *
 * @throws ERR_CLIENTCERT_RENEWAL_EXPIRED
 */
export function checkRenewal(name: string, before: ClientCertificate, after: ClientCertificate): void {
  const now = Date.now();
  const validTo = (material: ClientCertificate) => Date.parse(material.certificate.validTo);
  if (validTo(after) > now || validTo(before) <= now) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_RENEWAL_EXPIRED',
    `certificate "${name}": what was read to replace it expired on ${after.certificate.validTo}, so the one in use stays`,
    { hint: 'Was an old file put back? Look at it with: clientcert inspect FILE' },
  );
}
