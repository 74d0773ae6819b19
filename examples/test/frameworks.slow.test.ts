import { type Authority, createAuthority, startServer, type TestServer } from '@clientcert/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Examples, layOut } from './run.ts';

let authority: Authority;
let examples: Examples;
let server: TestServer;
let ports: Record<string, number>;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority, ['core', 'axios']);
  server = await startServer({ authority, hosts: ['api.bank.example'], clientCertificate: 'optional' });
  ports = { 'api.bank.example:443': server.port };
}, 60_000);
afterAll(async () => {
  await server?.close();
  await examples?.[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.requests.length = 0;
});

function seen(): string[] {
  return server.requests.map(
    ({ path, clientCertificate }) => `${path} ${clientCertificate?.commonName ?? 'none'}`,
  );
}

describe('examples/nestjs', () => {
  const start = `
import { NestFactory } from '@nestjs/core';
const app = await NestFactory.createApplicationContext(example.BankModule, { logger: ['error'] });
const bank = app.get(example.BankService);`;

  it('presents the certificate through HttpService', async () => {
    const after = `${start}
console.log((await bank.accounts()).path, (await bank.publicRates()).path);
await app.close();`;
    const run = await examples.run('nestjs/bank.ts', ports, { after });
    expect(run).toEqual({ code: 0, output: '/accounts /rates\n' });
    expect(seen()).toEqual(['/accounts bank', '/rates none']);
  });

  it('does not start with a file that cannot be read', async () => {
    const files = { 'bank.pfx': 'no PFX' };
    const { code, output } = await examples.run('nestjs/bank.ts', ports, { after: start, files });
    expect(code).not.toBe(0);
    expect(output).toContain('certificate "bank" (bank.pfx)');
  });
});

describe('examples/express/server.mjs', () => {
  const after = `
import { once } from 'node:events';
await once(example.server, 'listening');
const { port } = example.server.address();
const health = await fetch(\`http://127.0.0.1:\${port}/health\`);
const accounts = await fetch(\`http://127.0.0.1:\${port}/accounts\`);
console.log(health.status, accounts.status, (await accounts.json()).path);
process.kill(process.pid, 'SIGTERM');`;
  const edit = (source: string) =>
    source.replace('process.env.PORT ?? 3000', '0').replace('const server =', 'export const server =');

  it('presents the certificate, and ends when it is told to', async () => {
    const run = await examples.run('express/server.mjs', ports, { after, edit });
    expect(run).toEqual({ code: 0, output: 'listening\n200 200 /accounts\n' });
    expect(seen()).toEqual(['/accounts bank']);
  });

  it('does not start with a file that cannot be read', async () => {
    const files = { 'bank.pfx': 'no PFX' };
    const { code, output } = await examples.run('express/server.mjs', ports, { after, edit, files });
    expect(code).toBe(1);
    expect(output).toContain('certificate "bank" (bank.pfx)');
    expect(output).not.toContain('listening');
  });
});

describe.each(['handler.mjs', 'handler.cjs'])('examples/serverless/%s', (file) => {
  const after = `
for (const { status, reason, value } of await Promise.allSettled([example.handler(), example.handler()])) {
  console.log(status, reason?.code ?? value.statusCode);
}
console.log((await example.handler()).statusCode);`;

  it('loads once and keeps its connection', async () => {
    const env = { BANK_PFX: (await examples.bank.pfx('for the bank')).toString('base64') };
    const run = await examples.run(`serverless/${file}`, ports, { after, env });
    expect(run).toEqual({ code: 0, output: 'fulfilled 200\nfulfilled 200\n200\n' });
    expect(seen()).toEqual(['/accounts bank', '/accounts bank', '/accounts bank']);
    expect(new Set(server.requests.map(({ connection }) => connection)).size).toBe(2);
  });
});

it('examples/serverless/handler.cjs: each call fails with the reason', async () => {
  const after = `
for (const { reason } of await Promise.allSettled([example.handler(), example.handler()])) console.log(reason.code);`;
  const run = await examples.run('serverless/handler.cjs', ports, { after });
  expect(run).toEqual({ code: 0, output: 'ERR_CLIENTCERT_FILE_NOT_FOUND\n'.repeat(2) });
  expect(seen()).toEqual([]);
});
