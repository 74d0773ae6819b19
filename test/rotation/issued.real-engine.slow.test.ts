import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority } from '@clientcert/testing';
import { expect, it } from 'vitest';
import { startStepCa } from '../../packages/step/test/step-ca.ts';
import { engines } from '../../scripts/engines.mjs';

/** How many processes there are; more with `FLEET_SIZE=40`. */
const size = Number(process.env.FLEET_SIZE ?? 6);
/** Within how many milliseconds a certificate is presented from when it was issued, on a busy machine. */
const bound = 20_000;

const built = existsSync(engines.stepCa);
if (!built)
  console.warn('step-ca is not there, so no fleet is renewed by it: node scripts/engines.mjs builds it');

it.skipIf(!built)(
  `${size} processes are renewed by step-ca again and again, and none of their requests fails`,
  async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    await promisify(execFile)(process.execPath, [join(root, 'scripts/ready.mjs'), '--built']);
    const authority = await createAuthority();
    await using step = await startStepCa();
    const seen: { name: string; path: string; fingerprint: string; at: number }[] = [];
    const own = await authority.issue({ name: 'bank', hosts: ['localhost'], usage: 'server' });
    const bank = https.createServer(
      { cert: own.fullChain, key: own.key, ca: step.root, requestCert: true },
      (request, response) => {
        const { subject, fingerprint256 } = (request.socket as TLSSocket).getPeerX509Certificate()!;
        const name = subject.replace('CN=', '');
        seen.push({ name, path: request.url!.slice(1), fingerprint: fingerprint256, at: Date.now() });
        response.end();
      },
    );
    bank.listen(0, 'localhost');
    await once(bank, 'listening');
    const { port } = bank.address() as AddressInfo;

    // Below node_modules, so that the packages are found.
    const folder = await mkdtemp(join(root, 'node_modules/.fleet-'));
    const program = join(folder, 'pod.mjs');
    await writeFile(program, POD);
    // Not more work in all where there are more of them.
    const config = { port, ca: authority.certificate, rotations: 2, pause: 8 * size };
    const ttl = `${14 + size}s`;
    const { url: address, fingerprint, jwk: key } = step;
    const pods = Array.from({ length: size }, (_, index) => {
      const provisioner = { name: 'me@step', key };
      const issue = { address, fingerprint, provisioner, commonName: `pod-${index}.example`, ttl };
      return runPod(program, { ...config, issue });
    });
    try {
      const ended = await Promise.all(pods.map(({ summary }) => summary));
      expect(ended.flatMap(({ failures }) => failures)).toEqual([]);
      // Each presented its own, and no other's.
      expect(seen.filter(({ name, path }) => name !== path)).toEqual([]);
      // The first comes while a process starts.
      const delays = ended.flatMap(({ issued }) =>
        issued.slice(1).map(([shown, at]) => seen.find(({ fingerprint: each }) => each === shown)!.at - at),
      );
      expect(delays).toHaveLength(size * config.rotations);
      expect(Math.max(...delays)).toBeLessThan(bound);
      if (process.env.FLEET_SIZE)
        console.log(seen.length, 'requests, presented after at most', Math.max(...delays), 'ms');
    } finally {
      for (const { kill } of pods) kill();
      bank.closeAllConnections();
      bank.close();
      await rm(folder, { recursive: true });
    }
  },
  240_000,
);

interface Summary {
  readonly failures: string[];
  /** Fingerprints, and when each was issued. */
  readonly issued: [fingerprint: string, at: number][];
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
import { fromStepCa, loadCredentials } from '@clientcert/step';
const { port, ca, rotations, pause, issue } = JSON.parse(process.argv[2]);
const issued = [];
const failures = [];
const onRenewed = ({ fingerprint256 }) => issued.push([fingerprint256, Date.now()]);
const credentials = await loadCredentials({
  certificates: { bank: fromStepCa({ ...issue, onRenewed }) },
  hosts: { ['localhost:' + port]: { certificate: 'bank', ca } },
});
credentials.on('warning', () => {}).on('expiring', () => {});
credentials.on('error', (error) => failures.push(error.message));
let rotated = 0;
credentials.on('rotate', () => rotated++);
const agent = credentials.agent();
const request = () =>
  new Promise((resolve) => {
    const path = '/' + issue.commonName;
    get({ host: 'localhost', port, path, agent }, (response) => response.resume().on('end', resolve)).on(
      'error',
      (error) => {
        failures.push(error.message);
        resolve();
      },
    );
  });
while (rotated < rotations) {
  await request();
  await new Promise((resolve) => setTimeout(resolve, pause));
}
await request();
await credentials.close();
console.log(JSON.stringify({ failures, issued }));
`;
