// What importing costs, each in a process of its own, from a folder as npm lays it out: core beside `node:https`, and
// each adapter after core and its client.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { interleave, summaries } from './compare.mjs';

export const settings = { full: { rounds: 11 }, quick: { rounds: 1 } };

const root = fileURLToPath(new URL('../..', import.meta.url));
const scope = '@clientcert';

/** What is imported last is measured. */
const measured = {
  'node:https': ['node:https'],
  core: ['node:https', '@clientcert/core'],
  axios: ['@clientcert/core', 'axios', '@clientcert/axios'],
  got: ['@clientcert/core', 'got', '@clientcert/got'],
  'node-soap': ['@clientcert/core', 'soap', '@clientcert/soap'],
  undici: ['@clientcert/core', 'undici', '@clientcert/undici'],
};
const kinds = {
  commonjs: (name) => `require('${name}');`,
  module: (name) => `await import('${name}');`,
};

export async function measure({ rounds }) {
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-bench-'));
  const empty = Object.fromEntries(['cjs', 'mjs'].map((type) => [type, join(directory, `empty.${type}`)]));
  for (const path of Object.values(empty)) writeFileSync(path, '');
  install(directory);
  const results = {};
  for (const [kind, load] of Object.entries(kinds)) {
    const tasks = Object.entries(measured).map(([name, names]) => [
      name,
      () => inProcess(directory, kind, program(names, load, empty)),
    ]);
    results[kind] = summaries(await interleave(Object.fromEntries(tasks), rounds, 0));
  }
  rmSync(directory, { recursive: true });
  return results;
}

/** In a workspace Node follows a link for each package, and looks for what it imports in more folders. */
function install(directory) {
  const modules = join(directory, 'node_modules');
  mkdirSync(join(modules, scope), { recursive: true });
  for (const name of new Set(Object.values(measured).flat())) {
    const source = join(root, 'node_modules', name);
    if (name.startsWith(scope)) {
      for (const each of ['package.json', 'dist'])
        cpSync(join(source, each), join(modules, name, each), { recursive: true });
    } else if (!name.startsWith('node:')) {
      symlinkSync(realpathSync(source), join(modules, name), 'junction');
    }
  }
}

function program(names, load, empty) {
  return `
    (async () => {
      ${names.slice(0, -1).map(load).join('')}
      // A client may begin work of its own beside the event loop, as undici does with its parser.
      await new Promise((resolve) => setTimeout(resolve, 100));
      // What the first file costs, and the first after a large one, is the loader's own: an empty file bears it.
      ${load === kinds.commonjs ? `require(${JSON.stringify(empty.cjs)});` : ''}
      for (const time of ['first', 'second']) await import('${pathToFileURL(empty.mjs)}?' + time);
      const [start, before] = [performance.now(), process.cpuUsage()];
      ${load(names.at(-1))}
      const clock = performance.now() - start;
      const { user, system } = process.cpuUsage(before);
      console.log(JSON.stringify({ clock, cpu: (user + system) / 1000 }));
    })();
  `;
}

async function inProcess(cwd, kind, text) {
  const { stdout } = await promisify(execFile)(execPath, [`--input-type=${kind}`, '-e', text], { cwd });
  return JSON.parse(stdout);
}
