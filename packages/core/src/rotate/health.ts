import { type CertificateRole, quoteName } from './expiry.ts';

/** Whether all certificates can be used and are being renewed, for a health endpoint. */
export interface Health {
  /** The worst of the reasons; `ok` without any. */
  status: 'ok' | 'warning' | 'error';
  /** What is wrong; empty where nothing is. */
  reasons: HealthReason[];
}

/** One thing that is wrong, or will be. */
export interface HealthReason {
  /** How bad it is by itself. */
  status: 'warning' | 'error';
  /** The certificate's name, or the place of a rule whose roots it is about; `null` where it is about none. */
  certificate: string | null;
  /** Stable: what to branch on. */
  code:
    | 'EXPIRED'
    | 'NOT_YET_VALID'
    | 'EXPIRING'
    | 'LOAD_FAILED'
    | 'RENEWAL_FAILED'
    | 'BUNDLE_MISSING'
    | 'CLOSED';
  /** What it is, for people. */
  message: string;
}

/** What health is concluded from. */
export interface HealthRecord {
  readonly name: string;
  readonly status: 'valid' | 'expiring' | 'expired' | 'not yet valid';
  readonly validFrom: Date;
  readonly validTo: Date;
  /** Whether any rule presents it. */
  readonly used: boolean;
}

export interface FailureRecord {
  readonly name: string;
  readonly error: Error;
  readonly since: Date;
}

/** A certificate that could not be read at all. */
export interface BrokenRecord {
  readonly name: string;
  readonly message: string;
  /** Whether any rule presents it. */
  readonly used: boolean;
}

/** A certificate above a client's own, or a root, whose end has come or is near. */
export interface AuthorityRecord {
  readonly name: string;
  readonly role: CertificateRole;
  readonly subject: string;
  readonly validTo: Date;
  readonly expired: boolean;
  readonly used: boolean;
}

/** Puts together what is wrong. A certificate that no rule names can do no more than warn. */
export function healthOf(
  certificates: readonly HealthRecord[],
  authorities: readonly AuthorityRecord[],
  broken: readonly BrokenRecord[],
  unverifiable: readonly { readonly rule: string; readonly message: string }[],
  failures: readonly FailureRecord[],
  closed: boolean,
): Health {
  const notLoaded = new Set(broken.map(({ name }) => name));
  const reasons: HealthReason[] = [
    ...certificates.flatMap(reasonsOfCertificate),
    ...authorities.map(reasonOfAuthority),
    ...broken.map(({ name, message, used }) => ({
      status: used ? ('error' as const) : ('warning' as const),
      certificate: name,
      code: 'LOAD_FAILED' as const,
      message: `not loaded${used ? ', requests to its hosts fail' : ''}: ${message}`,
    })),
    ...unverifiable.map(({ rule, message }) => ({
      status: 'error' as const,
      certificate: rule,
      code: 'BUNDLE_MISSING' as const,
      message,
    })),
    ...failures
      .filter(({ name }) => !notLoaded.has(name))
      .map(({ name, error, since }) => ({
        status: 'warning' as const,
        certificate: name,
        code: 'RENEWAL_FAILED' as const,
        message: `not renewed since ${since.toISOString()}: ${error.message}`,
      })),
  ];
  if (closed) {
    reasons.unshift({ status: 'error', certificate: null, code: 'CLOSED', message: 'closed' });
  }
  const status = reasons.some((reason) => reason.status === 'error')
    ? 'error'
    : reasons.length > 0
      ? 'warning'
      : 'ok';
  return { status, reasons };
}

/** Servers do not take a chain of which a part has expired; of a root they may send another way around it. */
function reasonOfAuthority({ name, role, subject, validTo, expired, used }: AuthorityRecord): HealthReason {
  return {
    status: expired && used && role === 'intermediate' ? 'error' : 'warning',
    certificate: name,
    code: expired ? 'EXPIRED' : 'EXPIRING',
    message: `${quoteName(name)}: the ${role} ${subject} ${expired ? 'expired' : 'expires'} on ${validTo.toISOString()}`,
  };
}

function reasonsOfCertificate({ name, status, validFrom, validTo, used }: HealthRecord): HealthReason[] {
  if (status === 'valid') return [];
  const [code, message] = {
    expired: ['EXPIRED', `certificate "${name}" expired on ${validTo.toISOString()}`] as const,
    'not yet valid': [
      'NOT_YET_VALID',
      `certificate "${name}" is not valid before ${validFrom.toISOString()}`,
    ] as const,
    expiring: ['EXPIRING', `certificate "${name}" expires on ${validTo.toISOString()}`] as const,
  }[status];
  return [{ status: status === 'expiring' || !used ? 'warning' : 'error', certificate: name, code, message }];
}
