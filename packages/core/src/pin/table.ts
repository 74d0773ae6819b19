import type { Resolution } from '../types.ts';
import { parentOf } from './host.ts';
import { createLookup, insert, type Lookup, type Ports, RANK, type Rank, rankOf } from './lookup.ts';
import type { ResolutionContext, RootsOf } from './resolution.ts';
import { type PinRule, type Pins, type ServiceRule, SILENT } from './rule.ts';
import { checkHost } from './target.ts';

/** One rule in its place, with the decisions it leads to: each is made once and then the same object. */
export interface Entry {
  readonly rule: PinRule;
  readonly rank: Rank;
  resolution: Resolution | undefined;
  /** The decision where the request says `false`. */
  withheld: Resolution | undefined;
  /** The decisions where a service's rule is laid over this one. */
  readonly refined: Map<ServiceEntry, Resolution>;
}

export interface ServiceEntry {
  readonly rule: ServiceRule;
  readonly hosts: Lookup<true> | undefined;
}

/** What the table holds for one host. */
export interface Located {
  readonly host: string;
  readonly exact: Ports<Entry> | undefined;
  readonly wildcard: Ports<Entry> | undefined;
}

/** Every rule of a config, laid out for lookups. Read through `resolve` and `explain`. */
export interface Table extends ResolutionContext {
  readonly lookup: Lookup<Entry>;
  readonly services: ReadonlyMap<string, ServiceEntry>;
  readonly fallback: Entry;
  /** Where no rule is asked at all: the decision for `http:`. */
  readonly none: Entry;
  /** Hosts as they were dialled; emptied when it is full. */
  readonly located: Map<string, Located>;
  readonly capacity: number;
}

/**
 * Lays out the rules of a checked config.
 *
 * @param pins The rules, free of conflicts (see `findConflicts`).
 * @param roots Hands over the certificates of a rule's `ca`, which have been read by now. It is called with the
 *   very array that the rule holds, when the first decision by that rule is made.
 */
export function buildTable(pins: Pins, roots: RootsOf = noRoots): Table {
  const lookup = createLookup<Entry>();
  for (const rule of pins.hosts) insert(lookup, rule.pattern, createEntry(rule, rankOf(rule.pattern)));
  const services = new Map<string, ServiceEntry>();
  for (const rule of pins.services) services.set(rule.name, createServiceEntry(rule));
  const none = createEntry({ ...SILENT, label: 'none', path: [] }, RANK.none);
  return {
    pins,
    roots,
    lookup,
    services,
    fallback: pins.default ? createEntry(pins.default, RANK.default) : none,
    none,
    located: new Map(),
    capacity: 1024 + 2 * lookup.exact.size,
  };
}

/**
 * What the table holds for a host, however it is spelled.
 *
 * @throws `ERR_CLIENTCERT_HOST_INVALID` where the text is not a host.
 */
export function locate(table: Table, text: string): Located {
  const known = table.located.get(text);
  if (known !== undefined) return known;
  const host = checkHost(text);
  const located = {
    host,
    exact: table.lookup.exact.get(host),
    wildcard: table.lookup.wildcards.get(parentOf(host)),
  };
  if (text.length <= LONGEST_KEPT) {
    if (table.located.size >= table.capacity) table.located.clear();
    table.located.set(text, located);
  }
  return located;
}

/** The rule that wins for a host and port when no service is named. */
export function findEntry(table: Table, { exact, wildcard }: Located, port: number): Entry {
  return (
    exact?.single.get(port) ?? exact?.any ?? wildcard?.single.get(port) ?? wildcard?.any ?? table.fallback
  );
}

const LONGEST_KEPT = 255;

function createEntry(rule: PinRule, rank: Rank): Entry {
  return { rule, rank, resolution: undefined, withheld: undefined, refined: new Map() };
}

function createServiceEntry(rule: ServiceRule): ServiceEntry {
  if (rule.hosts === undefined) return { rule, hosts: undefined };
  const hosts = createLookup<true>();
  for (const pattern of rule.hosts) insert(hosts, pattern, true);
  return { rule, hosts };
}

function noRoots(): never {
  throw new TypeError('a rule has a `ca` and the table was built without its certificates');
}
