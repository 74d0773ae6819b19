import type { Resolution } from '../types.ts';
import { formatHost, parentOf } from './host.ts';
import { RANK, singlePorts } from './lookup.ts';
import { formatPattern } from './pattern.ts';
import { matchService, resolveHost, type ServiceMatch } from './resolve.ts';
import type { HostRule } from './rule.ts';
import { type Entry, findEntry, type Located, locate, type ServiceEntry, type Table } from './table.ts';
import type { CheckedTarget, Destination } from './target.ts';

/** Everything that the parts of an explanation look at. */
export interface Decision {
  readonly table: Table;
  readonly target: CheckedTarget;
  readonly located: Located;
  /** The rule that decides by host alone. */
  readonly entry: Entry;
  readonly service: ServiceEntry | undefined;
  readonly match: ServiceMatch | undefined;
  readonly resolution: Resolution;
  /** Whether a rule for this host and port decided. */
  readonly decided: boolean;
}

export function decisionOf(table: Table, target: CheckedTarget, resolution: Resolution): Decision {
  const located = locate(table, target.host);
  // A URL without TLS is explained by what its port with TLS would be decided by.
  const entry = findEntry(table, located, portWithTls(target));
  const service = typeof target.service === 'string' ? table.services.get(target.service) : undefined;
  const match = service && matchService(service, entry, target.host, target.port, target.origin);
  const decided = entry.rank < RANK.default || match === 'applies' || target.service === false;
  return { table, target, located, entry, service, match, resolution, decided };
}

/**
 * Whether a call without TLS is made as a service that would require its certificate over TLS, by its own rule or the host's,
 * and is meant to be: at a host that the service lists, or at that of the call, on whichever port, as that of TLS is another.
 *
 * @param origin The origin that the caller's own request named; `undefined` where nobody tells it.
 */
export function isUnmetWithoutTls(
  table: Table,
  { rule, hosts }: ServiceEntry,
  to: Destination,
  origin: Destination | undefined,
): boolean {
  if (to.secure) return false;
  return portsMeant(hosts, to, origin).some((port) => {
    const { required, allowDowngrade } = resolveHost(table, to.host, port, rule.name);
    // Who allows a redirect to http: means that, too.
    return required && !allowDowngrade;
  });
}

/** The ports of TLS at which the service would be called. */
function portsMeant(
  hosts: ServiceEntry['hosts'],
  to: Destination,
  origin: Destination | undefined,
): number[] {
  if (hosts === undefined) {
    return origin === undefined || origin.host === to.host ? [portWithTls(origin?.secure ? origin : to)] : [];
  }
  return [hosts.exact.get(to.host), hosts.wildcards.get(parentOf(to.host))].flatMap((ports) => {
    const singles = singlePorts(ports).map(([port]) => port);
    return ports?.any === undefined ? singles : [...singles, portWithTls(to)];
  });
}

export const NO_HANDSHAKE = 'without https: there is no handshake to present a certificate in';

export function describeMatch(
  { hosts, rule }: ServiceEntry,
  match: ServiceMatch,
  target: CheckedTarget,
  entry: Entry,
): string {
  switch (match) {
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

/** Wildcards that someone might expect to hold here: further up, or right above this very host. */
export function nearWildcards(table: Table, host: string): Entry[] {
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

export function describeNearWildcard({ pattern }: HostRule, host: string): string {
  if (pattern.host === host) return `it holds for hosts one label below ${host}, not for ${host} itself`;
  const labels = host.slice(0, -pattern.host.length - 1);
  return `"*." stands for exactly one label, and before ${pattern.host} there is ${labels}`;
}

export function portWithTls({ port, secure }: { port: number; secure: boolean }): number {
  return !secure && port === 80 ? 443 : port;
}

export function formatTarget({
  host,
  port,
  secure,
}: {
  host: string;
  port: number;
  secure: boolean;
}): string {
  const usual = port === (secure ? 443 : 80);
  return `${secure ? 'https' : 'http'}://${usual ? formatHost(host) : formatHost(host, port)}`;
}

export function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(', ');
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}
