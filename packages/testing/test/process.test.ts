import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import { afterAll, beforeAll, expect, it } from 'vitest';

/** Inside the package, so that what is built finds its dependencies. */
const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
let directory: string;
beforeAll(async () => {
  await mkdir(modules, { recursive: true });
  directory = await mkdtemp(join(modules, '.test-'));
  const entry = fileURLToPath(new URL('../src/index.ts', import.meta.url));
  await build({
    entry,
    outDir: directory,
    format: ['esm', 'cjs'],
    platform: 'node',
    fixedExtension: true,
    dts: false,
    config: false,
    logLevel: 'silent',
  });
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const IMPORTS = {
  mjs: `import * as testing from './index.mjs'; import { get } from 'node:https';`,
  cjs: `const testing = require('./index.cjs'); const { get } = require('node:https');`,
};

it.each(['mjs', 'cjs'] as const)('a %s process that closes what it opened exits by itself', async (kind) => {
  const path = join(directory, `run.${kind}`);
  await writeFile(path, IMPORTS[kind] + RUN);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [path], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  expect(stdout.trim()).toBe('alice 200');
});

const RUN = `
async function run() {
  const { createAuthority, startServer, startProxy } = testing;
  const authority = await createAuthority();
  const client = await authority.issue({ name: 'alice' });
  await client.pfx('secret', { encryption: 'legacy-rc2' });
  const server = await startServer({ authority, listeners: [{}, { http2: true }, { tls: false }] });
  const proxy = await startProxy({ authority, tls: true });
  const options = { ca: authority.certificate, cert: client.fullChain, key: client.key };
  const status = await new Promise((resolve, reject) => {
    get(server.url, options, (response) => resolve(response.statusCode)).on('error', reject);
  });
  get(server.url + '/delay?ms=100000', options).on('error', () => {});
  get(proxy.url + '/', { ca: options.ca }).on('error', () => {});
  while (server.requests.length < 2 || proxy.forwards.length < 1) await new Promise(setImmediate);
  await proxy.close();
  await server.close();
  console.log(server.requests[0].clientCertificate.commonName, status);
}
run();
`;
