import { existsSync, readFileSync } from 'node:fs';

/** What a neighbour did in a case: ✓, ✗ or neither, in a word or two, and what its user was told. */
export interface Cell {
  verdict: 'yes' | 'no' | 'none';
  word: string;
  told?: string;
}

/** What one kind of cases showed; `cells` by the neighbour's id. */
export interface Kind {
  title: string;
  cases: { id: string; title: string; words?: string; cells: Record<string, Cell> }[];
}

/** Requests a second: the median of the rounds, the slowest and the fastest. */
export interface Rate {
  perSecond: number;
  low: number;
  high: number;
  perCpuSecond: number;
  /** The share of connections that resumed a TLS session. */
  resumed?: number;
}

/** As `npm run neighbours` writes it. */
export interface Table {
  date: string;
  machine: string;
  node: string;
  neighbours: Record<string, { name: string; version: string; setup: string }>;
  kinds: Record<string, Kind>;
  speed?: {
    date: string;
    machine: string;
    rounds: number;
    rows: Record<string, { kept: Rate; fresh: Rate }>;
  };
}

/** A column: one neighbour, or clientcert over all clients. */
interface Column {
  name: string;
  version: string;
  setup: string;
  ids: string[];
}

interface Row {
  title: string;
  words: string;
  cells: Cell[];
  told: { name: string; text: string }[];
}

declare const data: {
  date: string;
  machine: string;
  node: string;
  columns: Column[];
  kinds: { id: string; title: string; rows: Row[] }[];
  scores: { name: string; passed: number; of: number }[];
  speed: { date: string; machine: string; rounds: number; rows: SpeedRow[] } | null;
};

interface SpeedRow {
  name: string;
  kept: Rate;
  fresh: Rate;
}

export { data };

export const kinds = ['leak', 'format', 'renewal', 'error'];
const path = new URL('neighbours.json', import.meta.url);

export default {
  load: () => {
    const table: Table = existsSync(path)
      ? JSON.parse(readFileSync(path, 'utf8'))
      : { date: '', machine: '', node: '', neighbours: {}, kinds: {} };
    const columns = columnsOf(table);
    const shown = kinds.flatMap((id) => {
      const kind = table.kinds[id];
      return kind ? [{ id, title: kind.title, rows: kind.cases.map((each) => rowOf(each, columns)) }] : [];
    });
    const { date, machine, node } = table;
    return {
      date,
      machine,
      node,
      columns,
      kinds: shown,
      scores: scoresOf(columns, shown),
      speed: speedOf(table),
    };
  },
};

/** Those of one name share a column. */
export function columnsOf({ neighbours }: Table): Column[] {
  const columns = new Map<string, Column>();
  for (const [id, { name, version, setup }] of Object.entries(neighbours)) {
    const column = columns.get(name) ?? { name, version, setup, ids: [] };
    column.ids.push(id);
    columns.set(name, column);
  }
  return [...columns.values()];
}

function rowOf({ title, words = '', cells }: Kind['cases'][number], columns: readonly Column[]): Row {
  const shown = columns.map(({ ids }) => worst(ids.flatMap((id) => cells[id] ?? [])));
  const told = columns.flatMap(({ name }, index) => {
    const text = shown[index]!.told;
    return text ? [{ name, text }] : [];
  });
  return { title, words, cells: shown, told };
}

/** One cell for several: what fails counts before what holds, and that before what cannot be tried. */
export function worst(cells: readonly Cell[]): Cell {
  const order = ['no', 'yes', 'none'];
  const [first] = cells.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  return first ?? { verdict: 'none', word: 'not run' };
}

/** How many of the cases that it can be tried with each passes, the best first. */
function scoresOf(columns: readonly Column[], shown: readonly { rows: readonly Row[] }[]) {
  const scores = columns.map(({ name }, index) => {
    const verdicts = shown.flatMap(({ rows }) => rows.map(({ cells }) => cells[index]!.verdict));
    return {
      name,
      passed: verdicts.filter((each) => each === 'yes').length,
      of: verdicts.length,
    };
  });
  return scores.toSorted((a, b) => b.passed - a.passed);
}

function speedOf({ speed, neighbours }: Table): (typeof data)['speed'] {
  if (!speed) return null;
  const rows = Object.entries(speed.rows).map(([id, rates]) => {
    const client = id.replace(/^clientcert-/, '');
    const name = neighbours[client]?.name ?? client;
    return { client, ours: client !== id, name: client === id ? name : `${name} with clientcert`, ...rates };
  });
  const order = [...new Set(rows.map(({ client }) => client))];
  const sorted = rows.toSorted(
    (a, b) => order.indexOf(a.client) - order.indexOf(b.client) || Number(a.ours) - Number(b.ours),
  );
  return { ...speed, rows: sorted.map(({ name, kept, fresh }) => ({ name, kept, fresh })) };
}
