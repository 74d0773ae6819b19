import { hosts, type Site, versions, type Way, type World, ways } from './world.ts';

/** Where a redirect leads, seen from a host with a rule. */
export const destinations = [
  'the same host',
  'a host without a rule',
  'another host with a rule',
  'another port',
  'a host that is denied',
  'a host that looks like it',
  'http:',
  'away and back again',
] as const;
export type Destination = (typeof destinations)[number];

export const statuses = [300, 301, 302, 303, 304, 305, 306, 307, 308] as const;
/** Those that every client follows. */
export const followed: readonly number[] = [301, 302, 303, 307, 308];

export const services = ['no service', 'false', 'Invoices', 'Orders', 'Archive', 'Quiet'] as const;

/** One call to be made, and all that it is made under. */
export interface Cell {
  readonly site: Site;
  readonly host: (typeof hosts)[number];
  /** The first or second port of the site. */
  readonly port: 0 | 1;
  readonly service: (typeof services)[number];
  readonly redirect: { readonly status: (typeof statuses)[number]; readonly to: Destination } | null;
  readonly way: Way;
  /** Whether the config has a `default`. */
  readonly fallback: boolean;
  /** Whether servers close the connection after it, so that the next has to resume its session. */
  readonly close: boolean;
}

/** Always the same for one seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Calls without a redirect: every host, port and service with every other. Calls with one: every status, destination and
 * version of TLS. What else there is is drawn for each, and for each pair of values that was not drawn one more cell is made.
 *
 * @param share Of these cells, drawn as well: 1 for all of them.
 */
export function cellsOf(
  { sites }: Pick<World, 'sites'>,
  seed: number,
  share: number,
  suits: (cell: Cell) => boolean,
): Cell[] {
  const next = random(seed);
  const pick = <Item>(list: readonly Item[]): Item => list[Math.floor(next() * list.length)]!;
  const drawn = (): Cell => ({
    site: pick(sites),
    host: pick(hosts),
    port: pick([0, 1]),
    service: pick(services),
    redirect: next() < 0.5 ? null : { status: pick(statuses), to: pick(destinations) },
    way: pick(ways),
    fallback: next() < 0.3,
    close: next() < 0.5,
  });
  const all: Cell[] = [];
  for (const host of hosts)
    for (const port of [0, 1] as const)
      for (const service of services) all.push({ ...drawn(), host, port, service, redirect: null });
  for (const status of statuses)
    for (const to of destinations)
      for (const tls of versions) {
        const site = pick(sites.filter((each) => each.tls === tls));
        all.push({ ...drawn(), site, redirect: { status, to } });
      }
  // What a client cannot do is drawn again, with all else as it is.
  for (const [index, cell] of all.entries())
    for (let left = 20; !suits(all[index]!) && left > 0; left--) {
      const { site, way } = drawn();
      all[index] = { ...cell, site, way };
    }
  const wanted = all.filter((cell) => suits(cell) && next() < share);
  if (share < 1) return shuffle(wanted, next);
  const seen = new Set(wanted.flatMap(pairsOf));
  for (let left = 3_000; left > 0; left--) {
    const cell = drawn();
    const fresh = pairsOf(cell).filter((pair) => !seen.has(pair));
    if (!suits(cell) || fresh.length === 0) continue;
    for (const pair of fresh) seen.add(pair);
    wanted.push(cell);
  }
  return shuffle(wanted, next);
}

/** Every two of its values. */
function pairsOf({ site, host, port, service, redirect, way, fallback, close }: Cell): string[] {
  const values = [
    site.tls,
    site.http,
    host,
    port,
    service,
    redirect?.status,
    redirect?.to,
    way,
    fallback,
    close,
  ];
  return values.flatMap((value, index) =>
    values.slice(index + 1).map((other, more) => `${index} ${value} ${index + 1 + more} ${other}`),
  );
}

/** So that calls of different identities, versions and proxies stand beside each other. */
function shuffle<Item>(list: Item[], next: () => number): Item[] {
  for (let index = list.length - 1; index > 0; index--) {
    const other = Math.floor(next() * (index + 1));
    [list[index], list[other]] = [list[other]!, list[index]!];
  }
  return list;
}

/** The URLs of the hops, the call's own first. */
export function hopsOf({ plainPort }: Pick<World, 'plainPort'>, cell: Cell): string[] {
  const { site, host, port, redirect } = cell;
  const at = (name: string, which: number) => `https://${name}:${site.ports[which]}`;
  const first = at(host, port);
  if (!redirect) return [first];
  const elsewhere = at('news.example', port);
  switch (redirect.to) {
    case 'the same host':
      return [first, first];
    case 'a host without a rule':
      return [first, elsewhere];
    case 'another host with a rule':
      return [first, at(host === 'api.bank.example' ? 'pay.bank.example' : 'api.bank.example', port)];
    case 'another port':
      return [first, at(host, 1 - port)];
    case 'a host that is denied':
      return [first, at('status.bank.example', port)];
    case 'a host that looks like it':
      return [first, at('api.bank.example.evil.example', port)];
    case 'http:':
      return [first, `http://${host}:${plainPort}`];
    case 'away and back again':
      return [first, elsewhere, first];
  }
}
