import type { Warning } from '@clientcert/core';
import type { Statements } from './statements.ts';

/** What is said of a file. */
export interface Report {
  file: string;
  /** The files that make one identity together with this one; what they come to has a report of its own. */
  halfOf?: readonly string[];
  /** `refused`: it was read, and servers will refuse every identity in it. */
  verdict: 'good' | 'warning' | 'refused' | 'unusable';
  /** What the file is. */
  format?: string;
  /** What encrypts and protects it. */
  algorithms?: readonly string[];
  /** The major versions of Node that could open it themselves. */
  opensIn?: readonly number[];
  identities?: IdentityReport[];
  /** Certificates that no key in the file belongs to, where there is no identity. */
  certificates?: CertificateReport[];
  /** Keys without a certificate; `encrypted` is `null` where a token holds one. */
  keys?: { type: string; alias?: string | undefined; encrypted: boolean | null }[];
  /** What else was recognised and skipped. */
  skipped?: readonly string[];
  error?: { code?: string | undefined; message: string; hint?: string | undefined };
}

export interface CertificateReport {
  alias?: string | undefined;
  subject: string;
  issuer: string;
  serialNumber: string;
  validFrom: Date;
  validTo: Date;
  daysLeft: number;
  keyType: string;
  usages: readonly string[];
  fingerprint256: string;
  fingerprint: string;
  /** SHA-256 as JOSE and OAuth 2.0 write it: base64url (RFC 7515, section 4.1.8; RFC 8705). */
  'x5t#S256': string;
  /** What a qualified certificate says of itself: QWAC, QSeal, PSD2 roles. */
  statements?: Statements;
}

export interface IdentityReport extends CertificateReport {
  /** From the leaf's issuer upwards. */
  chain: { subject: string; sent: boolean }[];
  /** Who issued the last of it, where that certificate is not in the file; `null` where it is. */
  missingIssuer: string | null;
  warnings: readonly Warning[];
  /** What is no fault of the file, and has to be known. */
  notes: readonly { code: string; message: string }[];
  /** The lines for the config. */
  config: readonly string[];
}

/** Why servers will refuse an identity, whoever issued it. */
export function refusalOf({ warnings }: IdentityReport): Warning | undefined {
  return warnings.find(
    ({ code }) => code === 'EXPIRED' || code === 'NOT_YET_VALID' || code === 'NO_CLIENT_AUTH',
  );
}

/** What the identities of a file, or of several, come to. */
export function verdictOn(identities: readonly IdentityReport[]): Report['verdict'] {
  if (identities.length === 0) return 'warning';
  if (identities.every(refusalOf)) return 'refused';
  return identities.every(({ warnings }) => warnings.length === 0) ? 'good' : 'warning';
}
