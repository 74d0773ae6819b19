import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dataOf } from '../../docs/reference/benchmarks.data.ts';
import measured from '../../docs/reference/benchmarks.json' with { type: 'json' };
import { parts } from '../bench/parts.mjs';
import { quantile, summarize, summarizeRatios } from '../bench/statistics.mjs';
import type { Measurement } from '../bench/tables.mjs';
import { verdictsOf } from '../bench/targets.mjs';

const measurements = measured as unknown as readonly Measurement[];
const page = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

describe('docs/reference/benchmarks.json', () => {
  it('has every part of each Node, whole', () => {
    const nodes = new Set(measurements.map(({ node }) => node.split('.')[0]));
    expect(nodes.size).toBeGreaterThan(0);
    for (const node of nodes) {
      const own = measurements.filter((each) => each.node.startsWith(`${node}.`)).map(({ part }) => part);
      expect(own.toSorted()).toEqual(parts.toSorted());
    }
  });

  it('has all that the pages show', () => {
    const data = dataOf(measurements);
    for (const [name, chart] of Object.entries(data.charts)) {
      expect(chart?.groups.length, name).toBeGreaterThan(0);
      const bars = chart!.groups.flatMap((group) => group.bars);
      expect(bars.filter(({ value, text }) => !(value > 0) && text !== 'cannot')).toEqual([]);
    }
    for (const { id, columns, rows } of data.tables) {
      for (const { cells } of rows) expect(cells, id).toHaveLength(columns.length);
    }
    const shown = page('reference/benchmarks.md') + page('performance.md');
    const anchors = [...shown.matchAll(/\/reference\/benchmarks#([\w-]+)/g)].map(([, id]) => id);
    expect(anchors.filter((id) => id !== 'runs' && !data.tables.some((table) => table.id === id))).toEqual(
      [],
    );
  });
});

it('no figure of the pages is written by hand', () => {
  for (const name of ['performance.md', 'reference/benchmarks.md']) {
    const text = page(name)
      .replace(/^---\n[\s\S]*?\n---\n/, '')
      .replace(/<script[\s\S]*?<\/script>|```[\s\S]*?```|`[^`]*`|<[^>]*>|\{\{.*?\}\}/g, '')
      // Of the method, not of a run.
      .replace(/TLS 1\.3|2,048 bits|PKCS#12/g, '');
    expect(text.match(/.*\d.*/g) ?? []).toEqual([]);
  }
});

describe('targets', () => {
  const memory = (loaded: number): Measurement =>
    ({
      part: 'memory',
      node: '24.1.0',
      results: { 10: sizes(99, 99), 10000: sizes(loaded, 30) },
    }) as unknown as Measurement;
  const sizes = (loaded: number, used: number) => ({ loaded: { median: loaded }, used: { median: used } });

  it('are met up to their bound', () => {
    expect(verdictsOf([memory(16)])).toMatchObject([
      { met: true, said: '16 kB (one of 10,000), 0 kB to spare' },
      { met: true },
    ]);
  });

  it('are missed beyond it, and by how much is said', () => {
    const [loaded, used] = verdictsOf([memory(17.5)]);
    expect(loaded).toMatchObject({ met: false, node: '24', bound: 'at most 16 kB' });
    expect(loaded?.said).toBe('17.5 kB (one of 10,000), by 1.50 kB');
    expect(used?.met).toBe(true);
  });
});

describe('statistics', () => {
  it('takes the middle of an even number between its neighbours', () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
    expect(quantile([4, 1, 3, 2], 1)).toBe(4);
    expect(quantile([7], 0.1)).toBe(7);
  });

  it('compares each measurement with that of its round', () => {
    expect(summarizeRatios([1, 20, 300], [2, 40, 600])).toEqual({ median: 0.5, low: 0.5, high: 0.5 });
    expect(summarize(Array.from({ length: 11 }, (_, index) => index))).toEqual({
      median: 5,
      low: 1,
      high: 9,
    });
  });

  it('has no median of nothing', () => {
    expect(() => summarize([])).toThrow(RangeError);
  });
});
