import type { X509Certificate } from 'node:crypto';
import { ClientCertificateError } from '../errors.ts';
import { anatomyOf } from '../load/anatomy.ts';
import type { ClientCertificate } from '../types.ts';

/**
 * Whether a certificate that was read replaces the one in use. It has been checked by itself before: the key
 * is its own, the chain is in order.
 *
 * @param refused One that was taken back because a server refused it.
 * @returns `false` where it is the same certificate.
 * @throws ERR_CLIENTCERT_RENEWAL_REJECTED where the one in use would still work and this one would not
 */
export function replaces(
  next: ClientCertificate,
  current: ClientCertificate,
  name: string,
  refused?: ClientCertificate | undefined,
): boolean {
  if (isSame(next, current)) return false;
  const now = Date.now();
  const { notBefore, notAfter } = anatomyOf(next.certificate);
  if (!isValid(current, now)) return true;
  const reason =
    now > notAfter
      ? `expired on ${new Date(notAfter).toISOString()}`
      : now < notBefore
        ? `is not valid before ${new Date(notBefore).toISOString()}`
        : undefined;
  if (reason !== undefined) {
    const hint = 'Have it issued again, or check the clocks of this machine and of the issuer.';
    throw rejection(next, current, name, reason, hint);
  }
  if (refused && presentsSame(next, refused)) throw refusal(next, current, name);
  return true;
}

/** Why a certificate that a server refused was taken back, or is not taken again. */
export function refusal(
  refused: ClientCertificate,
  current: ClientCertificate,
  name: string,
): ClientCertificateError {
  const hint = 'Ask whoever runs the server which certificates it takes, and have it issued again.';
  return rejection(refused, current, name, 'was refused by a server and has been taken back', hint);
}

function rejection(
  next: ClientCertificate,
  current: ClientCertificate,
  name: string,
  reason: string,
  hint: string,
): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_RENEWAL_REJECTED',
    `certificate "${name}": the renewed one (serial number ${next.certificate.serialNumber}) ${reason}; the one before stays in use, it is valid until ${new Date(anatomyOf(current.certificate).notAfter).toISOString()}`,
    { hint },
  );
}

/** Whether two readings hold the same key, chain and roots. */
function isSame(a: ClientCertificate, b: ClientCertificate): boolean {
  return presentsSame(a, b) && haveSame(a.ca, b.ca) && a.privateKey.equals(b.privateKey);
}

/** Whether a server is shown the same: the leaf and its chain. */
export function presentsSame(a: ClientCertificate, b: ClientCertificate): boolean {
  return haveSame([a.certificate, ...a.chain], [b.certificate, ...b.chain]);
}

/** Whether two lists hold the same certificates in the same order. */
export function haveSame(a: readonly X509Certificate[], b: readonly X509Certificate[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ fingerprint256 }, index) => fingerprint256 === b[index]!.fingerprint256)
  );
}

export function isValid({ certificate }: ClientCertificate, now: number): boolean {
  const { notBefore, notAfter } = anatomyOf(certificate);
  return notBefore <= now && now <= notAfter;
}
