import { readFileSync } from 'node:fs';
import type { Summary } from '../../test/bench/statistics.mjs';
import { figure, type Measurement, majorOf, type Table, tablesOf } from '../../test/bench/tables.mjs';
import { type Verdict, verdictsOf } from '../../test/bench/targets.mjs';

/** As `npm run bench -- --write` writes them. */
const written = (): Measurement[] =>
  JSON.parse(readFileSync(new URL('benchmarks.json', import.meta.url), 'utf8'));

/** Bars in groups, from left to right, each with its label and figure beside it. */
export interface Chart {
  id: string;
  /** What it shows, and in which unit. */
  title: string;
  /** What a reader sees in it, in a sentence. */
  description: string;
  groups: { name: string; bars: Bar[] }[];
  /** A line across all bars. */
  mark?: { value: number; label: string };
}

/** A bar: `ours` stands out, `none` is an outline. */
export interface Bar {
  label: string;
  value: number;
  text: string;
  kind: 'ours' | 'other' | 'none';
}

/** Which Node was measured, where and when, and how busy that machine was before each part. */
export interface Run {
  node: string;
  openssl: string;
  clients: string;
  machine: string;
  dates: string;
  load: string;
  minutes: string;
}

declare const data: ReturnType<typeof dataOf>;

export { data };

export default {
  watch: ['./benchmarks.json'],
  load: () => dataOf(written()),
};

/** All that the pages show. */
export function dataOf(measurements: readonly Measurement[]) {
  const newest = `${Math.max(...measurements.map(({ node }) => Number(majorOf(node))))}`;
  const of = (part: string) =>
    measurements.find((each) => each.part === part && majorOf(each.node) === newest)?.results;
  const [clients, start, loading, memory, decisions, rotation] = [
    'clients',
    'cold-start',
    'loading',
    'memory',
    'decisions',
    'rotation',
  ].map(of);
  return {
    newest,
    speeds: measurements.filter(({ part }) => part === 'clients').map(speedOf),
    charts: {
      kept: clients && requestsChart(clients, 'kept', 'over connections that are kept', newest),
      resumed: clients && requestsChart(clients, 'resumed', 'a new connection each', newest),
      start: start && startChart(start, newest),
      loading: loading && loadingChart(loading, newest),
      loop: loading && loopChart(loading, newest),
      memory: memory && memoryChart(memory, newest),
      decisions: decisions && decisionsChart(decisions, newest),
      rotation: rotation && rotationChart(rotation, newest),
    },
    createHash: loading && createHashTime(loading),
    verdicts: verdictsOf(measurements) as Verdict[],
    tables: tablesOf(measurements) as Table[],
    runs: runsOf(measurements),
  };
}

interface Ways {
  'by hand': Record<string, Summary>;
  clientcert: Record<string, Summary>;
}

/** Of full speed, on one Node: the slowest client and the fastest. */
function speedOf({ node, results }: Measurement) {
  const range = (way: keyof Ways) => {
    const shares = Object.values(results).map(({ kept }) => kept[way].cpuShare.median as number);
    return `${percent(Math.min(...shares))} to ${percent(Math.max(...shares))} %`;
  };
  return { node: majorOf(node), ours: range('clientcert'), byHand: range('by hand') };
}

function requestsChart(
  results: Measurement['results'],
  mode: 'kept' | 'resumed',
  how: string,
  node: string,
): Chart {
  const bar = (ways: Ways, way: keyof Ways): Bar => {
    const value = ways[way].cpuShare!.median;
    return { label: way, value, text: `${percent(value)} %`, kind: way === 'clientcert' ? 'ours' : 'other' };
  };
  return {
    id: mode,
    title: `Requests ${how}, in percent of full speed`,
    description: `Requests for the same CPU time on Node ${node}, by hand and with clientcert, against the same client over one prebuilt secure context.`,
    groups: Object.entries(results).map(([name, modes]) => ({
      name,
      bars: [bar(modes[mode], 'by hand'), bar(modes[mode], 'clientcert')],
    })),
    mark: { value: 1, label: 'full speed' },
  };
}

function startChart(results: Measurement['results'], node: string): Chart {
  const labels = { nothing: 'no certificate', 'by hand': 'by hand', clientcert: 'clientcert' };
  const kinds = { nothing: 'none', 'by hand': 'other', clientcert: 'ours' } as const;
  return {
    id: 'start',
    title: 'From a program’s first line to its first response, CPU time in ms',
    description: `Milliseconds of CPU time on Node ${node}: without a certificate, with one by hand, and with clientcert.`,
    groups: Object.entries(results).map(([name, ways]) => ({
      name,
      bars: (['nothing', 'by hand', 'clientcert'] as const).map((way) => {
        const value = ways[way].cpu.median;
        return { label: labels[way], value, text: `${figure(value)} ms`, kind: kinds[way] };
      }),
    })),
  };
}

function fileBars(ways: Record<string, Record<string, Summary>>, what: string): Bar[] {
  const bar = (way: string, label: string, kind: Bar['kind']): Bar => {
    const value = ways[way]?.[what]?.median;
    if (value === undefined) return { label, value: 0, text: 'cannot', kind };
    return { label, value, text: `${figure(value)} ms`, kind };
  };
  return [bar('native', 'Node', 'other'), bar('clientcert', 'clientcert', 'ours')];
}

const isLong = (kind: string): boolean => kind.includes('rounds');

function loadingChart({ kinds }: Measurement['results'], node: string): Chart {
  return {
    id: 'loading',
    title: 'From a file’s bytes to a secure context, CPU time in ms',
    description: `Milliseconds of CPU time on Node ${node}, by Node itself and with clientcert, by kind of file.`,
    groups: Object.keys(kinds)
      .filter((kind) => !isLong(kind))
      .map((kind) => ({ name: kind, bars: fileBars(kinds[kind], 'cpu') })),
  };
}

function loopChart({ kinds }: Measurement['results'], node: string): Chart {
  return {
    id: 'loop',
    title: 'How long the event loop does nothing else, in ms',
    description: `Milliseconds on Node ${node} in which a process answers nobody, while a file with a long key derivation is opened by Node itself and with clientcert.`,
    groups: Object.keys(kinds)
      .filter(isLong)
      .map((kind) => ({ name: kind, bars: fileBars(kinds[kind], 'loop') })),
  };
}

function memoryChart(results: Measurement['results'], node: string): Chart {
  const bar = (summary: Summary, label: string, kind: Bar['kind']): Bar => ({
    label,
    value: summary.median,
    text: `${figure(summary.median)} kB`,
    kind,
  });
  return {
    id: 'memory',
    title: 'Memory for each identity of a config, in kB',
    description: `Kilobytes of the process on Node ${node}, for an identity that is loaded and for one that is used, by their number in one config.`,
    groups: Object.entries(results).map(([amount, { loaded, used }]) => ({
      name: `${figure(Number(amount))} identities`,
      bars: [bar(loaded, 'loaded', 'none'), bar(used, 'used', 'ours')],
    })),
  };
}

function decisionsChart({ deciding }: Measurement['results'], node: string): Chart {
  const cases = { 'a thousand pinned hosts': 'ours', 'ever new hosts below wildcards': 'other' } as const;
  const [first] = Object.keys(cases);
  return {
    id: 'decisions',
    title: 'Decisions for a second of CPU time, in millions',
    description: `Millions for a second of CPU time on Node ${node}: for a thousand hosts in turn, and for hosts that were never asked for before.`,
    groups: Object.keys(deciding[first!]).map((size) => ({
      name: `${figure(Number(size))} rules`,
      bars: Object.entries(cases).map(([name, kind]) => {
        const value = deciding[name][size].cpu.median / 1e6;
        const label = name === first ? 'known hosts' : 'new hosts';
        return { label, value, text: figure(value), kind };
      }),
    })),
  };
}

function rotationChart({ rates, failed }: Measurement['results'], node: string): Chart {
  return {
    id: 'rotation',
    title: 'Requests for a second of CPU time',
    description: `Requests for a second of CPU time on Node ${node}, with a certificate that stays and with one that is renewed every second. ${failed} requests failed.`,
    groups: [
      {
        name: 'node:https',
        bars: Object.entries(rates as Record<string, { cpu: Summary }>).map(([name, { cpu }]) => ({
          label: name === 'at rest' ? name : 'renewed',
          value: cpu.median,
          text: figure(Math.round(cpu.median)),
          kind: name === 'at rest' ? 'none' : 'ours',
        })),
      },
    ],
  };
}

/** What seven derivations of 600,000 rounds would take with `createHash`, in seconds. */
function createHashTime({ createHash }: Measurement['results']): string {
  return figure((createHash.median * 7 * 600_000) / 1e6);
}

/** One for each Node that was measured at one time on one machine. */
function runsOf(measurements: readonly Measurement[]): Run[] {
  return [...groupBy(measurements, ({ node, machine, openssl }) => `${node} ${machine} ${openssl}`)].map(
    ([, parts]) => {
      const { node, openssl, machine, clients } = parts[0]!;
      const dates = [...new Set(parts.map(({ date }) => date))].sort();
      const loads = parts.map(({ load }) => load[0]!);
      return {
        node,
        openssl,
        machine,
        clients: Object.entries(clients)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
        dates: dates.length > 1 ? `${dates[0]} to ${dates.at(-1)}` : `${dates[0]}`,
        load: `${figure(Math.min(...loads))} to ${figure(Math.max(...loads))}`,
        minutes: figure(parts.reduce((sum, { seconds }) => sum + seconds, 0) / 60),
      };
    },
  );
}

function groupBy<Value>(values: readonly Value[], keyOf: (value: Value) => string): Map<string, Value[]> {
  const groups = new Map<string, Value[]>();
  for (const value of values) groups.set(keyOf(value), [...(groups.get(keyOf(value)) ?? []), value]);
  return groups;
}

function percent(share: number): number {
  return Math.round(share * 100);
}
