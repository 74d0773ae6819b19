import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadCredentials } from '@clientcert/core';
import { type Authority, createAuthority, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Examples, layOut } from './run.ts';

let authority: Authority;
let examples: Examples;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority, ['core', 'axios', 'undici', 'testing']);
}, 60_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

it('examples/axios/short.mjs and examples/start/accounts.mjs', async () => {
  await using server = await startServer({ authority, hosts: ['api.bank.example'] });
  for (const file of ['axios/short.mjs', 'start/accounts.mjs']) {
    const { code, output } = await examples.run(file, { 'api.bank.example:443': server.port });
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('/accounts') });
  }
  expect(server.requests.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual([
    'bank',
    'bank',
  ]);
});

it('examples/start/explain.mjs', async () => {
  const { code, output } = await examples.run('start/explain.mjs', {});
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('hosts["api.bank.example"]') });
});

it('examples/guides/services.mjs', async () => {
  await using server = await startServer({
    authority,
    hosts: ['api.bank.example'],
    clientCertificate: 'optional',
  });
  const tax = await (await authority.issue({ name: 'tax' })).pfx('for the taxes');
  const run = await examples.run(
    'guides/services.mjs',
    { 'api.bank.example:443': server.port },
    { files: { 'tax.pfx': tax }, env: { TAX_PFX_PASSPHRASE: 'for the taxes' } },
  );
  expect(run).toEqual({ code: 0, output: '' });
  const seen = server.requests.map(
    ({ path, clientCertificate }) => `${path} ${clientCertificate?.commonName ?? 'none'}`,
  );
  expect(seen.sort()).toEqual(['/accounts bank', '/archive tax', '/invoices tax', '/public none']);
});

it.each([
  [
    'guides/tls-version.mjs',
    { 'https://old.bank.example': 'TLSv1.2', 'https://api.bank.example': 'TLSv1.3' },
  ],
  ['guides/old-tls.mjs', { 'https://old.tax.example': 'TLSv1', 'https://other.example': 'TLSv1.2' }],
])('examples/%s', async (file, minimum) => {
  const after = `for (const url of ${JSON.stringify(Object.keys(minimum))}) console.log(example.credentials.resolve(url).tls.min);`;
  const run = await examples.run(file, {}, { after });
  const expected = Object.values(minimum);
  expect(run).toEqual({ code: 0, output: `${expected.join('\n')}\n` });
});

it('examples/guides/private-roots.mjs', async () => {
  const after = `
for (const host of ['api.bank.example', 'private.example', 'vault.example']) {
  const { certificate, trust } = example.credentials.resolve(\`https://\${host}\`);
  console.log(certificate, trust);
}`;
  const run = await examples.run('guides/private-roots.mjs', {}, { after });
  expect(run).toEqual({ code: 0, output: 'bank system\nnull system\nnull only\n' });
});

it('examples/guides/proxies.mjs', async () => {
  const files = { 'proxy-authorization': 'Basic bWU6c2VjcmV0\n' };
  const run = await examples.run('guides/proxies.mjs', {}, { files });
  expect(run).toEqual({ code: 0, output: '' });
});

it('examples/guides/old-pfx.mjs', async () => {
  const files = {
    'old.pfx': await examples.bank.pfx('for the bank', { encryption: 'legacy-rc2' }),
    'bank.crt': examples.bank.cert,
    'bank.key': examples.bank.encryptedKey('for the bank'),
  };
  const { code, output } = await examples.run('guides/old-pfx.mjs', {}, { files });
  expect({ code, output }).toEqual({
    code: 0,
    output: expect.stringMatching(/^windows old\.pfx .*LEGACY_ENCRYPTION\nlinux/),
  });
});

it('examples/guides/mock-agent.mjs', async () => {
  const run = await examples.run('guides/mock-agent.mjs', {});
  expect(run).toEqual({ code: 0, output: '{ accounts: 1 }\n' });
});

it('examples/guides/clientcert.json', async () => {
  const path = fileURLToPath(new URL('../guides/clientcert.json', import.meta.url));
  // The files that it names are the user's: everything else of it is right.
  await expect(loadCredentials(path)).rejects.toMatchObject({ code: 'ERR_CLIENTCERT_FILE_NOT_FOUND' });
});

it('examples/guides/jest.test.cjs, in Jest', async () => {
  // Outside node_modules, where Jest looks for no tests.
  const rootDir = await mkdtemp(join(tmpdir(), 'clientcert-jest-'));
  try {
    await copyFile(new URL('../guides/jest.test.cjs', import.meta.url), join(rootDir, 'bank.test.cjs'));
    const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
    const modulePaths = [
      join((await examples.place('guides/jest.test.cjs')).folder, '../node_modules'),
      modules,
    ];
    const config = JSON.stringify({ rootDir, modulePaths, testMatch: ['**/*.test.cjs'], watchman: false });
    const jest = join(modules, 'jest/bin/jest.js');
    const run = spawnSync(process.execPath, [jest, '--config', config], { encoding: 'utf8', cwd: rootDir });
    expect(run).toMatchObject({ status: 0, stderr: expect.stringContaining('1 passed') });
  } finally {
    await rm(rootDir, { recursive: true });
  }
}, 60_000);
