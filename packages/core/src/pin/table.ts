import type { Resolution } from '../types.ts';
import { parentOf } from './host.ts';
import { atPort, createLookup, insert, type Lookup, type Ports, RANK, type Rank, rankOf } from './lookup.ts';
import type { ResolutionContext, RootsOf } from './merge-rules.ts';
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
  refined: Map<ServiceEntry, Resolution> | undefined;
}

export interface ServiceEntry {
  readonly rule: ServiceRule;
  readonly hosts: Lookup<true> | undefined;
}

/** A host in the compared spelling, with what the table holds for it. */
export interface Located {
  readonly host: string;
  readonly exact: Ports<Entry> | undefined;
  /** `null` until it is asked for: most decisions are made before. */
  wildcard: Ports<Entry> | undefined | null;
}

/** Every rule of a config, laid out for lookups. Read through `resolve` and `explain`. */
export interface Table extends ResolutionContext {
  readonly lookup: Lookup<Entry>;
  readonly services: ReadonlyMap<string, ServiceEntry>;
  readonly fallback: Entry;
  /** Where no rule is asked at all: the decision for `http:`. */
  readonly none: Entry;
  /** Hosts as they were dialled lately: few even where many are pinned, so that they stay in the processor's caches. */
  readonly recent: Map<string, Located>;
  /** How often a host was not among them. */
  misses: number;
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
    recent: new Map(),
    misses: 0,
  };
}

/**
 * What the table holds for a host, however it is spelled.
 *
 * @throws `ERR_CLIENTCERT_HOST_INVALID` where the text is not a host.
 */
export function locate(table: Table, text: string): Located {
  const known = table.recent.get(text);
  if (known !== undefined) return known;
  const { lookup, recent } = table;
  const own = lookup.exact.get(text);
  const host = own === undefined ? checkHost(text) : text;
  const exact = host === text ? own : lookup.exact.get(host);
  const located = { host, exact, wildcard: null };
  // Keeping a host costs more than finding it. One that is dialled often is kept soon; a process that dials ever new
  // ones rarely pays for it.
  if (table.misses++ % KEEP_EACH === 0 && text.length <= LONGEST_KEPT) {
    if (recent.size >= MOST_KEPT) recent.clear();
    recent.set(text, located);
  }
  return located;
}

/** The rule that wins for a host and port when no service is named. */
export function findEntry(table: Table, located: Located, port: number): Entry {
  const own = atPort(located.exact, port) ?? located.exact?.any;
  if (own !== undefined) return own;
  const wildcard = wildcardOf(table, located);
  return atPort(wildcard, port) ?? wildcard?.any ?? table.fallback;
}

/** What holds for all hosts beside this one. */
export function wildcardOf({ lookup }: Table, located: Located): Ports<Entry> | undefined {
  if (located.wildcard === null) {
    located.wildcard = lookup.wildcards.size === 0 ? undefined : lookup.wildcards.get(parentOf(located.host));
  }
  return located.wildcard;
}

const KEEP_EACH = 8;
const MOST_KEPT = 2048;
const LONGEST_KEPT = 255;

function createEntry(rule: PinRule, rank: Rank): Entry {
  return { rule, rank, resolution: undefined, withheld: undefined, refined: undefined };
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
