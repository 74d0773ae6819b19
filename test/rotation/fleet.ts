import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createAuthority, startServer } from '@clientcert/testing';
import { expect } from 'vitest';
import { buildModules } from '../../packages/core/test/built.ts';
import { type Delivery, issue } from '../../packages/core/test/rotate/scene.ts';

/** Within how many milliseconds all of them must have the renewed certificate, on a busy machine. */
const bound = 10_000;

/**
 * So many processes share one mounted secret, which is renewed once; none may fail a request.
 *
 * @returns After how many milliseconds the last of them had the new certificate.
 */
export async function renewFleet(size: number, directory: string, deliver: Delivery): Promise<number> {
  const authority = await createAuthority();
  await using core = await buildModules('core');
  await using server = await startServer({ authority, host: 'localhost' });
  const [first, second] = await Promise.all([issue(authority, 'first'), issue(authority, 'second')]);
  await deliver(directory, first);
  const program = join(core.path, 'pod.mjs');
  await writeFile(program, POD);

  const root = join(core.path, 'server-root.pem');
  await writeFile(root, authority.certificate);
  const pods = Array.from({ length: size }, () => startPod(program, [directory, root, String(server.port)]));
  try {
    await Promise.all(pods.map((pod) => pod.heard('ready')));
    server.requests.length = 0;
    const started = performance.now();
    await deliver(directory, second);
    const rotated = pods.map(async (pod) => {
      const told = await pod.heard('rotate');
      return { told, after: performance.now() - started };
    });
    const times = (await Promise.all(rotated)).map(({ told, after }) => {
      expect(told).toBe(second.fingerprint256);
      return after;
    });
    expect(Math.max(...times)).toBeLessThan(bound);

    server.requests.length = 0;
    await expect.poll(() => server.requests.length).toBeGreaterThan(size * 3);
    const later = server.requests.map(({ clientCertificate }) => clientCertificate?.fingerprint256);
    expect(later.filter((fingerprint) => fingerprint === first.fingerprint256).length).toBeLessThanOrEqual(
      size, // one request of each process may have been on its way
    );
    const summaries = await Promise.all(pods.map((pod) => pod.stop()));
    expect(summaries.map((summary) => JSON.parse(summary))).toEqual(
      Array(size).fill({ failures: [], rotations: 1 }),
    );
    return Math.max(...times);
  } finally {
    for (const pod of pods) pod.kill();
  }
}

interface Pod {
  /** The rest of the next line that begins with this word. */
  heard(word: string): Promise<string>;
  /** Ends it; resolves to its summary. */
  stop(): Promise<string>;
  kill(): void;
}

function startPod(program: string, args: readonly string[]): Pod {
  const child: ChildProcessWithoutNullStreams = spawn(process.execPath, [program, ...args]);
  const lines: string[] = [];
  const errors: string[] = [];
  child.stderr.on('data', (chunk) => errors.push(String(chunk)));
  // Not 'exit': what it said last may still be on its way then.
  let ended = false;
  child.once('close', () => {
    ended = true;
  });
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  const heard = async (word: string): Promise<string> => {
    for (;;) {
      const index = lines.findIndex((line) => line.startsWith(word));
      if (index >= 0) return lines.splice(index, 1)[0]!.slice(word.length).trim();
      if (ended) throw new Error(`a process ended: ${errors.join('')}`);
      await Promise.race([once(reader, 'line'), once(child, 'close')]);
    }
  };
  return {
    heard,
    stop: () => {
      child.stdin.end();
      return heard('summary');
    },
    kill: () => child.kill(),
  };
}

const POD = `
import { get } from 'node:https';
import { loadCredentials } from './core.mjs';
const [, , dir, ca, port] = process.argv;
const credentials = await loadCredentials({
  certificates: { bank: { dir, ca } },
  hosts: { ['localhost:' + port]: 'bank' },
});
let rotations = 0;
const failures = [];
credentials.on('error', (error) => failures.push(error.message));
credentials.on('rotate', ({ current }) => {
  rotations += 1;
  console.log('rotate ' + current);
});
const agent = credentials.agent();
const request = () =>
  new Promise((resolve) => {
    get('https://localhost:' + port, { agent }, (response) => response.resume().on('end', resolve)).on(
      'error',
      (error) => {
        failures.push(error.message);
        resolve();
      },
    );
  });
let running = true;
process.stdin.resume().on('end', () => {
  running = false;
});
await request();
console.log('ready');
while (running) {
  await request();
  await new Promise((resolve) => setTimeout(resolve, 50));
}
await credentials.close();
console.log('summary ' + JSON.stringify({ failures, rotations }));
`;
