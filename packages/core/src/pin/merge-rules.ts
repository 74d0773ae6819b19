import { createHash, type X509Certificate } from 'node:crypto';
import type { CaMaterial, Resolution } from '../types.ts';
import type { PinRule, Pins } from './rule.ts';

/** The certificates that a rule's `ca` holds, read beforehand. */
export type RootsOf = (ca: readonly CaMaterial[]) => readonly X509Certificate[];

export interface ResolutionContext {
  readonly pins: Pins;
  readonly roots: RootsOf;
}

/** The rules that make one decision, and how it is to be named. */
export interface Decision {
  readonly label: string;
  /** The rule for the host: it describes the server. */
  readonly host: PinRule;
  /** The service's rule, where it applies here: what it does not say, the host's rule says. */
  readonly service: PinRule | undefined;
  /** The request said `false`. */
  readonly withheld: boolean;
}

/**
 * Puts the rules of one decision together.
 *
 * A service's rule is laid over the host's: `certificate`, `tls`, `spki`, `servername`, `required` and the like each come from
 * the service where it says something, else from the host. Roots add up, those of the certificates that both
 * rules name included, because they describe one and the same server; only where the service says
 * `trust: 'only'`, or by `server` who it has to be, are the host's left out.
 */
export function compileResolution(context: ResolutionContext, decision: Decision): Resolution {
  const { pins } = context;
  const { host, service, withheld } = decision;
  const named = service?.certificate ?? host.certificate;
  const certificate = named === undefined || named === false || withheld ? null : named;
  const server = service?.server ?? host.server ?? null;
  const both = [service, host].filter((rule) => rule !== undefined);
  const trusting = isExclusive(pins, service) || service?.server !== undefined ? [service!] : both;
  const roots = trusting.flatMap((rule) => (rule.ca === undefined ? [] : context.roots(rule.ca)));
  const ca = [...new Map(roots.map((root) => [root.fingerprint256, root])).values()];
  // The roots for a server with an id are the rules' own, or come with the certificate, be it the host's.
  const lending = server === null ? trusting : ca.length > 0 ? [] : isNamed(service) ? trusting : both;
  const authorities = unique(
    lending.map((rule) => rule.certificate).filter((name) => typeof name === 'string'),
  );
  const anyServer = acceptance(pins, host, service);
  const resolution = {
    certificate,
    rule: decision.label,
    tls: service?.tls ?? host.tls ?? pins.tls,
    tlsBy: whoseTls(pins, host, service),
    ca: Object.freeze(ca),
    trust: server !== null || trusting.some((rule) => isExclusive(pins, rule)) ? 'only' : 'system',
    spki: service?.spki ?? host.spki ?? NO_PINS,
    servername: service?.servername ?? host.servername ?? null,
    server,
    resume: service?.resume ?? host.resume ?? true,
    // Where nobody names one there is none to send, and the connection is not made.
    required: named !== false && !withheld && (service?.required ?? host.required ?? false),
    authorities: Object.freeze(authorities),
    denied: named === false,
    // A certificate never goes to an unverified server unless the rule says that, too, by name.
    acceptsAnyServer: anyServer === 'and-present-certificate' || (anyServer === true && certificate === null),
    allowDowngrade: service?.allowDowngrade ?? host.allowDowngrade ?? false,
  } as const;
  return Object.freeze({ ...resolution, partition: partitionOf(resolution) });
}

/**
 * Whether the server need not be verified. What one of the rules says of whom to trust, the other does not turn off:
 * a single rule that says both is refused when it is loaded.
 */
function acceptance(
  pins: Pins,
  host: PinRule,
  service: PinRule | undefined,
): PinRule['dangerouslyAcceptAnyServer'] {
  if (saysWhomToTrust(host) || (service && saysWhomToTrust(service))) return false;
  const [by, other] = service?.dangerouslyAcceptAnyServer === undefined ? [host, service] : [service, host];
  // Nor what the source of the other's certificate says.
  return !isExclusive(pins, other) && by.dangerouslyAcceptAnyServer;
}

export function saysWhomToTrust({ ca, trust, spki, server }: PinRule): boolean {
  return ca !== undefined || trust !== undefined || spki !== undefined || server !== undefined;
}

function isNamed(rule: PinRule | undefined): boolean {
  return typeof rule?.certificate === 'string';
}

/** Who said which TLS versions are allowed. */
function whoseTls(pins: Pins, host: PinRule, service: PinRule | undefined): Resolution['tlsBy'] {
  if (service?.tls ?? host.tls) return 'rule';
  if (pins.saysTls) return 'config';
  return host.label === 'none' && !service ? 'node' : 'default';
}

/** Whether nothing but the roots of this rule, and of the certificate it names, is to be trusted. */
export function isExclusive(pins: Pins, rule: PinRule | undefined): boolean {
  if (rule === undefined) return false;
  return (
    rule.trust === 'only' || (typeof rule.certificate === 'string' && pins.trustOnly.has(rule.certificate))
  );
}

const NO_PINS: readonly string[] = Object.freeze([]);

/** Everything that two connections must have in common to be shared, and nothing secret. */
function partitionOf(resolution: Omit<Resolution, 'partition'>): string {
  const { certificate, rule, tls, tlsBy, ca, trust, spki, required, authorities, acceptsAnyServer } =
    resolution;
  const { servername, server, resume } = resolution;
  const parts = [certificate === null ? 'none' : JSON.stringify(certificate), `${tls.min}-${tls.max}`];
  // Where no rule is asked, callers decide what they verify, and connections that they made are nobody else's.
  if (rule === 'none') parts.push('unruled');
  if (tlsBy !== 'default') parts.push(`by=${tlsBy}`);
  if (tls.legacy) parts.push('legacy');
  if (trust === 'only') parts.push('only');
  if (ca.length > 0) parts.push(`ca=${digest(ca.map((root) => root.fingerprint256))}`);
  // A rule that trusts its own roots alone does not trust those that came with the certificate of another.
  if (certificate !== null && !authorities.includes(certificate)) parts.push('lends-none');
  const others = authorities.filter((name) => name !== certificate);
  if (others.length > 0) parts.push(`roots=${JSON.stringify(others.toSorted())}`);
  if (spki.length > 0) parts.push(`spki=${digest(spki)}`);
  if (servername !== null) parts.push(`servername=${servername}`);
  // Of several certificates the first has the roots that count.
  if (server !== null) parts.push(`server=${server} by=${JSON.stringify(authorities)}`);
  if (!resume) parts.push('no-resumption');
  if (required) parts.push('required');
  if (acceptsAnyServer) parts.push('any-server');
  return parts.join(' ');
}

/** A digest of a set: in which order it was written makes no difference. */
function digest(values: readonly string[]): string {
  return createHash('sha256').update(values.toSorted().join('\n')).digest('base64url');
}

function unique<Value>(values: readonly Value[]): Value[] {
  return [...new Set(values)];
}
