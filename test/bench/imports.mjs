// What importing costs by CPU time, each in a process of its own, in interleaved rounds: core beside `node:https`, and
// each adapter after core and its client.
//
//   npm run build && node test/bench/imports.mjs [rounds]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, execPath, version } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const rounds = Number(argv[2] ?? 15);
const cwd = fileURLToPath(new URL('../..', import.meta.url));

/** What is imported last is measured. */
const measured = {
  'node:https': ['node:https'],
  core: ['@clientcert/core'],
  'core, after node:https': ['node:https', '@clientcert/core'],
  'core/adapter': ['@clientcert/core/adapter'],
  axios: ['@clientcert/core', 'axios', '@clientcert/axios'],
  got: ['@clientcert/core', 'got', '@clientcert/got'],
  soap: ['@clientcert/core', 'soap', '@clientcert/soap'],
  undici: ['@clientcert/core', 'undici', '@clientcert/undici'],
};
const kinds = {
  commonjs: (name) => `require('${name}');`,
  module: (name) => `await import('${name}');`,
};
/** What the first import costs, and the first after a large one, is the loader's own: an empty file bears it. */
const directory = mkdtempSync(join(tmpdir(), 'clientcert-imports-'));
const empty = pathToFileURL(join(directory, 'empty.mjs'));
writeFileSync(empty, '');

const times = new Map();
for (let round = 0; round < rounds; round++) {
  for (const [kind, load] of Object.entries(kinds)) {
    for (const [name, names] of Object.entries(measured)) {
      const program = `
        (async () => {
          ${names.slice(0, -1).map(load).join('')}
          for (const time of ['first', 'second']) await import('${empty}?' + time);
          const before = process.cpuUsage();
          ${load(names.at(-1))}
          const { user, system } = process.cpuUsage(before);
          console.log((user + system) / 1000);
        })();
      `;
      const args = [`--input-type=${kind}`, '-e', program];
      const took = Number(execFileSync(execPath, args, { cwd, encoding: 'utf8' }));
      const label = `${name} (${kind})`;
      times.set(label, [...(times.get(label) ?? []), took]);
    }
  }
}
rmSync(directory, { recursive: true });
console.log(`Node ${version}, medians of ${rounds}, milliseconds of CPU time`);
for (const [label, each] of times) {
  const [median, low, high] = [0.5, 0.25, 0.75].map((share) => quantile(each, share).toFixed(1));
  console.log(`${label.padEnd(36)} ${median} (half of them ${low} to ${high})`);
}

function quantile(values, share) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)];
}
