import type { ConsideredRule } from '../types.ts';
import {
  type Decision,
  describeMatch,
  describeNearWildcard,
  NO_HANDSHAKE,
  nearWildcards,
  portWithTls,
} from './decision.ts';
import { allOf, RANK, type Rank } from './lookup.ts';
import { matchService } from './resolve.ts';
import type { HostRule, PinRule } from './rule.ts';
import { findSimilarHosts } from './similar-hosts.ts';
import { type Entry, wildcardOf } from './table.ts';

/** Every rule that concerns a decision, those that nearly do included, with why it won or lost; the winner first. */
export function considerRules(decision: Decision): ConsideredRule[] {
  const considered = [
    ...considerRequest(decision),
    ...considerServices(decision),
    ...considerHosts(decision),
  ];
  return considered.sort((a, b) => Number(b.outcome === 'won') - Number(a.outcome === 'won'));
}

function considerRequest({ target }: Decision): ConsideredRule[] {
  if (target.service !== false) return [];
  const outcome = target.secure ? 'won' : 'lost';
  return [{ rule: 'request', certificate: false, outcome, reason: 'the request asks for no certificate' }];
}

function considerServices({ table, target, service, match, entry }: Decision): ConsideredRule[] {
  const considered: ConsideredRule[] = [];
  if (service !== undefined && match !== undefined) {
    const won = target.secure && match === 'applies';
    const reason = target.secure ? describeMatch(service, match, target, entry) : NO_HANDSHAKE;
    considered.push(consider(service.rule, won, reason));
  }
  for (const other of table.services.values()) {
    if (other === service || other.hosts === undefined || considered.length >= MOST_SHOWN) continue;
    if (matchService(other, entry, target.host, target.port, undefined) !== 'elsewhere') {
      considered.push(consider(other.rule, false, 'the request does not name this service'));
    }
  }
  return considered;
}

/** The rules for this host and for those that it might be mistaken for. */
function considerHosts(decision: Decision): ConsideredRule[] {
  const { table, located, entry, target, decided } = decision;
  const port = portWithTls(target);
  const considered: ConsideredRule[] = [];
  for (const ports of [located.exact, wildcardOf(table, located)]) {
    for (const candidate of allOf(ports)) {
      considered.push(considerHost(decision, candidate, port));
    }
  }
  const wildcards = nearWildcards(table, target.host);
  for (const near of wildcards) {
    considered.push(consider(near.rule, false, describeNearWildcard(near.rule as HostRule, target.host)));
  }
  if (!decided) {
    const candidates = findSimilarHosts(table, target.host).filter((each) => !wildcards.includes(each));
    considered.push(...candidates.map(({ rule }) => consider(rule, false, 'it names another host')));
  }
  if (table.fallback !== table.none) considered.push(considerHost(decision, table.fallback, port));
  // Of thousands of ports for one host, those that lost do not all need to be told.
  const won = considered.filter(({ rule, outcome }) => outcome === 'won' || rule === entry.rule.label);
  const lost = considered.filter((each) => !won.includes(each));
  return [...won, ...lost.slice(0, MOST_SHOWN)];
}

const MOST_SHOWN = 20;

function considerHost(
  { entry, target, match, service }: Decision,
  candidate: Entry,
  port: number,
): ConsideredRule {
  const { rule } = candidate;
  const named = portOf(candidate);
  if (named !== undefined && named !== '*' && named !== port) {
    return consider(rule, false, `it names port ${named}, and this is port ${target.port}`);
  }
  if (!target.secure) return consider(rule, false, NO_HANDSHAKE);
  if (candidate !== entry) {
    const why = `${SPECIFICITY[entry.rank]} goes before ${SPECIFICITY[candidate.rank]}`;
    return consider(rule, false, `${entry.rule.label} is more specific: ${why}`);
  }
  if (target.service === false) {
    return consider(
      rule,
      false,
      "the request's own wish goes first; what is said here of the server still holds",
    );
  }
  if (match === 'applies') {
    const rest = 'what the service does not say is taken from here';
    return consider(rule, false, `${service?.rule.label} goes first; ${rest}`);
  }
  return consider(rule, true, `${SPECIFICITY[candidate.rank]} is the most specific that applies`);
}

const SPECIFICITY: Readonly<Record<Rank, string>> = {
  [RANK.exactPort]: 'the exact host and port',
  [RANK.exact]: 'the exact host on any port',
  [RANK.wildcardPort]: 'a wildcard with the port',
  [RANK.wildcard]: 'a wildcard on any port',
  [RANK.default]: 'the default',
  [RANK.none]: 'no rule',
};

function consider(rule: PinRule, won: boolean, reason: string): ConsideredRule {
  return { rule: rule.label, certificate: rule.certificate ?? null, outcome: won ? 'won' : 'lost', reason };
}

function portOf({ rule }: Entry): number | '*' | undefined {
  return 'pattern' in rule ? (rule as HostRule).pattern.port : undefined;
}
