// Which certificate, if any, servers saw of each of thousands of calls, over every client and Node, beside what the rules
// say it must have been. Ends with 1 where one saw what was not for it.
//
//   npm run leaks -- [--node 24 … | --all] [--share 0.1] [--seed 7] [--client axios] [--only calls | secrets] [--json FILE] [--write]
//
// --only secrets: looks for secrets in what is handed out, and for nothing else. --share: a part of the calls. --write: on
// every Node unless some are named, for the page /reference/leaks.
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argv, env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeBinary } from '../../scripts/node-binary.mjs';
import { bundle, removeBuilt } from '../bundle.mjs';

const string = { type: 'string' };
const boolean = { type: 'boolean', default: false };
const { values: chosen } = parseArgs({
  args: argv.slice(2),
  options: {
    node: { type: 'string', multiple: true },
    all: boolean,
    share: { type: 'string', default: '1' },
    seed: { type: 'string', default: '20261128' },
    client: { type: 'string', multiple: true },
    json: string,
    write: boolean,
    only: string,
  },
});
const page = fileURLToPath(new URL('../../docs/reference/leaks.json', import.meta.url));
const share = Number(chosen.share);
const seed = Number(chosen.seed);

/** What was found on other Nodes stays, where this is written for the page. */
const report = { nodes: {}, secrets: {}, ...(chosen.write && read()) };
Object.assign(report, { date: new Date().toISOString().slice(0, 10), seed, share, versions: versions() });
let broken = 0;
try {
  const child = await bundle(fileURLToPath(new URL('child.ts', import.meta.url)));
  const nodes = chosen.node ?? (chosen.all || chosen.write ? [20, 22, 24, 26] : ['']);
  for (const node of nodes) {
    await add(node === '' ? execPath : nodeBinary(node), child);
    if (chosen.write) writeFileSync(page, `${JSON.stringify(report, null, 2)}\n`);
  }
} finally {
  removeBuilt();
}
if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, null, 2)}\n`);
exit(broken > 0 ? 1 : 0);

async function add(node, child) {
  const directory = mkdtempSync(join(tmpdir(), 'clientcert-leaks-'));
  try {
    await run(node, [child, 'prepare', directory]);
    const task = JSON.stringify({ seed, share, clients: chosen.client });
    const roots = { NODE_EXTRA_CA_CERTS: join(directory, 'roots.pem') };
    const version = (await run(node, ['-p', 'process.version'])).trim();
    if (chosen.only !== 'calls')
      await findSecrets(node, version, [child, 'secrets', directory, task], roots, directory);
    if (chosen.only === 'secrets') return;
    const clients = JSON.parse(await run(node, [child, 'run', directory, task], roots));
    for (const tally of Object.values(clients)) {
      for (const each of [...tally.leaks, ...tally.wrong].slice(0, 20)) console.error(`- ${each}`);
      broken += tally.leaks.length + tally.wrong.length;
      tally.leaks = tally.leaks.length;
      tally.wrong = tally.wrong.length;
    }
    // Where some clients are named, what is known of the others stays.
    const before = chosen.client ? report.nodes[version.slice(1)] : {};
    set(report.nodes, version, { ...before, ...clients });
    const sum = (of) => Object.values(clients).reduce((total, tally) => total + tally[of], 0);
    console.log(
      `Node ${version}: ${sum('cells')} calls, ${sum('requests')} requests, ${sum('leaks')} leaks, ${sum('wrong')} that went wrong`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** All that is handed out is searched where it is; all that Node and its clients print about it is searched here. */
async function findSecrets(node, version, args, roots, directory) {
  const canaries = JSON.parse(readFileSync(join(directory, 'canary.json'), 'utf8'));
  const log = join(directory, 'log');
  await run(node, args, { ...roots, NODE_DEBUG: 'http,https,http2,net,tls,undici,fetch', DEBUG: '*' }, log);
  const printed = readFileSync(log, 'utf8');
  const clients = JSON.parse(readFileSync(join(directory, 'findings.json'), 'utf8'));
  const found = Object.values(clients).flatMap((each) => each.found);
  for (const text of canaries)
    if (printed.includes(text)) found.push(`NODE_DEBUG or DEBUG prints ${text.slice(0, 12)}…`);
  for (const each of new Set(found)) console.error(`- ${each}`);
  broken += found.length;
  const sum = (of) => Object.values(clients).reduce((total, each) => total + each[of], 0);
  const counts = {
    clients: Object.keys(clients),
    calls: sum('calls'),
    objects: sum('objects'),
    printed: printed.length,
    found: found.length,
  };
  set(report.secrets, version, counts);
  console.log(
    `Node ${version}: ${counts.objects} objects after ${counts.calls} calls, and ${printed.length} characters of debug output: ${found.length} secrets`,
  );
}

/** In the place of another version with the same first number. */
function set(by, version, value) {
  const major = (of) => of.replace('v', '').split('.')[0];
  for (const known of Object.keys(by)) if (major(known) === major(version)) delete by[known];
  by[version.slice(1)] = value;
}

function read() {
  try {
    return JSON.parse(readFileSync(page, 'utf8'));
  } catch {
    return {};
  }
}

function run(node, args, more = {}, log) {
  // What the machine trusts besides is none of this, and Node 20 would read it again for every context.
  const { NODE_EXTRA_CA_CERTS: _, ...own } = env;
  const stdio = ['ignore', 'pipe', log ? openSync(log, 'w') : 'inherit'];
  const started = spawn(node, args, { env: { ...own, ...more }, stdio });
  let said = '';
  started.stdout.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    started.once('error', reject);
    started.once('close', (status) =>
      status === 0 ? resolve(said) : reject(new Error(`it ended with ${status}: ${said.slice(-2_000)}`)),
    );
  });
}

/** Of the clients that were used. */
function versions() {
  const names = ['axios', 'got', 'soap', 'undici'];
  return Object.fromEntries(
    names.map((name) => {
      const manifest = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
      return [name, JSON.parse(readFileSync(manifest, 'utf8')).version];
    }),
  );
}
