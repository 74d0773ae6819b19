// What other clients do with a client certificate, beside clientcert: each is a program of its own, made as its
// documentation tells, and the servers say what they saw. Writes docs/reference/neighbours.json; what is missing on this
// machine (Go, Java, Python, Rust) is skipped with a notice, and what was not run now stays as it stands there.
//
//   npm run neighbours -- [--only leak,format,renewal,error,speed] [--who axios,go,…] [--rounds 5] [--jobs 4] [--out FILE] [--print]
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { argv, env, exit } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeBinary } from '../../scripts/node-binary.mjs';

/** The Node of the table. */
const NODE = 24;
if (!process.version.startsWith(`v${NODE}.`)) {
  // With all its options, and once.
  if (env.CLIENTCERT_NEIGHBOURS) throw new Error(`no Node ${NODE}`);
  const [, file, ...args] = argv;
  const again = { ...env, CLIENTCERT_NEIGHBOURS: '1' };
  try {
    execFileSync(nodeBinary(NODE), [file, ...args], { stdio: 'inherit', env: again });
  } catch ({ status }) {
    exit(status ?? 1);
  }
  exit(0);
}

const { neighboursOn } = await import('./neighbours.mjs');
const { Program } = await import('./program.mjs');
const { measureSpeed } = await import('./speed.mjs');
const { createWorld } = await import('./world.mjs');
const modules = { leak: 'leak', format: 'format', renewal: 'renewal', error: 'error' };

const { values: chosen } = parseArgs({
  options: {
    only: { type: 'string' },
    who: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    jobs: { type: 'string', default: '4' },
    out: {
      type: 'string',
      default: fileURLToPath(new URL('../../docs/reference/neighbours.json', import.meta.url)),
    },
    print: { type: 'boolean', default: false },
  },
});
const only = chosen.only?.split(',') ?? [...Object.keys(modules), 'speed'];
const who = chosen.who?.split(',');

const table = read();
const all = neighboursOn();
const ready = prepare(all.filter(({ id, name }) => !who || who.includes(id) || who.includes(name)));
const world = await createWorld();
const running = new Map();
let count = 0;
try {
  for (const kind of only.filter((each) => each in modules)) {
    const { default: group } = await import(`./cases/${modules[kind]}.mjs`);
    console.log(`\n${group.title}`);
    const kept = table.kinds[kind]?.cases ?? [];
    const cases = [];
    for (const { id, title, words, expects, run } of group.cases) {
      const cells = { ...kept.find((each) => each.id === id)?.cells };
      const waiting = [...ready];
      const next = async () => {
        for (let neighbour = waiting.shift(); neighbour; neighbour = waiting.shift()) {
          const cell = await runCase(neighbour, run, { expects });
          cells[neighbour.id] = cell;
          const { verdict, word, told = '' } = cell;
          console.log(`${id.padEnd(18)} ${neighbour.id.padEnd(20)} ${verdict.padEnd(5)} ${word}  ${told}`);
        }
      };
      await Promise.all(Array.from({ length: Number(chosen.jobs) }, next));
      cases.push({ id, title, ...(words && { words }), cells: sorted(cells) });
      table.kinds[kind] = { title: group.title, cases: [...cases, ...kept.slice(cases.length)] };
      save();
    }
  }
  if (only.includes('speed')) {
    const rows = await measureSpeed(ready, world, Number(chosen.rounds));
    table.speed = {
      date: today(),
      machine: machine(),
      rounds: Number(chosen.rounds),
      rows: { ...table.speed?.rows, ...rows },
    };
    save();
  }
} finally {
  for (const program of running.values()) await program.close();
  world.close();
}

async function runCase(neighbour, run, more) {
  const context = {
    ...world,
    ...more,
    neighbour,
    identity: (name, options) => world.identity(name, neighbour.files, options),
    program: (use, { trusts = true } = {}) => use(clientsOf(neighbour, trusts)),
  };
  return run(context);
}

/** A neighbour's program, started when it is first needed and again after it hung; every case has clients of its own. */
function clientsOf(neighbour, trusts) {
  const key = `${neighbour.id} ${trusts}`;
  const own = `case-${count++}`;
  return {
    ask: async (op) => {
      if (!running.has(key)) {
        const { start } = neighbour;
        const env = { ...start.env, ...(trusts && { NODE_EXTRA_CA_CERTS: world.ca }) };
        running.set(key, new Program({ ...start, env }));
      }
      const program = running.get(key);
      const answer = await program.ask({ ...op, id: `${own}-${op.id}` });
      if (answer.hangs || answer.ended) {
        running.delete(key);
        await program.close();
      }
      return answer;
    },
  };
}

/** Those whose toolchain is there. */
function prepare(those) {
  return those.flatMap((neighbour) => {
    try {
      const { version, start } = neighbour.prepare();
      table.neighbours[neighbour.id] = { name: neighbour.name, version, setup: neighbour.setup };
      return [{ ...neighbour, version, start }];
    } catch (error) {
      console.error(`not run: ${neighbour.name}: ${String(error.message).split('\n')[0]}`);
      return [];
    }
  });
}

function read() {
  try {
    return JSON.parse(readFileSync(chosen.out, 'utf8'));
  } catch {
    return { neighbours: {}, kinds: {} };
  }
}

function save() {
  if (chosen.print) return;
  table.neighbours = sorted(table.neighbours);
  const { neighbours, kinds, speed } = table;
  const now = { date: today(), machine: machine(), node: process.versions.node };
  const merged = { ...now, neighbours, kinds, ...(speed && { speed }) };
  writeFileSync(chosen.out, `${JSON.stringify(merged, null, 1)}\n`);
}

/** In the order of the neighbours. */
function sorted(of) {
  return Object.fromEntries(all.flatMap(({ id }) => (id in of ? [[id, of[id]]] : [])));
}

function today() {
  return new Date().toISOString().slice(0, 10);
}

function machine() {
  const [first, ...others] = cpus();
  return `${first.model.trim()}, ${others.length + 1} cores, ${process.platform}`;
}
