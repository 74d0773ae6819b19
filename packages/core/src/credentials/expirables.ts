import { subjectOf } from '../load/identity.ts';
import { type Expirable, expirablesOf, passedThreshold, rootsAsExpirable } from '../rotate/expiry.ts';
import type { AuthorityRecord } from '../rotate/health.ts';
import type { Inventory } from './inventory.ts';

/** Every certificate whose end matters: those presented, those above them, and the roots of certificates and rules. */
export function expirablesIn(inventory: Inventory): Expirable[] {
  return [...[...inventory.certificates.values()].flatMap(expirablesOf), ...expirableRootsIn(inventory)];
}

/** The roots of rules and of the proxy. */
export function expirableRootsIn({ roots }: Inventory): Expirable[] {
  return [...roots.values()].flatMap(({ label, reading }) => rootsAsExpirable(`${label}: ca`, reading.value));
}

/** Intermediates and roots that have expired, or are about to. */
export function endingAuthorities(inventory: Inventory): Omit<AuthorityRecord, 'used'>[] {
  const now = Date.now();
  return expirablesIn(inventory).flatMap(({ name, role, lifetime, certificate, spare }) => {
    if (role === 'certificate') return [];
    const passed = passedThreshold(lifetime, inventory.config.expiryWarningDays, now);
    const expired = passed !== undefined && passed < 0;
    if (passed === undefined || (expired && spare)) return [];
    const validTo = new Date(lifetime.notAfter);
    return [{ name, role, subject: subjectOf(certificate()), validTo, expired }];
  });
}
