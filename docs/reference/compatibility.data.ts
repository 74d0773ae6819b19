import { existsSync, readdirSync, readFileSync } from 'node:fs';

const packages = new URL('../../packages/', import.meta.url);
const nodes = [20, 22, 24, 26];

/** A version of a client, and on which Nodes it is tested. */
export interface Row {
  adapter: string;
  client: string;
  tested: Record<number, boolean>;
}

declare const data: { nodes: number[]; rows: Row[] };

export { data };

export default {
  load: () => ({
    nodes,
    rows: readdirSync(packages).flatMap((adapter): Row[] => {
      const path = new URL(`${adapter}/versions.json`, packages);
      if (!existsSync(path)) return [];
      const versions: { clients: Record<string, string>; node: number }[] = JSON.parse(
        readFileSync(path, 'utf8'),
      );
      return versions.map(({ clients, node }) => ({
        adapter: `@clientcert/${adapter}`,
        client: Object.entries(clients)
          .map((each) => each.join(' '))
          .join(', '),
        tested: Object.fromEntries(nodes.map((each) => [each, each >= node])),
      }));
    }),
  }),
};
