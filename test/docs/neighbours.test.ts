import { describe, expect, it } from 'vitest';
import { type Cell, columnsOf, kinds, type Table, worst } from '../../docs/reference/neighbours.data.ts';
import json from '../../docs/reference/neighbours.json' with { type: 'json' };

const table = json as unknown as Table;

describe('docs/reference/neighbours.json', () => {
  it('has a cell of every neighbour in every case', () => {
    const all = Object.keys(table.neighbours).toSorted();
    expect(all.length).toBeGreaterThan(12);
    expect(Object.keys(table.kinds).toSorted()).toEqual(kinds.toSorted());
    for (const { cases } of Object.values(table.kinds)) {
      expect(cases.length).toBeGreaterThan(1);
      for (const { id, cells } of cases) expect([id, ...Object.keys(cells).toSorted()]).toEqual([id, ...all]);
    }
  });

  it('shows clientcert to lead no certificate astray, over any client', () => {
    const ours = columnsOf(table).find(({ name }) => name === 'clientcert')!;
    expect(ours.ids).toHaveLength(6);
    const shown = table.kinds.leak!.cases.map(({ cells }) => worst(ours.ids.map((id) => cells[id]!)).verdict);
    expect(new Set(shown)).toEqual(new Set(['yes']));
  });

  it('names no folder of the machine that made it', () => {
    expect(JSON.stringify(table)).not.toMatch(/\/(tmp|root|home|work)\//);
  });
});

describe('worst', () => {
  it('counts a failure of one for all, and what could not be tried for none', () => {
    const cell = (verdict: Cell['verdict']): Cell => ({ verdict, word: verdict });
    expect(worst([cell('yes'), cell('no'), cell('none')]).verdict).toBe('no');
    expect(worst([cell('none'), cell('yes')]).verdict).toBe('yes');
    expect(worst([]).word).toBe('not run');
  });
});
