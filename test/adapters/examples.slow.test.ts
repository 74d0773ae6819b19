import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createAuthority,
  startProxy,
  startServer,
  type TestProxy,
  type TestServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { bundle, removeBuilt } from './child.ts';
import { names } from './ground.ts';

/** What the server sees of each, and what it prints. */
const examples: [file: string, seen: string[], said: string][] = [
  ['axios/basic.mjs', ['/accounts bank'], 'bank'],
  ['axios/services.mjs', ['/accounts bank', '/invoices tax', '/public none'], ''],
  ['axios/without-await.cjs', ['/accounts bank'], 'bank'],
  ['axios/fetch-and-http2.mjs', ['/accounts bank', '/accounts bank'], '200 200'],
  ['axios/interceptor.mjs', ['/accounts bank', '/taxes/2026 tax'], ''],
  ['axios/agent-options.mjs', ['/accounts bank'], 'bank'],
  ['axios/errors.mjs', [], 'ERR_CLIENTCERT_SERVICE_UNKNOWN'],
  ['got/basic.mjs', ['/accounts bank'], 'bank'],
  ['got/services.mjs', ['/accounts bank', '/invoices tax', '/archive tax', '/public none'], ''],
  ['got/streams.mjs', ['/payments bank', '/statement bank'], ''],
  ['undici/basic.mjs', ['/accounts bank'], 'bank'],
  ['undici/interceptor.mjs', ['/accounts bank'], 'bank'],
  ['undici/services.mjs', ['/accounts bank', '/invoices tax', '/public none'], ''],
  ['fetch/basic.mjs', ['/accounts bank'], 'bank'],
  ['fetch/services.mjs', ['/accounts bank', '/invoices tax', '/public none'], ''],
  ['fetch/without-await.cjs', ['/accounts bank'], 'bank'],
  ['guides/define-config.mjs', ['/accounts bank'], '200'],
];

/** The examples as they stand: `https://api.bank.example` is a server here, and the way to it a proxy. */
let server: TestServer;
let proxy: TestProxy;
let directory: string;
let scripts: Map<string, string>;

beforeAll(async () => {
  const authority = await createAuthority();
  const [bank, tax] = await Promise.all(['bank', 'tax'].map((name) => authority.issue({ name })));
  directory = await mkdtemp(join(tmpdir(), 'clientcert-examples-'));
  await writeFile(join(directory, 'bank.pfx'), await bank!.pfx('for the bank'));
  await writeFile(join(directory, 'tax.pfx'), await tax!.pfx('for the taxes'));
  await writeFile(join(directory, 'bank-root.pem'), authority.certificate);
  await writeFile(join(directory, 'payments.xml'), '<payments/>');
  server = await startServer({
    authority,
    hosts: ['api.bank.example'],
    clientCertificate: 'optional',
    http2: true,
    keepAliveTimeout: 60_000,
  });
  const built = examples.map(async ([file]) => {
    const path = fileURLToPath(new URL(`../../examples/${file}`, import.meta.url));
    return [file, await bundle(path)] as const;
  });
  scripts = new Map(await Promise.all(built));
  proxy = await startProxy({ route: () => ({ host: server.host, port: server.port }) });
});
afterAll(async () => {
  removeBuilt();
  await proxy?.close();
  await server?.close();
  await rm(directory, { recursive: true });
});
beforeEach(() => {
  server.requests.length = 0;
});

it.each(examples)('examples/%s', async (example, expected, said) => {
  const { code, output } = await run(scripts.get(example)!);
  expect({ code, output }).toEqual({ code: 0, output: expect.stringMatching(said) });
  const paths = server.requests.map(({ path }) => path);
  expect(names(server).map((name, index) => `${paths[index]} ${name ?? 'none'}`)).toEqual(expected);
  if (example === 'axios/fetch-and-http2.mjs') {
    expect(server.requests.map(({ httpVersion }) => httpVersion)).toEqual(['1.1', '2.0']);
  }
  if (example === 'got/streams.mjs') {
    expect(server.requests[0]?.body).toBe('<payments/>');
    expect(await readFile(join(directory, 'statement.xml'), 'utf8')).toContain('/statement');
  }
});

async function run(script: string): Promise<{ code: number | null; output: string }> {
  const { NO_PROXY: _, no_proxy: __, ...environment } = process.env;
  const child = spawn(process.execPath, [script], {
    cwd: directory,
    env: {
      ...environment,
      HTTPS_PROXY: proxy.url,
      https_proxy: proxy.url,
      BANK_PASSPHRASE: 'for the bank',
      TAX_PASSPHRASE: 'for the taxes',
    },
    timeout: 30_000, // an idle connection that kept the process would do so for a minute
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}
