import { describe, expect, it } from 'vitest';
import { clients, countsOf, nodes } from '../../docs/reference/refusals.data.ts';
import rows from '../../docs/reference/refusals.json' with { type: 'json' };
import { causes } from '../../packages/core/src/diagnose/causes.ts';
import { symptoms } from '../../packages/core/src/diagnose/symptoms.ts';
import { clients as called } from '../diagnosis/clients.ts';
import { kinds } from '../diagnosis/credentials.ts';
import { cellsOf, type Row } from '../diagnosis/table.ts';
import { servers } from '../servers/index.ts';

const table = rows as readonly Row[];

describe('docs/reference/refusals.json', () => {
  it('holds a call of each server with each credential over each version through each client on each Node', () => {
    const places = servers.flatMap(({ name }) =>
      kinds.flatMap((kind) => ['TLSv1.2', 'TLSv1.3'].map((tls) => [name, kind, tls].join())),
    );
    const calls = places.flatMap((place) => Object.keys(called).map((client) => `${place},${client}`));
    for (const node of nodes) {
      const cells = cellsOf(table, node, clients);
      const found = cells.map(({ server, credential, tls, client }) =>
        [server, credential, tls, client].join(),
      );
      expect(found.toSorted()).toEqual(calls.toSorted());
    }
  });

  it('names causes and alerts that there are', () => {
    const sights = table.flatMap(({ seen }) => seen);
    const said = sights.flatMap((sight) => [sight.said, sight.informed]).filter((each) => each !== undefined);
    const codes = said.flatMap(({ code, alternatives }) => [code, ...alternatives]);
    expect([...new Set(codes)].filter((code) => !Object.hasOwn(causes, code))).toEqual([]);
    const alerts = sights.flatMap(({ saw }) => /^alert (\d+)$/.exec(saw)?.slice(1) ?? []).map(Number);
    expect(alerts.length).toBeGreaterThan(0);
    for (const alert of alerts) expect(symptoms.map((symptom) => symptom.alert)).toContain(alert);
  });

  it('shows 95 of 100 named right, and nothing certain that is wrong', () => {
    for (const { alone, informed } of countsOf(table)) {
      expect(informed.named / informed.refused).toBeGreaterThanOrEqual(0.95);
      expect([alone.wrong, alone.missed, informed.wrong, informed.missed]).toEqual([0, 0, 0, 0]);
    }
  });
});
