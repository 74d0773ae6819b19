import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { servers, titleOf } from '../servers/index.ts';
import { note } from '../servers/results.ts';
import { tryServer } from './matrix.ts';
import { type Cell, collect, count } from './table.ts';

/** By server, in whichever order they end. */
const seen = new Map<string, readonly Cell[]>();

// Each waits for the others' processes most of the time.
describe.concurrent('every credential, over both versions of TLS, through every client', () => {
  for (const server of servers) {
    it.skipIf(!server.program)(titleOf(server), { timeout: 300_000 }, async ({ expect }) => {
      const cells = await tryServer(server);
      seen.set(server.name, cells);
      const right = cells.filter(({ credential }) => credential === 'right');
      expect(right.filter(({ saw }) => saw !== 'served')).toEqual([]);
      // What is certain is true, and what is not certain names the truth as well.
      const isBad = ({ said, informed }: Cell) =>
        [said, informed].some((each) => each && /wrong|missed/.test(each.grade));
      expect(cells.filter(isBad)).toEqual([]);
      note(server, 'certificates', cells.length);
    });
  }
});

it('of a hundred refusals 95 and more are named right', () => {
  const cells = servers.flatMap(({ name }) => seen.get(name) ?? []);
  if (process.env.REFUSALS) write(process.env.REFUSALS, cells);
  const { refused, named } = count(cells, 'informed');
  expect(refused).toBeGreaterThan(0);
  expect(named / refused).toBeGreaterThanOrEqual(0.95);
});

it.runIf(process.env.SERVERS === 'all')('no server is left out', () => {
  expect(servers.filter(({ program }) => !program).map(({ name }) => name)).toEqual([]);
});

/** Puts what this Node saw into a folder, and the table of all Nodes in it into the documentation. */
function write(folder: string, cells: readonly Cell[]): void {
  writeFileSync(join(folder, `${process.versions.node.split('.')[0]}.json`), JSON.stringify(cells));
  const byNode = new Map(
    readdirSync(folder).map((name): [number, Cell[]] => [
      Number.parseInt(name, 10),
      JSON.parse(readFileSync(join(folder, name), 'utf8')),
    ]),
  );
  const page = fileURLToPath(new URL('../../docs/reference/refusals.json', import.meta.url));
  const rows = collect(byNode).map((row) => JSON.stringify(row));
  writeFileSync(page, `[\n${rows.join(',\n')}\n]\n`);
}
