// All benchmarks, each in a process of its own or in several, on this Node or on others, as a table in the terminal. What
// was measured goes into docs/reference/benchmarks.json, from which docs/performance.md and its charts are made.
//
//   npm run bench -- [--quick] [--only PART]… [--node 24]… [--write]
//
// --quick: a minute, which shows that every part works, and nothing else; --write: into that file, in place of what it
// has of the same parts and Nodes.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { arch, env, exit, platform, versions } from 'node:process';
import { parseArgs } from 'node:util';
import { nodeBinary } from '../../scripts/node-binary.mjs';
import { parts } from './parts.mjs';
import { print } from './print.mjs';

const file = new URL('../../docs/reference/benchmarks.json', import.meta.url);
const boolean = { type: 'boolean', default: false };
const list = { type: 'string', multiple: true };
const { values: chosen } = parseArgs({ options: { quick: boolean, write: boolean, only: list, node: list } });
const unknown = chosen.only?.filter((name) => !parts.includes(name)) ?? [];
if (unknown.length > 0) {
  console.error(`${unknown}: no such part; there are ${parts.join(', ')}`);
  exit(1);
}

const extent = chosen.quick ? 'quick' : 'full';
const measured = [];
for (const major of chosen.node ?? [versions.node.split('.')[0]]) {
  const execPath = nodeBinary(major);
  for (const part of chosen.only ?? parts) {
    measured.push(await measure(part, execPath));
    if (chosen.write) write(measured); // what comes later may fail
  }
}
console.log();
print(measured);

async function measure(part, execPath) {
  const head = {
    part,
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus()[0]?.model.trim()}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ${platform} ${arch}`,
    load: loadavg().map((each) => Number(each.toFixed(2))),
    clients: Object.fromEntries(['axios', 'got', 'soap', 'undici'].map((name) => [name, versionOf(name)])),
  };
  const start = performance.now();
  const { alone, combine, settings: both } = await import(`./${part}.mjs`);
  const settings = both[extent];
  const measured = {};
  let child;
  for (let left = settings.runs ?? 1; left > 0; left--) {
    for (const one of alone ?? ['all']) {
      child = await runChild(part, execPath, one);
      measured[one] = [...(measured[one] ?? []), child.results];
    }
  }
  const { node, openssl } = child;
  const results = combine ? combine(measured) : child.results;
  const seconds = Math.round((performance.now() - start) / 1000);
  console.error(`Node ${node}: ${part}, ${seconds} s`);
  return { ...head, node, openssl, settings, seconds, results };
}

async function runChild(part, execPath, one) {
  const child = fork(new URL('child.mjs', import.meta.url), [part, extent, one], {
    execPath,
    execArgv: [],
    env: cleanEnvironment(),
  });
  const messages = [];
  child.on('message', (message) => messages.push(message));
  const [code] = await once(child, 'exit');
  if (code === 0 && messages.length === 1) return messages[0];
  console.error(`${part}: failed`);
  exit(1);
}

/** What this shell has set for its own programs would be measured too. */
function cleanEnvironment() {
  const set = /^(NODE_.*|CLIENTCERT_.*|SSL_CERT_.*|(https?|all|no)_proxy)$/i;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !set.test(name)));
}

function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`../../node_modules/${name}/package.json`, import.meta.url), 'utf8'))
    .version;
}

function write(fresh) {
  const places = new Set(fresh.map(placeOf));
  const kept = JSON.parse(readFileSync(file, 'utf8')).filter((each) => !places.has(placeOf(each)));
  const order = (each) => parts.indexOf(each.part) * 1000 + Number(each.node.split('.')[0]);
  const all = [...kept, ...fresh].sort((a, b) => order(a) - order(b));
  writeFileSync(file, `[\n${all.map(lines).join(',\n')}\n]\n`);
}

function placeOf({ part, node }) {
  return `${part} ${node.split('.')[0]}`;
}

/** A line for what was measured where, and one for each result: a change shows in a diff, and little else does. */
function lines({ results, ...head }) {
  const each = Object.entries(results).map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  );
  return `${JSON.stringify(head).slice(0, -1)},"results":{\n${each.join(',\n')}\n}}`;
}
