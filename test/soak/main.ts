import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Config, type Credentials, loadCredentials } from '@clientcert/core';
import { createAuthority } from '@clientcert/testing';
import { Ledger } from './ledger.ts';
import { Load, type Places, sleep } from './load.ts';
import { countPools, type Holding, measure, openSockets } from './memory.ts';
import { Renewals } from './renewals.ts';
import type { Account, Setting, Told } from './servers.ts';
import { type Report, verdict } from './verdict.ts';

const [servers = '', seconds = '180'] = process.argv.slice(2);
const duration = Number(seconds) * 1000;
const proxyPassword = 'only-for-the-soak';

const directory = await mkdtemp(join(tmpdir(), 'clientcert-soak-'));
const authority = await createAuthority();
const stranger = await createAuthority({ name: 'strangers' });
const [own, carol, mallory] = await Promise.all([
  authority.issue({ name: 'localhost', hosts: ['localhost', '127.0.0.1'], usage: 'server' }),
  authority.issue({ name: 'carol' }),
  stranger.issue({ name: 'mallory' }),
]);

let child: ChildProcess | undefined;
let firstPort = 0;
// Below those that are given to outgoing connections. Where one is taken the others are tried.
for (let left = 10; !child && left > 0; left--) {
  firstPort = 20_000 + Math.floor(Math.random() * 1_000) * 10;
  const setting: Setting = {
    ca: authority.certificate,
    cert: own.fullChain,
    key: own.key,
    proxyPassword,
    firstPort,
  };
  await writeFile(join(directory, 'setting.json'), JSON.stringify(setting), { mode: 0o600 });
  const started = fork(servers, [join(directory, 'setting.json')], { execArgv: [] });
  const [said] = await Promise.race([once(started, 'message'), once(started, 'exit')]);
  if ((said as { ready?: boolean } | null)?.ready) child = started;
}
if (!child) throw new Error('no ten ports are free');

let number = 0;
const answers = new Map<number, (answer: unknown) => void>();
child.on('message', (said: { number: number; answer: unknown }) => {
  answers.get(said.number)?.(said.answer);
  answers.delete(said.number);
});
child.once('exit', (code) => {
  if (wanted) throw new Error(`the servers ended with ${code}`);
});
let wanted = true;
function tell(told: Told): Promise<unknown> {
  number += 1;
  const sent = number;
  return new Promise((resolve) => {
    answers.set(sent, resolve);
    child!.send({ number: sent, told });
  });
}

const begun = Date.now();
const renewals = new Renewals(authority, directory, tell);
await renewals.begin();
for (const each of [carol, mallory])
  await tell({ kind: 'issued', name: each.name, fingerprint: each.fingerprint256 });

const port = (index: number) => firstPort + index;
const ca = authority.certificate;
const places: Places = {
  alice: `https://localhost:${port(0)}`,
  bob: `https://localhost:${port(1)}`,
  moving: `https://localhost:${port(2)}`,
  open: `https://localhost:${port(3)}`,
  other: `https://127.0.0.1:${port(4)}`,
  plain: `http://127.0.0.1:${port(5)}`,
  refused: `https://localhost:${port(8)}`,
};
const ways: Config['proxy'][] = [
  false,
  `http://me:${proxyPassword}@127.0.0.1:${port(6)}`,
  { url: `https://127.0.0.1:${port(7)}`, certificate: 'carol', ca },
];
const mover = ['alice', 'none', 'bob'] as const;
let moves = 0;

function config(proxy: Config['proxy']): Config {
  const moving = mover[moves % mover.length]!;
  return {
    certificates: {
      alice: { dir: renewals.paths.alice, ca },
      bob: { cert: renewals.paths.bob, ca },
      carol: { cert: carol.fullChain, key: carol.key, ca },
      mallory: { cert: mallory.fullChain, key: mallory.key, ca },
    },
    hosts: {
      [`localhost:${port(0)}`]: 'alice',
      [`localhost:${port(1)}`]: 'bob',
      [`localhost:${port(2)}`]: moving === 'none' ? { ca } : moving,
      [`localhost:${port(3)}`]: { ca },
      [`localhost:${port(8)}`]: 'mallory',
      [`127.0.0.1:${port(4)}`]: { ca },
    },
    services: { Invoices: { certificate: 'bob', hosts: [`localhost:${port(0)}`] }, Archive: 'bob' },
    proxy,
  };
}

await tell({ kind: 'moved', who: mover[0], phase: 'begins', at: Date.now() });
const all: Credentials[] = [];
let renewalErrors = 0;
for (const way of ways) {
  const credentials = await loadCredentials(config(way));
  credentials.on('error', () => void renewalErrors++).on('warning', () => {});
  all.push(credentials);
}
renewals.watch(all);

const ledger = new Ledger();
const load = new Load(ledger, places);
for (const [index, credentials] of all.entries()) load.start(credentials, index > 0);

const faults: Record<string, number> = {};
const loops = {
  renew: async () => {
    await renewals.next();
    await sleep(2_500);
  },
  disturb: async () => {
    await sleep(5_000);
    const turn = Object.values(faults).reduce((sum, each) => sum + each, 0) % 5;
    if (turn === 1 || turn === 3) return await moveRule();
    if (turn === 4) {
      faults['reload()'] = (faults['reload()'] ?? 0) + 1;
      await Promise.all(all.map((credentials) => credentials.reload()));
      return;
    }
    const breaking = (['restart', 'reset', 'proxy dies'] as const)[broken++ % 3]!;
    faults[breaking] = (faults[breaking] ?? 0) + 1;
    const fault = ledger.fault(breaking);
    await tell({ kind: breaking, ms: 200 + Math.random() * 400 });
    fault.until = Date.now() + 4 * (await slowness());
  },
  look: async () => {
    await sleep(1_000);
    ledger.look();
  },
};
let broken = 0;

/** How long this machine takes at present for the two processes to hear of each other, and of what became of a socket. */
async function slowness(): Promise<number> {
  let most = 0;
  for (let round = 0; round < 3; round++) {
    const asked = Date.now();
    await tell({ kind: 'ask' });
    await sleep(50);
    most = Math.max(most, Date.now() - asked - 50);
  }
  return most;
}

async function moveRule(): Promise<void> {
  faults['reload(config)'] = (faults['reload(config)'] ?? 0) + 1;
  moves += 1;
  await tell({ kind: 'moved', who: mover[moves % mover.length]!, phase: 'begins', at: Date.now() });
  const reports = await Promise.allSettled(
    all.map((credentials, index) => credentials.reload(config(ways[index]))),
  );
  for (const report of reports) if (report.status === 'rejected') renewalErrors += 1;
  await tell({ kind: 'moved', who: mover[moves % mover.length]!, phase: 'done', at: Date.now() });
}

/** How many connections are still open after those that are kept for the next call were closed, which takes five seconds. */
async function idle(): Promise<number> {
  for (let left = 30; ; left--) {
    const { open } = (await tell({ kind: 'ask' })) as Account;
    if (open === 0 || left === 0) return open;
    await sleep(500);
  }
}

/** Into the folder that is named in SOAK_SNAPSHOTS, for those who look for what grows. */
async function snapshot(number: number): Promise<void> {
  const folder = process.env.SOAK_SNAPSHOTS;
  if (folder) (await import('node:v8')).writeHeapSnapshot(join(folder, `${number}.heapsnapshot`));
}

let running = true;
const looping = Object.values(loops).map(async (loop) => {
  while (running) await loop();
});

const contexts: WeakRef<object>[] = [];
for (const credentials of all) {
  credentials.on('rotate', ({ name }) => {
    const where = name === 'alice' ? places.alice : places.bob;
    contexts.push(new WeakRef(credentials.connectOptions(where).secureContext!));
  });
}
const held: Holding[] = [];
const every = Math.min(60_000, Math.max(5_000, duration / 8));
while (Date.now() - begun < duration) {
  await sleep(Math.min(every, Math.max(0, duration - (Date.now() - begun))));
  await load.pause();
  const open = await idle();
  held.push({
    at: Math.round((Date.now() - begun) / 1000),
    requests: ledger.total,
    rotations: renewals.count,
    ...(await measure()),
    contexts: contexts.filter((each) => each.deref()).length,
    connections: open,
  });
  await snapshot(held.length);
  load.resume();
  if (process.env.SOAK_TELL) console.error(JSON.stringify(held.at(-1)), ledger.unexplained.slice(0, 3));
}

await load.pause();
const pools = countPools();
load.resume();
await load.stop();
running = false;
await Promise.all(looping);
for (let left = 60; ledger.underWay > 0 && left > 0; left--) {
  await sleep(500);
  ledger.look();
}
await Promise.all(all.map((credentials) => credentials.close()));
let [account, open] = [(await tell({ kind: 'ask' })) as Account, openSockets()];
// axios keeps an idle HTTP/2 connection for a second, undici closes what was busy once its timeouts are over.
for (let left = 60; (open.left.length > 0 || account.open > 0) && left > 0; left--) {
  await sleep(500);
  account = (await tell({ kind: 'ask' })) as Account;
  open = openSockets();
}

const report: Report = {
  node: process.version,
  openssl: process.versions.openssl,
  date: new Date().toISOString().slice(0, 10),
  seconds: Math.round((Date.now() - begun) / 1000),
  requests: {
    total: ledger.total,
    answered: ledger.answered,
    failed: ledger.failed,
    unexplained: ledger.unexplained.slice(0, 50),
    unexpected: ledger.unexpected.slice(0, 50),
    hung: ledger.hung.slice(0, 50),
    clients: ledger.clients,
  },
  servers: account,
  renewals: { count: renewals.count, garbled: renewals.garbled, errors: renewalErrors },
  faults,
  memory: held,
  pools,
  left: { sockets: open.left, gone: open.gone, connections: account.open },
};
await snapshot(held.length + 1);
console.log(JSON.stringify({ ...report, ...verdict(report) }));
wanted = false;
child.kill();
await rm(directory, { recursive: true, force: true });
