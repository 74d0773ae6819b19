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
  mjs: `import * as testing from './index.mjs'; import { get } from 'node:https';
    import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
  cjs: `const testing = require('./index.cjs'); const { get } = require('node:https');`,
};

it.each(['mjs', 'cjs'] as const)('a %s process that closes what it opened exits by itself', async (kind) => {
  const path = join(directory, `run.${kind}`);
  await writeFile(path, IMPORTS[kind] + RUN);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [path], {
    encoding: 'utf8',
    timeout: 40_000,
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

it.each(['mjs', 'cjs'] as const)('a %s process that closes nothing exits by itself', async (kind) => {
  const path = join(directory, `open.${kind}`);
  await writeFile(path, IMPORTS[kind] + OPEN);
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [path], {
    encoding: 'utf8',
    timeout: 40_000, // idle connections are kept for 100 seconds
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
  expect(stdout.trim()).toBe('200 200 200 200');
});

const OPEN = `
async function run() {
  const { createAuthority, startServer, startProxy } = testing;
  const { connect } = require('node:net');
  const authority = await createAuthority();
  const server = await startServer({
    authority,
    clientCertificate: 'none',
    keepAliveTimeout: 100000,
    listeners: [{}, { http2: true }, { tls: false }],
  });
  const proxy = await startProxy({ authority });
  const statuses = [];
  for (const url of server.urls) {
    const get = url.startsWith('https') ? require('node:https').get : require('node:http').get;
    const status = await new Promise((resolve, reject) => {
      get(url + '/delay?ms=50', { ca: authority.certificate, agent: false, headers: { connection: 'keep-alive' } },
        (response) => { response.resume(); response.socket.unref(); resolve(response.statusCode); }).on('error', reject);
    });
    statuses.push(status);
  }
  const tunnel = connect(proxy.port, proxy.host);
  tunnel.write('CONNECT ' + server.host + ':' + server.ports[2] + ' HTTP/1.1\\r\\n\\r\\n');
  await new Promise((resolve) => tunnel.once('data', (data) => { statuses.push(Number(String(data).split(' ')[1])); resolve(); }));
  tunnel.unref();
  console.log(statuses.join(' '));
}
run();
`;
