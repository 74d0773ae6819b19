import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority } from '@clientcert/testing';

/** What a server saw of one request. */
export interface Seen {
  /** The process that made it. */
  readonly path: string;
  readonly subject: string;
  readonly fingerprint: string;
  readonly validFrom: Date;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What a process says at its end. */
export interface Summary {
  readonly failures: string[];
  /** Fingerprints, and when the process had each. */
  readonly issued: [fingerprint: string, at: number][];
}

/**
 * Processes that call a server over and over until each has had its certificate renewed so many times.
 *
 * @param root Who issues their certificates, in PEM.
 * @param names One for each process.
 * @param open The text of a module that exports `open(name, told)`, a source, and `loadCredentials`; `told` takes what a
 *   process knows before it is presented.
 */
export async function runPods(
  root: string,
  names: readonly string[],
  open: string,
  rotations: number,
): Promise<{ seen: readonly Seen[]; ended: readonly Summary[] }> {
  const repository = fileURLToPath(new URL('../..', import.meta.url));
  await promisify(execFile)(process.execPath, [join(repository, 'scripts/ready.mjs'), '--built']);
  const authority = await createAuthority();
  const seen: Seen[] = [];
  const own = await authority.issue({ name: 'bank', hosts: ['localhost'], usage: 'server' });
  const bank = https.createServer(
    { cert: own.fullChain, key: own.key, ca: root, requestCert: true },
    (request, response) => {
      const { subject, fingerprint256, validFrom } = (request.socket as TLSSocket).getPeerX509Certificate()!;
      const path = request.url!.slice(1);
      seen.push({
        path,
        subject,
        fingerprint: fingerprint256,
        validFrom: new Date(validFrom),
        at: Date.now(),
      });
      response.end();
    },
  );
  bank.listen(0, 'localhost');
  await once(bank, 'listening');
  const { port } = bank.address() as AddressInfo;
  // Below node_modules, so that the packages are found.
  const folder = await mkdtemp(join(repository, 'node_modules/.fleet-'));
  const program = join(folder, 'pod.mjs');
  await writeFile(program, POD);
  await writeFile(join(folder, 'open.mjs'), open);
  // Not more work in all where there are more of them.
  const config = { port, ca: authority.certificate, rotations, pause: 8 * names.length };
  const pods = names.map((name) => runPod(program, { ...config, name }));
  try {
    return { seen, ended: await Promise.all(pods.map(({ summary }) => summary)) };
  } finally {
    for (const { kill } of pods) kill();
    bank.closeAllConnections();
    bank.close();
    await rm(folder, { recursive: true });
  }
}

function runPod(program: string, config: object): { summary: Promise<Summary>; kill(): void } {
  const child = spawn(process.execPath, [program, JSON.stringify(config)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const summary = once(createInterface({ input: child.stdout }), 'line').then(([line]) => JSON.parse(line));
  return { summary, kill: () => child.kill() };
}

const POD = `
import { get } from 'node:https';
import { loadCredentials, open } from './open.mjs';
const { port, ca, rotations, pause, name } = JSON.parse(process.argv[2]);
const issued = [];
const failures = [];
const told = (fingerprint) => issued.push([fingerprint, Date.now()]);
const credentials = await loadCredentials({
  certificates: { bank: open(name, told) },
  hosts: { ['localhost:' + port]: { certificate: 'bank', ca } },
});
credentials.on('warning', () => {}).on('expiring', () => {});
credentials.on('error', (error) => failures.push(error.message));
let rotated = 0;
credentials.on('rotate', ({ current }) => {
  rotated++;
  if (!issued.some(([fingerprint]) => fingerprint === current)) told(current);
});
const agent = credentials.agent();
const request = () =>
  new Promise((resolve) => {
    get({ host: 'localhost', port, path: '/' + name, agent }, (response) =>
      response.resume().on('end', resolve),
    ).on('error', (error) => {
      failures.push(error.message);
      resolve();
    });
  });
while (rotated < rotations) {
  await request();
  await new Promise((resolve) => setTimeout(resolve, pause));
}
await request();
await credentials.close();
console.log(JSON.stringify({ failures, issued }));
`;
