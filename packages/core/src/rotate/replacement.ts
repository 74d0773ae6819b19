import type { KeyObject, X509Certificate } from 'node:crypto';
import { ClientCertificateError } from '../errors.ts';
import { allowsClientAuth } from '../load/identity.ts';
import { leafFieldsOf, StoredCertificate } from '../load/stored-certificate.ts';
import { trustDomainOf } from '../load/svid.ts';
import { tokenKeyOf } from '../load/token-key.ts';
import { type Pins, rulesOf } from '../pin/rule.ts';
import { checkPresentable } from '../tls/context.ts';
import type { ClientCertificate, TlsRange } from '../types.ts';

/**
 * Whether a certificate that was read replaces the one in use. It has been checked by itself before: the key
 * is its own, the chain is in order.
 *
 * @param pins The rules by which it will be presented.
 * @param refused One that was taken back because a server refused it.
 * @returns `false` where it is the same certificate.
 * @throws ERR_CLIENTCERT_RENEWAL_REJECTED, ERR_CLIENTCERT_CERTIFICATE_REFUSED where the one in use would still work
 *   and this one would not
 */
export function replaces(
  next: ClientCertificate,
  current: ClientCertificate,
  name: string,
  pins: Pins,
  refused?: ClientCertificate | undefined,
): boolean {
  if (isSame(next, current)) return false;
  const now = Date.now();
  if (!isValid(current, now)) return true;
  const { notBefore, notAfter } = leafFieldsOf(next);
  if (now > notAfter) throw rejection(next, current, name, `expired on ${isoDate(notAfter)}`, misdated);
  if (now < notBefore) {
    throw rejection(next, current, name, `is not valid before ${isoDate(notBefore)}`, misdated);
  }
  if (!allowsClientAuth(next.certificate) && allowsClientAuth(current.certificate)) {
    const reason = 'is not for client authentication, by its extended key usage, and the one before is';
    throw rejection(next, current, name, reason, misissued);
  }
  if (refused && presentsSame(next, refused)) throw refusal(next, current, name);
  const unpresentable = findObstacle(next, name, pins);
  if (unpresentable && !findObstacle(current, name, pins)) throw unpresentable;
  return true;
}

const misdated = 'Have it issued again, or check the clocks of this machine and of the issuer.';
const misissued =
  'Have it issued for client authentication again. Where a public authority no longer does that, ask whoever runs the server which one does.';

/** Why OpenSSL does not take a certificate, under no rule: one that allows old cryptography takes more. */
function findObstacle(material: ClientCertificate, name: string, pins: Pins): unknown {
  const obstacle = tryToPresent(material, name, pins.tls);
  if (obstacle === undefined) return undefined;
  const legacy = rulesOf(pins).find(({ tls }) => tls?.legacy)?.tls;
  return legacy ? tryToPresent(material, name, legacy) : obstacle;
}

function tryToPresent(material: ClientCertificate, name: string, range: TlsRange): unknown {
  try {
    checkPresentable(name, material, range);
    return undefined;
  } catch (error) {
    return error;
  }
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
    `certificate "${name}": the renewed one (serial number ${next.certificate.serialNumber}) ${reason}; the one before stays in use, it is valid until ${isoDate(leafFieldsOf(current).notAfter)}`,
    { hint },
  );
}

function isoDate(time: number): string {
  return new Date(time).toISOString();
}

/** Whether two readings hold the same key, chain and roots. */
function isSame(a: ClientCertificate, b: ClientCertificate): boolean {
  return presentsSame(a, b) && lendSame(a, b) && haveSameKey(a.privateKey, b.privateKey);
}

/** On a token, with the same PIN: it is asked for again with that. */
function haveSameKey(a: KeyObject, b: KeyObject): boolean {
  const [one, other] = [tokenKeyOf(a), tokenKeyOf(b)];
  return a.equals(b) && one?.label === other?.label && one?.access.mark === other?.access.mark;
}

/** Whether a server is shown the same: the leaf and its chain. */
export function presentsSame(a: ClientCertificate, b: ClientCertificate): boolean {
  return haveSame([a.certificate, ...a.chain], [b.certificate, ...b.chain]);
}

/** Whether the same servers are trusted by them. Without bundles the roots are those of the certificate's own trust domain. */
export function lendSame(a: ClientCertificate, b: ClientCertificate): boolean {
  if (!a.bundles && a.ca.length > 0 && trustDomainOf(a.certificate) !== trustDomainOf(b.certificate))
    return false;
  const [of, others] = [a.bundles ?? {}, b.bundles ?? {}];
  const trustDomains = Object.keys(of);
  return (
    haveSame(a.ca, b.ca) &&
    (a.bundles === undefined) === (b.bundles === undefined) &&
    trustDomains.length === Object.keys(others).length &&
    trustDomains.every((name) => Object.hasOwn(others, name) && haveSame(of[name]!, others[name]!))
  );
}

/** The first, with what the other says of whom to trust. */
export function trustingAs(material: ClientCertificate, trusting: ClientCertificate): ClientCertificate {
  if (lendSame(material, trusting) || !(material instanceof StoredCertificate)) return material;
  return material.trustingAs(trusting);
}

/** Whether two lists hold the same certificates in the same order. */
export function haveSame(a: readonly X509Certificate[], b: readonly X509Certificate[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ fingerprint256 }, index) => fingerprint256 === b[index]!.fingerprint256)
  );
}

export function isValid(certificate: ClientCertificate, now: number): boolean {
  const { notBefore, notAfter } = leafFieldsOf(certificate);
  return notBefore <= now && now <= notAfter;
}
