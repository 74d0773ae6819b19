import type { Resolution } from '../types.ts';
import { isPlain, parentOf } from './host.ts';
import { atPort, createLookup, insert, type Lookup, type Ports, RANK, type Rank, rankOf } from './lookup.ts';
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

/** Every rule of a config, laid out for lookups. Read through `resolve` and `explain`. */
export interface Table extends ResolutionContext {
  readonly lookup: Lookup<Entry>;
  readonly services: ReadonlyMap<string, ServiceEntry>;
  readonly fallback: Entry;
  /** Where no rule is asked at all: the decision for `http:`. */
  readonly none: Entry;
  /** Hosts in spellings that cost something to read, with the one in which they are compared; a bounded memory. */
  readonly spellings: Map<string, string>;
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
    spellings: new Map(),
  };
}

/**
 * A host in the compared spelling, however it was dialled.
 *
 * @throws `ERR_CLIENTCERT_HOST_INVALID` where the text is not a host.
 */
export function readHost(table: Table, text: string): string {
  if (isPlain(text)) return text;
  const known = table.spellings.get(text);
  if (known !== undefined) return known;
  const host = checkHost(text);
  if (text.length <= LONGEST_KEPT) {
    if (table.spellings.size >= MOST_KEPT) table.spellings.clear();
    table.spellings.set(text, host);
  }
  return host;
}

/**
 * The rule that wins for a host and port when no service is named.
 *
 * @param host In the compared spelling.
 */
export function findEntry(
  { lookup, fallback }: Table,
  host: string,
  port: number,
  exact: Ports<Entry> | undefined = lookup.exact.get(host),
): Entry {
  const own = atPort(exact, port) ?? exact?.any;
  if (own !== undefined || lookup.wildcards.size === 0) return own ?? fallback;
  const wildcard = lookup.wildcards.get(parentOf(host));
  return atPort(wildcard, port) ?? wildcard?.any ?? fallback;
}

const MOST_KEPT = 1024;
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
