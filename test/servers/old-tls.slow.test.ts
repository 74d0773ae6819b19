import { describe, it } from 'vitest';
import { tryServer } from '../diagnosis/matrix.ts';
import { servers, titleOf } from './index.ts';
import { note } from './results.ts';

// A rule says `tls: { …, legacy: true }`. Every credential by one client, and the right one by each:
// what a client makes of a refusal over TLS 1.2, it makes of one before.
describe.concurrent('TLS 1.0 and 1.1', () => {
  for (const server of servers) {
    it.skipIf(!server.program)(titleOf(server), { timeout: 600_000 }, async ({ expect }) => {
      const cells = await tryServer(server, {
        versions: ['TLSv1', 'TLSv1.1'],
        legacy: true,
        includes: (credential, client) => credential === 'right' || client === 'https',
      });
      const right = cells.filter(({ credential }) => credential === 'right');
      expect(right).toHaveLength(12);
      expect(right.filter(({ saw }) => saw !== 'served')).toEqual([]);
      expect(cells.filter(({ said }) => said && said.grade !== 'named' && said.grade !== 'ranked')).toEqual(
        [],
      );
      note(server, 'old TLS', cells.length);
    });
  }
});
