// Mixed load over every client at once, with renewals every few seconds and faults, against servers in a process of their
// own. Ends with 1 where a promise was broken: a request that never ended, or failed without a reason, or came as somebody
// else, a socket that was left open, a heap that grows.
//
//   npm run soak -- [--minutes 3 | --hours 8 | --seconds 30] [--node 24] [--json FILE] [--write]
//
// --write keeps what came of it for the page /reference/leaks, beside that of other Nodes.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { argv, env, execPath, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeBinary } from '../../scripts/node-binary.mjs';
import { bundle, removeBuilt } from '../bundle.mjs';

const string = { type: 'string' };
const { values: chosen } = parseArgs({
  args: argv.slice(2),
  options: {
    minutes: string,
    hours: string,
    seconds: string,
    node: string,
    json: string,
    write: { type: 'boolean', default: false },
  },
});
const seconds =
  Number(chosen.seconds ?? 0) + 60 * Number(chosen.minutes ?? 0) + 3600 * Number(chosen.hours ?? 0) || 180;
const page = fileURLToPath(new URL('../../docs/reference/soak.json', import.meta.url));

const report = await run(chosen.node ? nodeBinary(chosen.node) : execPath);
if (chosen.json) writeFileSync(chosen.json, `${JSON.stringify(report, null, 2)}\n`);
if (chosen.write) keep(report);
print(report);
exit(report.broken.length > 0 ? 1 : 0);

async function run(node) {
  // Node 20 reads a machine's extra roots again for every context that trusts more.
  const { NODE_EXTRA_CA_CERTS: _, ...own } = env;
  const warnings = ['ClientCertificateWarning', 'ExperimentalWarning'];
  const flags = [
    ...(env.SOAK_FLAGS ?? '').split(' ').filter(Boolean),
    '--expose-gc',
    ...warnings.map((each) => `--disable-warning=${each}`),
  ];
  try {
    const [main, servers] = await Promise.all(
      ['main.ts', 'servers.ts'].map((name) => bundle(fileURLToPath(new URL(name, import.meta.url)))),
    );
    const child = spawn(node, [...flags, main, servers, `${seconds}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: own,
    });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    if (status !== 0) throw new Error(`it ended with ${status}`);
    return JSON.parse(said);
  } finally {
    removeBuilt();
  }
}

function keep(report) {
  let all = [];
  try {
    all = JSON.parse(readFileSync(page, 'utf8'));
  } catch {}
  const major = (each) => each.node.split('.')[0];
  all = [...all.filter((each) => major(each) !== major(report)), report];
  all.sort((a, b) => a.node.localeCompare(b.node));
  writeFileSync(page, `${JSON.stringify(all, null, 2)}\n`);
}

function print({ node, seconds, requests, servers, renewals, faults, memory, pools, growth, left, broken }) {
  const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const counts = (of) =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const [first] = memory;
  const warm = memory[Math.floor(memory.length / 2)];
  const last = memory.at(-1);
  const rows = [
    ['Node', `${node}, ${seconds} seconds`],
    ['requests', `${requests.total}, of which ${requests.answered} were answered`],
    ['failed, as they had to', counts(requests.failed)],
    ['failed without a reason', requests.unexplained.length],
    ['never ended', requests.hung.length],
    ['seen by servers as', counts(servers.identities)],
    ['came as somebody else', servers.mixed.length],
    ['came with a version long replaced', servers.stale.length],
    ['came with the version before', servers.late],
    ['renewals', `${renewals.count}, and ${renewals.garbled} files that were none`],
    ['faults', counts(faults)],
    ['heap', [first, warm, last].map(({ heap }) => mib(heap)).join(' → ')],
    ['compiled code', [first, warm, last].map(({ code }) => mib(code)).join(' → ')],
    ['memory (RSS)', [first, warm, last].map(({ rss }) => mib(rss)).join(' → ')],
    ['growth', `${growth.perRotation} bytes a renewal, ${growth.per1000Requests} bytes per 1,000 requests`],
    ['secure contexts of old and new versions', memory.map(({ contexts }) => contexts).join(' ')],
    ['connections kept', memory.map(({ connections }) => connections).join(' ')],
    ['in the heap', counts(pools)],
    [
      'left open at the end',
      `${left.sockets.length} sockets, ${left.connections} connections; ${left.gone} that Node keeps`,
    ],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${value}`);
  for (const list of [requests.unexplained, requests.unexpected, requests.hung, servers.mixed, servers.stale])
    for (const each of list.slice(0, 10)) console.log(`- ${each}`);
  console.log(broken.length === 0 ? 'Every promise was kept.' : `Broken: ${broken.join('; ')}.`);
}
