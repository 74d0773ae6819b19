import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority, startServer, type TestServer } from '@clientcert/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundle, removeBuilt } from '../adapters/child.ts';
import { clients, emptyWsdl } from './clients.ts';
import type { Task } from './growth-child.ts';

/** The first windows warm up: what is compiled, cached once and allocated in advance is no growth. */
const [every, windows, warmUp] = [20, 9, 3];
/** In bytes. A version of a certificate takes some 10 kB, and a heap has its noise. */
const most = 2_000;

/** Machine code that V8 compiles on the way would be all that grows. */
const flags = ['--expose-gc', '--no-opt', '--no-sparkplug'];

let server: TestServer;
let directory: string;
let script: string;
let base: Omit<Task, 'client' | 'settle'>;

beforeAll(async () => {
  const authority = await createAuthority();
  directory = await mkdtemp(join(tmpdir(), 'clientcert-growth-'));
  server = await startServer({
    authority,
    host: 'localhost',
    http2: true,
    handler: (request, response) => {
      server.requests.length = 0;
      if (!request.headers['user-agent']?.startsWith('node-soap')) return false;
      response.end(emptyWsdl);
      return true;
    },
  });
  const identities: Task['identities'] = [];
  for (let count = 0; count <= every * windows; count++) {
    const { cert, key } = await authority.issue({ name: 'alice' });
    identities.push({ cert, key });
  }
  base = { url: server.url, ca: authority.certificate, identities, every };
  script = await bundle(fileURLToPath(new URL('growth-child.ts', import.meta.url)));
}, 120_000);
afterAll(async () => {
  removeBuilt();
  await server?.close();
  if (directory) await rm(directory, { recursive: true });
});

it.each(Object.keys(clients))(
  'the heap does not grow with rotations under calls: %s',
  { timeout: 180_000 },
  async (client) => {
    const file = join(directory, 'task.json');
    // undici 7 keeps what was closed over HTTP/2 until its timeouts are over.
    const settle = client.includes('HTTP/2') ? 2_000 : 0;
    await writeFile(file, JSON.stringify({ ...base, client, settle }));
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, file], {
      env: { ...process.env, NODE_OPTIONS: '--disable-warning=ClientCertificateWarning' },
      timeout: 170_000,
    });
    const { heap, sent } = JSON.parse(stdout) as { heap: number[]; sent: number };
    expect(sent).toBeGreaterThan(every * windows);
    const growth = growthOf(heap.slice(warmUp - 1));
    if (process.env.GROWTH) console.log(client, Math.round(growth), heap.join(' '));
    expect(growth, `bytes for each rotation, of the heap ${heap.join(', ')}`).toBeLessThan(most);
  },
);

/** For each rotation: the median between any two windows, as from one to the next it is mostly noise (Theil and Sen). */
function growthOf(heap: readonly number[]): number {
  const slopes = heap
    .flatMap((size, index) => heap.slice(index + 1).map((later, after) => (later - size) / (after + 1)))
    .toSorted((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)]! / every;
}
