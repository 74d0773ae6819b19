/** What came of one call, and what is said of it. */
export interface Cell {
  readonly server: string;
  readonly credential: string;
  readonly tls: string;
  readonly client: string;
  /** What the client saw: `alert 48`, `HTTP 400`, `closed`, a code of this project; `served` where nobody refused. */
  readonly saw: string;
  /** Of what was refused, by the error or answer and what is known here. */
  readonly said?: Said;
  /** With the issuers that the server names, where that makes a difference. */
  readonly informed?: Said;
}

/** A diagnosis, without its words. */
export interface Said {
  readonly code: string;
  readonly confidence: string;
  readonly alternatives: readonly string[];
  readonly grade: Grade;
}

/**
 * `named`: the first cause is the right one. `ranked`: the right one is among the others. `missed`: it is not there.
 * `wrong`: another one is called certain.
 */
export type Grade = 'named' | 'ranked' | 'missed' | 'wrong';

/** The calls of one server with one credential over one version, as `docs/reference/refusals.json` keeps them. */
export interface Row extends Pick<Cell, 'server' | 'credential' | 'tls'> {
  readonly seen: readonly Sight[];
}

/** What came of those calls; of all of them, unless it says of which. */
export interface Sight extends Pick<Cell, 'saw' | 'said' | 'informed'> {
  readonly clients?: readonly string[];
  /** Major versions of Node. */
  readonly nodes?: readonly number[];
}

/** Every outcome once, of the cells of each Node. */
export function collect(byNode: ReadonlyMap<number, readonly Cell[]>): Row[] {
  const rows = new Map<string, { row: Omit<Row, 'seen'>; calls: Map<string, Call[]>; every: Call[] }>();
  for (const [node, cells] of byNode) {
    for (const { client, server, credential, tls, ...seen } of cells) {
      const row = { server, credential, tls };
      const key = JSON.stringify(row);
      const found = rows.get(key) ?? { row, calls: new Map<string, Call[]>(), every: [] };
      rows.set(key, found);
      const call = { client, node };
      const outcome = JSON.stringify(seen);
      found.calls.set(outcome, [...(found.calls.get(outcome) ?? []), call]);
      found.every.push(call);
    }
  }
  return [...rows.values()].map(({ row, calls, every }) => ({
    ...row,
    seen: [...calls].flatMap(([outcome, of]) =>
      describe(of, every).map((whose) => ({ ...JSON.parse(outcome), ...whose })),
    ),
  }));
}

interface Call {
  readonly client: string;
  readonly node: number;
}

/** Which calls these are of all; a Node in which other clients are meant than in another has a line of its own. */
function describe(calls: readonly Call[], every: readonly Call[]): Pick<Sight, 'clients' | 'nodes'>[] {
  const clientsOf = (of: readonly Call[], node: number) =>
    of.filter((call) => call.node === node).map(({ client }) => client);
  const byClients = new Map<string, number[]>();
  for (const { node } of calls) {
    const clients = clientsOf(calls, node);
    const key = clients.length === clientsOf(every, node).length ? '' : clients.join();
    byClients.set(key, [...new Set([...(byClients.get(key) ?? []), node])]);
  }
  const all = new Set(every.map(({ node }) => node)).size;
  return [...byClients].map(([clients, nodes]) => ({
    ...(clients !== '' && { clients: clients.split(',') }),
    ...(nodes.length < all && { nodes }),
  }));
}

/** How many calls were refused, and how many of these refusals were named right. */
export interface Counts extends Readonly<Record<Grade, number>> {
  readonly calls: number;
  readonly refused: number;
}

/** @param by Without the issuers that the server names, or with them. */
export function count(cells: readonly Pick<Cell, 'said' | 'informed'>[], by: 'said' | 'informed'): Counts {
  const counts = { calls: cells.length, refused: 0, named: 0, ranked: 0, missed: 0, wrong: 0 };
  for (const cell of cells) {
    const said = cell[by] ?? cell.said;
    if (!said) continue;
    counts.refused++;
    counts[said.grade]++;
  }
  return counts;
}

/** The cells of one Node, of rows. */
export function cellsOf(rows: readonly Row[], node: number, every: readonly string[]): Cell[] {
  return rows.flatMap(({ seen, ...row }) =>
    seen
      .filter(({ nodes }) => nodes?.includes(node) ?? true)
      .flatMap(({ clients = every, nodes: _, ...sight }) =>
        clients.map((client): Cell => ({ ...row, client, ...sight })),
      ),
  );
}
