import { parentOf } from './host.ts';
import type { HostPattern } from './pattern.ts';

/**
 * Patterns by host, in maps: finding the one that holds for a host and port costs the same for ten patterns
 * and for a hundred thousand, and one is added or taken away without touching the others.
 */
export interface Lookup<Value> {
  readonly exact: Map<string, Ports<Value>>;
  readonly wildcards: Map<string, Ports<Value>>;
}

/** What holds for one host: on any port, and on single ones. Nearly all hosts have one: it needs no map of its own. */
export interface Ports<Value> {
  any: Value | undefined;
  port: number;
  value: Value | undefined;
  others: Map<number, Value> | undefined;
}

/** How specific a match is: lower wins. */
export const RANK = { exactPort: 0, exact: 1, wildcardPort: 2, wildcard: 3, default: 4, none: 5 } as const;
export type Rank = (typeof RANK)[keyof typeof RANK];

export function createLookup<Value>(): Lookup<Value> {
  return { exact: new Map(), wildcards: new Map() };
}

/** Adds a value for a pattern, or returns the one that holds the place already. */
export function insert<Value>(lookup: Lookup<Value>, pattern: HostPattern, value: Value): Value | undefined {
  const byHost = pattern.wildcard ? lookup.wildcards : lookup.exact;
  let ports = byHost.get(pattern.host);
  if (ports === undefined) {
    ports = { any: undefined, port: -1, value: undefined, others: undefined };
    byHost.set(pattern.host, ports);
  }
  const present = pattern.port === '*' ? ports.any : atPort(ports, pattern.port);
  if (present !== undefined) return present;
  if (pattern.port === '*') ports.any = value;
  else if (ports.value === undefined) Object.assign(ports, { port: pattern.port, value });
  else ports.others = (ports.others ?? new Map()).set(pattern.port, value);
  return undefined;
}

/** What holds on a port by itself. */
export function atPort<Value>(ports: Ports<Value> | undefined, port: number): Value | undefined {
  if (ports === undefined) return undefined;
  return ports.port === port ? ports.value : ports.others?.get(port);
}

/** What holds on single ports, each. */
export function singlePorts<Value>(ports: Ports<Value> | undefined): [number, Value][] {
  if (ports?.value === undefined) return [];
  return [[ports.port, ports.value], ...(ports.others ?? [])];
}

/** Everything that holds for a host. */
export function allOf<Value>(ports: Ports<Value> | undefined): Value[] {
  const singles = singlePorts(ports).map(([, value]) => value);
  return ports?.any === undefined ? singles : [...singles, ports.any];
}

/** The rank at which a pattern matches. */
export function rankOf({ port, wildcard }: HostPattern): Rank {
  if (wildcard) return port === '*' ? RANK.wildcard : RANK.wildcardPort;
  return port === '*' ? RANK.exact : RANK.exactPort;
}

/** The most specific rank at which a lookup holds a pattern for this host and port. */
export function findRank(lookup: Lookup<unknown>, host: string, port: number): Rank | undefined {
  const exact = lookup.exact.get(host);
  if (atPort(exact, port) !== undefined) return RANK.exactPort;
  if (exact?.any !== undefined) return RANK.exact;
  const wildcard = lookup.wildcards.get(parentOf(host));
  if (atPort(wildcard, port) !== undefined) return RANK.wildcardPort;
  return wildcard?.any === undefined ? undefined : RANK.wildcard;
}
