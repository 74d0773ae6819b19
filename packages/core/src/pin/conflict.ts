import { inTurns } from '../load/turn.ts';
import type { Warning } from '../types.ts';
import { parentOf } from './host.ts';
import type { Issue } from './issue.ts';
import { formatPath } from './issue.ts';
import { allOf, atPort, createLookup, insert, type Lookup, type Ports, singlePorts } from './lookup.ts';
import { saysWhomToTrust } from './merge-rules.ts';
import { formatPattern, type HostPattern } from './pattern.ts';
import type { HostRule, PinRule, Pins, ServiceRule } from './rule.ts';

export interface Conflicts {
  readonly errors: readonly Issue[];
  readonly warnings: readonly Warning[];
}

/**
 * Rules of one config that contradict each other (errors), or of which one takes nothing or too much (warnings).
 *
 * @param proxy Where a proxy is that is presented with a certificate of its own.
 */
export async function findConflicts(pins: Pins, proxy?: HostPattern | undefined): Promise<Conflicts> {
  const lookup = createLookup<HostRule>();
  const denials = finder(lookup, denies);
  const verified = finder(lookup, saysWhomToTrust);
  const errors: Issue[] = [];
  const warnings: Warning[] = [];
  await inTurns(pins.hosts, (rule) => {
    const earlier = insert(lookup, rule.pattern, rule);
    if (earlier) errors.push(sameTarget(rule, earlier));
  });
  await inTurns(pins.services, async (service) => {
    const seen = createLookup<string>();
    await inTurns(service.hosts ?? [], (pattern, index) => {
      const path = [...service.path, 'hosts', index];
      const found =
        findDenied(denials, service, pattern, path) ??
        findUnverified(verified, service, pattern, path) ??
        findRepeated(seen, pattern, path);
      if (found) errors.push(found);
    });
  });
  const denial = proxy && denials(proxy);
  if (denial) errors.push(denied(denial, proxy, ['proxy', 'certificate']));
  const looks = { left: mostLooks };
  await inTurns(pins.hosts, (rule) => {
    warnings.push(...findOverlaps(lookup, rule, looks));
  });
  return { errors, warnings };
}

function sameTarget(rule: HostRule, earlier: HostRule): Issue {
  return {
    code: 'ERR_CLIENTCERT_RULE_CONFLICT',
    path: rule.path,
    message: `names the same target as ${earlier.label}, ${formatPattern(rule.pattern)}: keep one of the two`,
  };
}

/** A service that lists a host for a certificate where the host's own rule says that none is ever presented. */
function findDenied(
  denials: Finder,
  service: ServiceRule,
  pattern: HostPattern,
  path: Issue['path'],
): Issue | undefined {
  if (typeof service.certificate !== 'string' && !service.required) return undefined;
  const denial = denials(pattern);
  return denial && denied(denial, pattern, path);
}

function denies({ certificate }: HostRule): boolean {
  return certificate === false;
}

function denied({ label }: HostRule, pattern: HostPattern, path: Issue['path']): Issue {
  return {
    code: 'ERR_CLIENTCERT_RULE_CONFLICT',
    path,
    message: `${formatPattern(pattern)} is where ${label} says that no certificate is presented: remove one of the two`,
  };
}

/** A service that accepts any server, and lists a host where the host's own rule says whom to trust. */
function findUnverified(
  verifying: Finder,
  service: ServiceRule,
  pattern: HostPattern,
  path: Issue['path'],
): Issue | undefined {
  if (!service.dangerouslyAcceptAnyServer) return undefined;
  const verified = verifying(pattern);
  return (
    verified && {
      code: 'ERR_CLIENTCERT_RULE_CONFLICT',
      path,
      message: `${formatPattern(pattern)} is where ${verified.label} says whom to trust, and the service accepts any server: remove one of the two`,
    }
  );
}

/** Finds one of the host rules for what a pattern names, such as is meant. */
type Finder = (pattern: HostPattern) => HostRule | undefined;

/** It looks through the ports of a host once, however many patterns name all of them. */
function finder(lookup: Lookup<HostRule>, isMeant: (rule: HostRule) => boolean): Finder {
  const onAnyPort = new Map<Ports<HostRule>, HostRule | undefined>();
  return ({ host, port, wildcard }) => {
    const ports = (wildcard ? lookup.wildcards : lookup.exact).get(host);
    if (ports === undefined) return undefined;
    if (port !== '*') {
      const rule = atPort(ports, port) ?? ports.any;
      return rule && isMeant(rule) ? rule : undefined;
    }
    if (!onAnyPort.has(ports)) onAnyPort.set(ports, allOf(ports).find(isMeant));
    return onAnyPort.get(ports);
  };
}

/** Pairs of a host and a port that are looked at for warnings: of more than that nobody reads them. */
const mostLooks = 100_000;

/** Where a rule takes over from another in a way its reader may not expect, or changes nothing at all. */
function findOverlaps(lookup: Lookup<HostRule>, rule: HostRule, looks: { left: number }): Warning[] {
  const { host, port, wildcard } = rule.pattern;
  const own = (wildcard ? lookup.wildcards : lookup.exact).get(host);
  const parent = wildcard ? undefined : lookup.wildcards.get(parentOf(host));
  const warnings: Warning[] = [];
  const next = findNext(rule, own, parent);
  if (next !== undefined && saySame(rule, next)) warnings.push(redundant(rule, next));
  if (!wildcard && port === '*' && rule.certificate !== false) {
    for (const [shadowedPort, shadowed] of looks.left > 0 ? singlePorts(parent) : []) {
      if (looks.left-- <= 0) break;
      if (atPort(own, shadowedPort) === undefined && !saySame(rule, shadowed)) {
        warnings.push(shadowing(rule, shadowed, shadowedPort));
      }
    }
  }
  return warnings;
}

/** The rule that would decide everything that this one decides, if this one were not there. */
function findNext(
  { pattern }: HostRule,
  own: Ports<HostRule> | undefined,
  parent: Ports<HostRule> | undefined,
): HostRule | undefined {
  if (pattern.port !== '*') return own?.any ?? atPort(parent, pattern.port) ?? parent?.any;
  return parent?.value === undefined ? parent?.any : undefined;
}

function redundant(rule: HostRule, next: HostRule): Warning {
  return {
    code: 'RULE_REDUNDANT',
    message: `${rule.label} says what ${next.label} says there already: one of the two may go`,
  };
}

function shadowing(rule: HostRule, shadowed: HostRule, port: number): Warning {
  return {
    code: 'RULE_SHADOWED',
    message: `${rule.label} takes precedence over ${shadowed.label} at ${rule.pattern.host}:${port}, because an exact host wins over a wildcard with a port: add a rule for "${rule.pattern.host}:${port}" if that is not meant`,
  };
}

function findRepeated(seen: Lookup<string>, pattern: HostPattern, path: Issue['path']): Issue | undefined {
  const earlier = insert(seen, pattern, formatPath(path));
  if (earlier === undefined) return undefined;
  const message = `names the same target as ${earlier}, ${formatPattern(pattern)}: keep one of the two`;
  return { code: 'ERR_CLIENTCERT_RULE_CONFLICT', path, message };
}

const SAID = [
  'certificate',
  'trust',
  'servername',
  'server',
  'resume',
  'required',
  'dangerouslyAcceptAnyServer',
  'allowDowngrade',
] as const satisfies readonly (keyof PinRule)[];

/** Whether two rules say the same; rules with roots of their own never count as equal. */
function saySame(a: PinRule, b: PinRule): boolean {
  if (a.ca !== undefined || b.ca !== undefined) return false;
  return (
    SAID.every((key) => a[key] === b[key]) &&
    sayRange(a) === sayRange(b) &&
    a.spki?.toSorted().join() === b.spki?.toSorted().join()
  );
}

function sayRange({ tls }: PinRule): string {
  return tls === undefined ? '' : `${tls.min} ${tls.max} ${tls.legacy}`;
}
