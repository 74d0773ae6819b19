import type { ConsideredRule, ExplainedCertificate, Explanation, Resolution, Target } from '../types.ts';
import { describeTrust, formatExplanation } from './explanation.ts';
import { formatHost, parentOf } from './host.ts';
import { allOf, RANK, type Rank, singlePorts } from './lookup.ts';
import { findNeighbours } from './neighbours.ts';
import { formatPattern } from './pattern.ts';
import { judgeService, resolve, type ServiceJudgement } from './resolve.ts';
import type { HostRule, PinRule } from './rule.ts';
import {
  type Entry,
  findEntry,
  type Located,
  locate,
  type ServiceEntry,
  type Table,
  wildcardOf,
} from './table.ts';
import { type CheckedTarget, parseTarget } from './target.ts';

/** What an explanation needs to know beside the rules. */
export interface ExplainContext {
  /** What there is to say about a certificate. */
  certificate(name: string): ExplainedCertificate | undefined;
  /** The proxy on the way to a host, without its credentials; `null` for none. */
  proxy(host: string, port: number): string | null;
}

/**
 * The decision of `resolve`, with every rule that concerns the host and why it won or lost.
 *
 * @throws `ERR_CLIENTCERT_HOST_INVALID`, `ERR_CLIENTCERT_SERVICE_UNKNOWN`
 */
export function explain(table: Table, target: Target, context: ExplainContext): Explanation {
  const resolution = resolve(table, target);
  const checked = parseTarget(target);
  const scene = createScene(table, checked, resolution);
  const considered = [...considerRequest(scene), ...considerServices(scene), ...considerHosts(scene)];
  const certificate =
    resolution.certificate === null ? undefined : context.certificate(resolution.certificate);
  const explanation = {
    target: formatTarget(checked),
    service: typeof checked.service === 'string' ? checked.service : null,
    resolution,
    certificate: certificate ?? null,
    summary: summarise(scene, certificate),
    considered: considered.sort((a, b) => Number(b.outcome === 'won') - Number(a.outcome === 'won')),
    tls: resolution.tls,
    trust: describeTrust(resolution),
    proxy: checked.secure ? context.proxy(checked.host, checked.port) : null,
  };
  return Object.defineProperty(explanation, 'toString', { value: () => formatExplanation(explanation) });
}

/** Everything that the parts of an explanation look at. */
interface Scene {
  readonly table: Table;
  readonly target: CheckedTarget;
  readonly located: Located;
  /** The rule that decides by host alone. */
  readonly entry: Entry;
  readonly service: ServiceEntry | undefined;
  readonly judgement: ServiceJudgement | undefined;
  readonly resolution: Resolution;
  /** Whether a rule for this host and port decided. */
  readonly decided: boolean;
}

function createScene(table: Table, target: CheckedTarget, resolution: Resolution): Scene {
  const located = locate(table, target.host);
  // A URL without TLS is explained by what its port with TLS would be decided by.
  const entry = findEntry(table, located, portWithTls(target));
  const service = typeof target.service === 'string' ? table.services.get(target.service) : undefined;
  const judgement = service && judgeService(service, entry, target.host, target.port, target.origin);
  const decided = entry.rank < RANK.default || judgement === 'applies' || target.service === false;
  return { table, target, located, entry, service, judgement, resolution, decided };
}

function considerRequest({ target }: Scene): ConsideredRule[] {
  if (target.service !== false) return [];
  const outcome = target.secure ? 'won' : 'lost';
  return [{ rule: 'request', certificate: false, outcome, reason: 'the request asks for no certificate' }];
}

function considerServices({ table, target, service, judgement, entry }: Scene): ConsideredRule[] {
  const considered: ConsideredRule[] = [];
  if (service !== undefined && judgement !== undefined) {
    const won = target.secure && judgement === 'applies';
    const reason = target.secure ? describeJudgement(service, judgement, target, entry) : NO_HANDSHAKE;
    considered.push(consider(service.rule, won, reason));
  }
  for (const other of table.services.values()) {
    if (other === service || other.hosts === undefined || considered.length >= MOST_SHOWN) continue;
    if (judgeService(other, entry, target.host, target.port, undefined) !== 'elsewhere') {
      considered.push(consider(other.rule, false, 'the request does not name this service'));
    }
  }
  return considered;
}

function describeJudgement(
  { hosts, rule }: ServiceEntry,
  judgement: ServiceJudgement,
  target: CheckedTarget,
  entry: Entry,
): string {
  switch (judgement) {
    case 'applies':
      return `the request names it, and ${hosts === undefined ? 'this is the origin of the call' : 'it lists this host and port'}`;
    case 'elsewhere':
      return `it lists ${shorten((rule.hosts ?? []).map(formatPattern))}, and this is ${formatHost(target.host, target.port)}`;
    case 'other-origin':
      return `without \`hosts\` it holds at the origin of the call alone${target.origin ? `, ${formatTarget(target.origin)}` : ''}`;
    case 'denied':
      return `${entry.rule.label} says that no certificate is presented here`;
  }
}

/** The rules for this host and for those that it might be mistaken for. */
function considerHosts(scene: Scene): ConsideredRule[] {
  const { table, located, entry, target, decided } = scene;
  const port = portWithTls(target);
  const considered: ConsideredRule[] = [];
  for (const ports of [located.exact, wildcardOf(table, located)]) {
    for (const candidate of allOf(ports)) {
      considered.push(considerHost(scene, candidate, port));
    }
  }
  for (const near of nearWildcards(table, target.host)) {
    considered.push(consider(near.rule, false, describeNearWildcard(near.rule as HostRule, target.host)));
  }
  if (!decided) {
    const candidates = findNeighbours(table, target.host);
    considered.push(...candidates.map(({ rule }) => consider(rule, false, 'it names another host')));
  }
  if (table.fallback !== table.none) considered.push(considerHost(scene, table.fallback, port));
  // Of thousands of ports for one host, those that lost do not all need to be told.
  const won = considered.filter(({ rule, outcome }) => outcome === 'won' || rule === entry.rule.label);
  const lost = considered.filter((each) => !won.includes(each));
  return [...won, ...lost.slice(0, MOST_SHOWN)];
}

const MOST_SHOWN = 20;

function considerHost(
  { entry, target, judgement, service }: Scene,
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
  if (judgement === 'applies') {
    const rest = 'what the service does not say is taken from here';
    return consider(rule, false, `${service?.rule.label} goes first; ${rest}`);
  }
  return consider(rule, true, `${SPECIFICITY[candidate.rank]} is the most specific that applies`);
}

const NO_HANDSHAKE = 'without https: there is no handshake to present a certificate in';

const SPECIFICITY: Readonly<Record<Rank, string>> = {
  [RANK.exactPort]: 'the exact host and port',
  [RANK.exact]: 'the exact host on any port',
  [RANK.wildcardPort]: 'a wildcard with the port',
  [RANK.wildcard]: 'a wildcard on any port',
  [RANK.default]: 'the default',
  [RANK.none]: 'no rule',
};

/** Wildcards that someone might expect to hold here: further up, or right above this very host. */
function nearWildcards(table: Table, host: string): Entry[] {
  const found: Entry[] = [];
  const take = (name: string) => {
    const ports = table.lookup.wildcards.get(name);
    const first = ports?.any ?? ports?.value;
    if (first !== undefined) found.push(first);
  };
  take(host);
  for (let name = parentOf(parentOf(host)); name !== ''; name = parentOf(name)) take(name);
  return found;
}

function describeNearWildcard({ pattern }: HostRule, host: string): string {
  if (pattern.host === host) return `it holds for hosts one label below ${host}, not for ${host} itself`;
  const labels = host.slice(0, -pattern.host.length - 1);
  return `"*." stands for exactly one label, and before ${pattern.host} there is ${labels}`;
}

/** The decision in a few sentences, the advice included. */
function summarise(scene: Scene, certificate: ExplainedCertificate | undefined): string[] {
  const { resolution, target, entry } = scene;
  const lines = target.secure ? describeDecision(scene) : describeInsecure(scene);
  if (certificate && certificate.daysLeft < 0) lines.push('The certificate has expired.');
  if (resolution.acceptsAnyServer) {
    lines.push(`The server is not verified: ${entry.rule.label} accepts any.`);
  }
  return lines;
}

function describeDecision(scene: Scene): string[] {
  const { resolution, target, judgement, service, entry } = scene;
  const lines: string[] = [];
  if (judgement !== undefined && judgement !== 'applies' && service !== undefined) {
    const why = describeJudgement(service, judgement, target, entry);
    lines.push(`The service ${JSON.stringify(target.service)} does not apply: ${why}.`);
  }
  if (resolution.certificate !== null) {
    return [...lines, `${JSON.stringify(resolution.certificate)} is presented, by ${resolution.rule}.`];
  }
  if (target.service === false) return [...lines, 'No certificate: the request asks for none.'];
  const rule = judgement === 'applies' ? service?.rule : entry.rule;
  if (rule?.certificate === false) {
    return [...lines, `No certificate: ${resolution.rule} says that none is ever presented here.`];
  }
  if (entry.rank < RANK.none || judgement === 'applies') {
    return [...lines, `No certificate: ${resolution.rule} holds here and names none.`];
  }
  return [
    ...lines,
    `No certificate: no rule names ${formatHost(target.host)} with port ${target.port}.`,
    ...advise(scene),
  ];
}

/** What the author of the config may have meant. */
function advise({ table, located, target }: Scene): string[] {
  const pinned = [...singlePorts(located.exact), ...singlePorts(wildcardOf(table, located))].map(
    ([port]) => port,
  );
  if (pinned.length > 0) {
    const shown = formatHost(target.host);
    const list = shorten(pinned.map(String));
    return [
      `${shown} is pinned for port ${list} only, and this is port ${target.port}.`,
      `Write "${shown}:${target.port}" for this port, or "${shown}:*" for every port.`,
    ];
  }
  const [near] = nearWildcards(table, target.host);
  if (near !== undefined) {
    const { pattern } = near.rule as HostRule;
    const reason = describeNearWildcard(near.rule as HostRule, target.host).replace(
      /^it/,
      formatPattern(pattern),
    );
    const above = parentOf(target.host);
    const wildcard =
      pattern.host === target.host || above === '' ? '' : `, or "*.${above}" for every host beside it`;
    return [`${capitalise(reason)}.`, `Write "${target.host}"${wildcard}.`];
  }
  const names = findNeighbours(table, target.host).map(({ rule }) =>
    formatPattern((rule as HostRule).pattern),
  );
  return names.length === 0 ? [] : [`Did you mean ${names.join(' or ')}?`];
}

function describeInsecure({ target, entry }: Scene): string[] {
  const lines = [`No certificate: ${NO_HANDSHAKE}.`];
  const { certificate } = entry.rule;
  if (typeof certificate === 'string') {
    const url = formatTarget({ host: target.host, port: portWithTls(target), secure: true });
    lines.push(`With ${url} it would be ${JSON.stringify(certificate)}, by ${entry.rule.label}.`);
  }
  return lines;
}

function consider(rule: PinRule, won: boolean, reason: string): ConsideredRule {
  return { rule: rule.label, certificate: rule.certificate ?? null, outcome: won ? 'won' : 'lost', reason };
}

function portOf({ rule }: Entry): number | '*' | undefined {
  return 'pattern' in rule ? (rule as HostRule).pattern.port : undefined;
}

function portWithTls({ port, secure }: { port: number; secure: boolean }): number {
  return !secure && port === 80 ? 443 : port;
}

function formatTarget({ host, port, secure }: { host: string; port: number; secure: boolean }): string {
  const usual = port === (secure ? 443 : 80);
  return `${secure ? 'https' : 'http'}://${usual ? formatHost(host) : formatHost(host, port)}`;
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(', ');
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
