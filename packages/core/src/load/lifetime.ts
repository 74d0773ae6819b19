import type { ExpiryThreshold } from '../types.ts';
import type { CertificateFields } from './certificate-fields.ts';

/** When certificates are told of: several thresholds, one, or none that was written. */
export type ExpiryThresholds = ExpiryThreshold | readonly ExpiryThreshold[] | undefined;

/** From when to when a certificate is valid. */
export type Lifetime = Pick<CertificateFields, 'notBefore' | 'notAfter'>;

/**
 * How many days before its end a certificate is told of, the first time first. A share is one of its whole lifetime;
 * unless written it is a third, and at most 30 days.
 */
export function thresholdsOf({ notBefore, notAfter }: Lifetime, written: ExpiryThresholds): number[] {
  const lifetime = (notAfter - notBefore) / day;
  if (written === undefined) return [Math.min(30, lifetime / 3)];
  return [written]
    .flat()
    .map((each) => (typeof each === 'number' ? each : (lifetime * Number.parseFloat(each)) / 100))
    .sort((a, b) => b - a);
}

const day = 86_400_000;
