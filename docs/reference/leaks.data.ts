import { readFileSync } from 'node:fs';

/** As `npm run leaks -- --write` writes it. */
interface Leaks {
  date: string;
  seed: number;
  share: number;
  versions: Record<string, string>;
  nodes: Record<string, Record<string, Tally>>;
  secrets: Record<
    string,
    { clients: string[]; calls: number; objects: number; printed: number; found: number }
  >;
}

interface Tally {
  cells: number;
  requests: number;
  leaks: number;
  wrong: number;
  tried: Record<string, Record<string, number>>;
}

/** As `npm run soak -- --write` writes it. */
interface Soak {
  node: string;
  date: string;
  seconds: number;
  requests: {
    total: number;
    answered: number;
    failed: Record<string, number>;
    unexplained: string[];
    unexpected: string[];
    hung: string[];
  };
  servers: { mixed: string[]; stale: string[] };
  renewals: { count: number; garbled: number };
  faults: Record<string, number>;
  memory: { heap: number; rss: number; contexts: number; connections: number; requests: number }[];
  growth: { perRotation: number; per1000Requests: number };
  left: { sockets: readonly string[]; connections: number };
}

/** Columns of the table: how many calls were told apart by each. */
const dimensions = ['pools', 'redirects', 'proxies', 'versions', 'services', 'renewal'] as const;

export interface Row {
  client: string;
  /** In the order of `dimensions`. */
  tried: number[];
  calls: number;
  leaks: number;
}

interface Part {
  /** `''` for all of them. */
  node: string;
  rows: Row[];
  calls: number;
  requests: number;
  leaks: number;
  wrong: number;
  /** What was tried in each respect, and how often. */
  values: { dimension: string; values: string }[];
}

declare const data: {
  dimensions: readonly string[];
  date: string;
  seed: number;
  /** Of the calls that there would be, how many were made, in percent. */
  share: number;
  versions: string;
  parts: Part[];
  secrets: { nodes: string; clients: number; calls: number; objects: number; printed: number; found: number };
  soak: { head: string[]; rows: { what: string; values: string[] }[]; requests: number; broken: number };
};

export { data };

const read = <Type>(name: string): Type => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

const number = (value: number) => value.toLocaleString('en');

export default {
  load(): typeof data {
    const { date, seed, share, versions, nodes, secrets } = read<Leaks>('leaks.json');
    const each = Object.values(secrets);
    return {
      dimensions,
      date,
      seed,
      share: Math.round(100 * share),
      versions: Object.entries(versions)
        .map(([name, version]) => `${name === 'soap' ? 'node-soap' : name} ${version}`)
        .join(', '),
      parts: [
        partOf('', Object.values(nodes)),
        ...Object.entries(nodes)
          .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
          .map(([node, clients]) => partOf(node, [clients])),
      ],
      secrets: {
        nodes: listOf(Object.keys(secrets)),
        clients: Math.max(0, ...each.map(({ clients }) => clients.length)),
        calls: sum(each.map(({ calls }) => calls)),
        objects: sum(each.map(({ objects }) => objects)),
        printed: sum(each.map(({ printed }) => printed)),
        found: sum(each.map(({ found }) => found)),
      },
      soak: soakOf(read<Soak[]>('soak.json')),
    };
  },
};

function partOf(node: string, of: readonly Record<string, Tally>[]): Part {
  const names = [...new Set(of.flatMap((clients) => Object.keys(clients)))];
  const rows = names.map((client) => {
    const tallies = of.flatMap((clients) => clients[client] ?? []);
    return {
      client: client === 'soap' ? 'node-soap' : client,
      tried: dimensions.map((each) => sum(tallies.map(({ tried }) => sum(Object.values(tried[each] ?? {}))))),
      calls: sum(tallies.map(({ cells }) => cells)),
      leaks: sum(tallies.map(({ leaks }) => leaks)),
    };
  });
  const all = of.flatMap((clients) => Object.values(clients));
  return {
    node,
    rows,
    calls: sum(rows.map(({ calls }) => calls)),
    requests: sum(all.map(({ requests }) => requests)),
    leaks: sum(rows.map(({ leaks }) => leaks)),
    wrong: sum(all.map(({ wrong }) => wrong)),
    values: ['identities', ...dimensions].map((dimension) => ({
      dimension,
      values: valuesOf(all, dimension),
    })),
  };
}

/** Redirects are told by where they lead, and by their status: each with each would be a table of its own. */
function valuesOf(tallies: readonly Tally[], dimension: string): string {
  const counts = new Map<string, number>();
  for (const { tried } of tallies) {
    for (const [value, count] of Object.entries(tried[dimension] ?? {})) {
      const [, status, to] = /^(3\d\d) (to .*)$/.exec(value) ?? [];
      for (const each of status ? [to!, status] : [value]) counts.set(each, (counts.get(each) ?? 0) + count);
    }
  }
  return [...counts]
    .filter(([value]) => value !== 'plain')
    .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
    .map(([value, count]) => `${value} ${number(count)}`)
    .join(', ');
}

function soakOf(runs: readonly Soak[]): (typeof data)['soak'] {
  const rows: [string, (run: Soak) => string][] = [
    ['how long', ({ seconds }) => `${Math.round(seconds / 60)} minutes`],
    ['requests', ({ requests }) => number(requests.total)],
    ['answered', ({ requests }) => number(requests.answered)],
    [
      'failed because something was broken on purpose',
      ({ requests }) => number(sum(Object.values(requests.failed))),
    ],
    ['failed without such a reason', ({ requests }) => number(requests.unexplained.length)],
    ['answered where that could not be', ({ requests }) => number(requests.unexpected.length)],
    ['did not end within their timeout', ({ requests }) => number(requests.hung.length)],
    ['came as somebody else', ({ servers }) => number(servers.mixed.length)],
    ['came with a version that was long replaced', ({ servers }) => number(servers.stale.length)],
    ['renewals', ({ renewals }) => number(renewals.count)],
    ['broken on purpose', ({ faults }) => countsOf(faults)],
    ['heap without compiled code, after a warm-up and at the end', ({ memory }) => fromTo(memory, 'heap')],
    ['memory (RSS), likewise', ({ memory }) => fromTo(memory, 'rss')],
    ['growth of the heap for each renewal', (run) => growthOf(run, 'perRotation')],
    ['growth of the heap per 1,000 requests', (run) => growthOf(run, 'per1000Requests')],
    ['secure contexts kept at the end', ({ memory }) => number(memory.at(-1)?.contexts ?? 0)],
    ['sockets left open after the end', ({ left }) => number(left.sockets.length + left.connections)],
  ];
  const failures = runs.flatMap(({ requests, servers }) => [
    ...requests.unexplained,
    ...requests.unexpected,
    ...requests.hung,
    ...servers.mixed,
    ...servers.stale,
  ]);
  return {
    head: runs.map(({ node }) => node.replace('v', '')),
    rows: rows.map(([what, value]) => ({ what, values: runs.map(value) })),
    requests: sum(runs.map(({ requests }) => requests.total)),
    broken: failures.length,
  };
}

/** A short run says nothing of it: what is compiled and cached once is still to come. */
function growthOf({ growth, renewals }: Soak, per: keyof Soak['growth']): string {
  return renewals.count < 100 ? 'not said by a run this short' : `${number(growth[per])} bytes`;
}

function fromTo(memory: Soak['memory'], what: 'heap' | 'rss'): string {
  const ends = [memory[Math.floor(memory.length / 2)], memory.at(-1)];
  return ends.map((each) => `${((each?.[what] ?? 0) / 2 ** 20).toFixed(1)} MiB`).join(' → ');
}

function countsOf(counts: Record<string, number>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function listOf(names: readonly string[]): string {
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : (names[0] ?? '');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
