// What of clientcert works in Bun and Deno: packed tarballs in a scratch project, every client, against servers in
// Node that say what they saw. A call may fail, if it is documented below; a call that is answered although the
// server did not see what the rule says, or that a rule should have refused, is an error whatever the runtime.
//
//   npm run test:runtimes [-- bun@1.3.0 deno node]    the versions below unless named
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { platform } from 'node:process';
import { fileURLToPath } from 'node:url';
import { createAuthority, startServer } from '@clientcert/testing';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = (file) => fileURLToPath(new URL(file, import.meta.url));
const expected = JSON.parse(readFileSync(here('expected.json'), 'utf8'));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const packages = ['core', 'axios', 'got', 'soap', 'undici'].map((name) => `packages/${name}`);
const named = process.argv.slice(2);
const runtimes =
  named.length > 0 ? named : Object.entries(expected).map(([name, { version }]) => `${name}@${version}`);

/** The calls, and the certificates that the servers see of each; `null`: the call fails, and none is seen. */
const calls = [
  { id: 'pinned', to: 'pinned', sees: ['alice'] },
  { id: 'service', to: 'pinned', service: 'Bob', sees: ['bob'] },
  { id: 'again', to: 'pinned', twice: true, sees: ['alice', 'alice'] },
  { id: 'never', to: 'pinned', service: false, sees: ['none'] },
  { id: 'unnamed', to: 'unnamed', sees: ['none'] },
  { id: 'denied', to: 'denied', sees: ['none'] },
  { id: 'redirect', to: 'redirect', sees: ['alice', 'none'] },
  { id: 'tls', to: 'tls', sees: ['alice'], protocol: 'TLSv1.2' },
  { id: 'trust', to: 'trust', sees: null },
  { id: 'spki', to: 'spki', sees: null },
  { id: 'asked', to: 'asked', sees: ['alice'] },
  { id: 'unasked', to: 'unasked', sees: null },
  { id: 'reload', to: 'pinned', reload: true, sees: ['bob'] },
];
const clients = [
  'https',
  'connectOptions',
  'axios',
  'axios-fetch',
  'got',
  'soap',
  'dispatcher',
  'interceptor',
  'fetch',
  'undici-fetch',
];

const scratch = mkdtempSync(join(tmpdir(), 'clientcert-runtimes-'));
const [authority, stranger] = await Promise.all([createAuthority(), createAuthority()]);
const asks = { clientCertificate: 'optional' };
const bank = await startServer({
  authority,
  host: 'localhost',
  handler: describeService,
  listeners: [asks, asks, asks, asks, asks, asks, { clientCertificate: 'none' }],
});
const other = await startServer({ authority, host: '127.0.0.1', handler: describeService, ...asks });
let failures = 0;
try {
  install();
  await prepare();
  for (const runtime of runtimes) {
    const command = runtimeOf(runtime);
    if (!command) continue;
    for (const client of clients) await judge(runtime, client, await run(command, client));
  }
} finally {
  await Promise.all([bank.close(), other.close()]);
  rmSync(scratch, { recursive: true });
}
process.exitCode = failures === 0 ? 0 : 1;
console.log(failures === 0 ? '\nas documented' : `\n${failures} not as documented`);

function install() {
  const workspaces = packages.flatMap((path) => ['-w', path]);
  const packed = JSON.parse(npm(root, 'pack', '--json', '--pack-destination', scratch, ...workspaces));
  writeFileSync(join(scratch, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  npm(
    scratch,
    'install',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...packed.map(({ filename }) => join(scratch, filename)),
    ...['axios', 'got', 'soap', 'undici'].map((name) => `${name}@${devDependencies[name]}`),
  );
  writeFileSync(join(scratch, 'client.mjs'), readFileSync(here('client.mjs')));
}

async function prepare() {
  const ca = authority.certificate;
  const [alice, bob] = await Promise.all(['alice', 'bob'].map((name) => authority.issue({ name })));
  const pair = ({ fullChain: cert, key }) => ({ cert, key });
  const [pinned, denied, tls, trust, spki, asked, unasked] = bank.urls.map((url) => new URL(url).host);
  const config = (certificate) => ({
    certificates: { alice: { ...pair(alice), ca }, bob: { ...pair(bob), ca }, alone: pair(alice) },
    hosts: {
      [pinned]: certificate,
      [denied]: false,
      [tls]: { certificate, tls: 'TLSv1.2' },
      [trust]: { certificate: 'alone', ca: stranger.certificate, trust: 'only' },
      [spki]: { certificate, spki: [`sha256/${'A'.repeat(43)}=`, `sha256/${'B'.repeat(42)}A=`] },
      [asked]: { certificate, required: true },
      [unasked]: { certificate, required: true },
    },
    services: { Bob: { certificate: 'bob', hosts: [pinned] } },
  });
  const elsewhere = `/redirect?id=ID&to=${encodeURIComponent(`${other.url}/redirect-ID`)}`;
  const urls = Object.fromEntries(
    ['pinned', 'denied', 'tls', 'trust', 'spki', 'asked', 'unasked'].map((name, index) => [
      name,
      `${bank.urls[index]}/ID`,
    ]),
  );
  const scene = {
    config: config('alice'),
    reloaded: config('bob'),
    calls,
    urls: { ...urls, unnamed: `${other.url}/ID`, redirect: `${bank.urls[0]}${elsewhere}` },
  };
  writeFileSync(join(scratch, 'scene.json'), JSON.stringify(scene));
  writeFileSync(join(scratch, 'ca.pem'), ca);
}

/** The program of a runtime and its first arguments, from npm; `undefined`, with a notice, where there is none. */
function runtimeOf(runtime) {
  const [name] = runtime.split('@');
  if (name === 'node') return [process.execPath];
  try {
    const args = ['exec', '--yes', `--package=${runtime}`, '--'];
    const script = name === 'deno' ? ['eval', 'console.log(Deno.execPath())'] : ['-p', 'process.execPath'];
    const path = npm(tmpdir(), ...args, name, ...script)
      .trim()
      .split('\n')
      .at(-1);
    return name === 'deno' ? [path, 'run', '--allow-all', '--node-modules-dir=manual'] : [path, 'run'];
  } catch (error) {
    console.log(`${runtime} is skipped: ${String(error.message).split('\n')[0]}`);
    return undefined;
  }
}

/** What the process printed for each call. */
function run([program, ...first], client) {
  bank.requests.length = 0;
  other.requests.length = 0;
  const ca = join(scratch, 'ca.pem');
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: ca, DENO_CERT: ca, NO_COLOR: '1' };
  return new Promise((resolve) => {
    const options = { cwd: scratch, env, timeout: 120_000 };
    execFile(program, [...first, 'client.mjs', client, 'scene.json'], options, (error, stdout, stderr) => {
      const answers = stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line));
      resolve({ answers, crash: error && `${error.signal ?? error.code}: ${stderr.slice(-600)}` });
    });
  });
}

async function judge(runtime, client, { answers, crash }) {
  const [name] = runtime.split('@');
  const known = expected[name]?.fails[client] ?? {};
  const lines = [];
  const say = (text) => {
    failures++;
    lines.push(`    ${text}`);
  };
  if (crash) say(`the process ended: ${crash}`);
  for (const { id, sees, protocol } of calls) {
    if (client === 'connectOptions' && id === 'redirect') continue;
    const answer = answers.find((each) => each.id === id || each.id === 'load');
    if (!answer) {
      say(`${id}: no word of it`);
      continue;
    }
    const seen = [...bank.requests, ...other.requests]
      .filter(({ url }) => new RegExp(`\\b${id}$`).test(url) || url.includes(`id=${id}&`))
      .sort((a, b) => a.time - b.time);
    const subjects = seen.map(({ clientCertificate }) => clientCertificate?.commonName ?? 'none');
    const saw = `the server saw ${JSON.stringify(subjects)}`;
    const code = known[id] ?? known['*'];
    if (answer.ok) {
      const right =
        sees &&
        subjects.join() === sees.join() &&
        seen.every((each) => !protocol || each.protocol === protocol);
      if (!right) say(`${id}: ANSWERED AGAINST THE RULE: ${saw}`);
      else if (code) say(`${id}: works, and is documented to fail with ${code}`);
    } else if (subjects.length > 0) {
      say(`${id}: failed after ${saw}: ${answer.message}`);
    } else if (code) {
      if (answer.code !== code) say(`${id}: ${code} expected: ${answer.message}`);
    } else if (sees) say(`${id}: ${answer.message}`);
  }
  const summary =
    lines.length > 0
      ? 'NOT AS DOCUMENTED'
      : known['*']
        ? `refused, with ${known['*']}`
        : ['works', ...Object.entries(known).map(([id, code]) => `${id} refused, with ${code}`)].join('; ');
  console.log([`${runtime.padEnd(12)} ${client.padEnd(15)} ${summary}`, ...lines].join('\n'));
}

/** A SOAP client asks for a WSDL first. */
function describeService(request, response) {
  if (!request.headers['user-agent']?.startsWith('node-soap')) return false;
  if (request.url.startsWith('/redirect?')) return false;
  response.end('<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:test"/>');
}

function npm(cwd, ...args) {
  const options = { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], shell: platform === 'win32' };
  return execFileSync('npm', args, options);
}
