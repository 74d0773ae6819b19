import { readFileSync } from 'node:fs';
import { type Counts, cellsOf, count, type Row, type Said, type Sight } from '../../test/diagnosis/table.ts';

/** As `npm run test:diagnosis -- --write` writes them. */
const rows: Row[] = JSON.parse(readFileSync(new URL('refusals.json', import.meta.url), 'utf8'));
export const nodes = [20, 24];
export const clients: readonly string[] = ['https', 'axios', 'got', 'undici', 'fetch', 'soap'];

/** Servers that all say the same, and what comes of each credential: over TLS 1.2, and over 1.3 where that is another. */
export interface Server {
  name: string;
  lines: Line[];
}

/** What a client saw, and what is said of it. */
export interface Line {
  credential: string;
  /** Over which version of TLS, on which Node, with which client; empty for all. */
  where: string;
  saw: string;
  said: Said | null;
  /** The first cause where the issuers are known, if that is another one. */
  informed: string | null;
  /** What else it may be, without that. */
  alternatives: readonly string[];
}

declare const data: {
  servers: Server[];
  counts: { node: number; alone: Counts; informed: Counts }[];
};

export { data };

export default {
  load: () => ({
    servers: serversOf(rows),
    counts: countsOf(rows),
  }),
};

function serversOf(of: readonly Row[]): Server[] {
  const alike = new Map<string, { names: string[]; lines: Line[] }>();
  for (const name of new Set(of.map(({ server }) => server))) {
    const lines = linesOf(name);
    const key = JSON.stringify(lines);
    const found = alike.get(key) ?? { names: [], lines };
    found.names.push(name);
    alike.set(key, found);
  }
  return [...alike.values()].map(({ names, lines }) => ({ name: names.join(', '), lines }));
}

export function countsOf(of: readonly Row[]): (typeof data)['counts'] {
  return nodes.map((node) => {
    const cells = cellsOf(of, node, clients);
    return { node, alone: count(cells, 'said'), informed: count(cells, 'informed') };
  });
}

function linesOf(server: string): Line[] {
  const own = rows.filter((row) => row.server === server && row.credential !== 'right');
  return [...new Set(own.map(({ credential }) => credential))].flatMap((credential) => {
    const [older, newer] = ['TLSv1.2', 'TLSv1.3'].map(
      (tls) => own.find((row) => row.credential === credential && row.tls === tls)?.seen ?? [],
    ) as [readonly Sight[], readonly Sight[]];
    const line = (tls: string) => (sight: Sight) => ({ credential, ...write(sight, tls) });
    if (JSON.stringify(older) === JSON.stringify(newer)) return older.map(line(''));
    return [...older.map(line('TLS 1.2')), ...newer.map(line('TLS 1.3'))];
  });
}

function write(
  { saw, said, informed, nodes: on, clients: through }: Sight,
  tls: string,
): Omit<Line, 'credential'> {
  const where = [tls, on ? `Node ${on.join(' and ')}` : '', through?.join(', ') ?? ''];
  const other = informed && informed.code !== said?.code ? informed.code : null;
  return {
    where: where.filter((part) => part !== '').join(', '),
    saw: saw === 'ERR_CLIENTCERT_CERTIFICATE_REFUSED' ? 'not sent' : saw,
    said: said ?? null,
    informed: other,
    alternatives: other ? [] : (said?.alternatives ?? []),
  };
}
