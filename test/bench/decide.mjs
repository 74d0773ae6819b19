// Decisions per second, and the time to lay out a table, as the number of pins grows.
//
//   node test/bench/decide.mjs [rounds]
//
// All sizes are measured in turn within each round, so that a busy machine slows them alike. What counts is the
// ratio between the sizes: a decision among 100,000 pins is to cost what it costs among 10.
import { rmSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'tsdown';

const SIZES = [10, 10_000, 100_000];
const ROUNDS = Number(process.argv[2] ?? 5);
const BATCH = 400_000;

const { buildTable, checkConfig, resolve, resolveHost } = await compileSources();

const tables = new Map();
console.log('pins      check config   build table');
for (const size of SIZES) {
  const config = createConfig(size);
  const [checkTime, checked] = await timed(() => checkConfig(config));
  const [buildTime, table] = await timed(() => buildTable(checked.pins));
  tables.set(size, table);
  console.log(`${pad(size)}${pad(`${checkTime.toFixed(0)} ms`, 15)}${buildTime.toFixed(0)} ms`);
}

const cases = {
  // What any exact lookup pays for the memory caches of the processor.
  'for comparison: Map.get alone, every host in turn': (_, size) => {
    const hosts = Array.from({ length: size }, (_, index) => hostOf(index));
    const map = new Map(hosts.map((host, index) => [`${host}`, { certificate: `bank-${index % 2}` }]));
    let next = 0;
    return () => map.get(hosts[next++ % size]);
  },
  'resolveHost, one pinned host': (table, size) => {
    const host = hostOf(size >> 1);
    return () => resolveHost(table, host, 443);
  },
  'resolveHost, every pinned host in turn': (table, size) => {
    const hosts = Array.from({ length: size }, (_, index) => hostOf(index));
    let next = 0;
    return () => resolveHost(table, hosts[next++ % size], 443);
  },
  'resolveHost, a thousand pinned hosts in turn': (table, size) => {
    const hosts = Array.from({ length: Math.min(size, 1000) }, (_, index) => hostOf(index));
    let next = 0;
    return () => resolveHost(table, hosts[next++ % hosts.length], 443);
  },
  'resolveHost, hosts below wildcards, never the same': (table, size) => {
    let next = 0;
    return () => resolveHost(table, `t${next++}.w${next % size}.bank.example`, 443);
  },
  'resolveHost, hosts that no rule names': (table) => {
    let next = 0;
    return () => resolveHost(table, `t${next++}.elsewhere.example`, 443);
  },
  'resolveHost, as a service': (table, size) => {
    const host = hostOf(size >> 1);
    return () => resolveHost(table, host, 443, 'Billing.Archive');
  },
  'resolve, { host, port }': (table, size) => {
    const target = { host: hostOf(size >> 1), port: 443 };
    return () => resolve(table, target);
  },
  'resolve, URL': (table, size) => {
    const url = new URL(`https://${hostOf(size >> 1)}/`);
    return () => resolve(table, url);
  },
  'resolve, text of a URL': (table, size) => {
    const url = `https://${hostOf(size >> 1)}/accounts`;
    return () => resolve(table, url);
  },
};

console.log(`\nmillion decisions per second, median of ${ROUNDS} rounds (lowest to highest)`);
for (const [name, create] of Object.entries(cases)) {
  const runs = SIZES.map((size) => ({ size, decide: create(tables.get(size), size), rates: [] }));
  for (const { decide } of runs) measure(decide); // warm up
  for (let round = 0; round < ROUNDS; round++) for (const run of runs) run.rates.push(measure(run.decide));
  console.log(name);
  const [smallest] = runs.map(({ rates }) => median(rates));
  for (const { size, rates } of runs) {
    const spread = `(${Math.min(...rates).toFixed(2)} to ${Math.max(...rates).toFixed(2)})`;
    const ratio = median(rates) / smallest;
    console.log(
      `  ${pad(size)}${pad(median(rates).toFixed(2), 8)}${pad(spread, 18)}${ratio.toFixed(2)} of 10 pins`,
    );
  }
}

function createConfig(size) {
  const hosts = {};
  for (let index = 0; index < size; index++) {
    hosts[index % 2 ? hostOf(index) : `${hostOf(index)}:*`] = 'bank';
    if (index % 10 === 0) hosts[`*.w${index}.bank.example`] = { certificate: 'bank', tls: 'TLSv1.3' };
  }
  return { certificates: { bank: { pfx: 'bank.pfx' } }, hosts, services: { 'Billing.Archive': 'bank' } };
}

function hostOf(index) {
  return `host-${index}.bank.example`;
}

function measure(decide) {
  let presented = 0;
  const start = process.cpuUsage();
  for (let count = 0; count < BATCH; count++) if (decide().certificate !== null) presented++;
  const { user, system } = process.cpuUsage(start);
  if (presented < 0) throw new Error('unreachable');
  return BATCH / (user + system);
}

async function timed(task) {
  const start = performance.now();
  const value = await task();
  return [performance.now() - start, value];
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function pad(value, width = 10) {
  return String(value).padEnd(width);
}

/** The parts that decide are not public names of the package: they are compiled from their sources. */
async function compileSources() {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const outDir = `${root}node_modules/.cache/bench-decide`;
  const pin = `${root}packages/core/src/pin`;
  await build({
    config: false,
    entry: {
      check: `${root}packages/core/src/config/check.ts`,
      table: `${pin}/table.ts`,
      resolve: `${pin}/resolve.ts`,
    },
    outDir,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    dts: false,
    logLevel: 'error',
  });
  process.on('exit', () => rmSync(outDir, { recursive: true, force: true }));
  const modules = ['check', 'table', 'resolve'].map(
    (name) => import(pathToFileURL(`${outDir}/${name}.mjs`).href),
  );
  const loaded = Object.assign({}, ...(await Promise.all(modules)));
  // What is imported when it is first needed is not counted: valibot, and the list of public suffixes.
  await loaded.checkConfig({ hosts: { '*.bank.example': false } });
  return loaded;
}
