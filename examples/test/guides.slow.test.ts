import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadCredentials } from '@clientcert/core';
import { type Authority, createAuthority, startProxy, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Examples, layOut } from './run.ts';

let authority: Authority;
let examples: Examples;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority, ['core', 'axios', 'got', 'soap', 'undici', 'testing', 'cli']);
}, 120_000);
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

it('examples/start/wrong-passphrase.txt is what a wrong passphrase says', async () => {
  const { code, output } = await examples.run('start/accounts.mjs', {}, { env: { BANK_PASSPHRASE: 'x' } });
  expect(code).toBe(1);
  const shown = readFileSync(new URL('../start/wrong-passphrase.txt', import.meta.url), 'utf8');
  for (const line of shown.trim().split('\n')) expect(output).toContain(line);
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
    { files: { 'tax.pfx': tax }, env: { TAX_PASSPHRASE: 'for the taxes' } },
  );
  expect(run).toEqual({ code: 0, output: '' });
  const seen = server.requests.map(
    ({ path, clientCertificate }) => `${path} ${clientCertificate?.commonName ?? 'none'}`,
  );
  expect(seen.sort()).toEqual(['/accounts bank', '/archive tax', '/invoices tax', '/public none']);
});

/** Calls each URL over node:https with credentials of the example, and prints the status or the error's code. */
const calling = (...calls: [credentials: string, url: string][]) => `
import https from 'node:https';
const call = (credentials, url) => new Promise((resolve) => {
  const request = https.get(url, { agent: credentials.agent() }, (response) => {
    response.resume().on('end', () => resolve(response.statusCode));
  });
  request.on('error', (error) => resolve(error.code));
});
const settle = async (name, url) => console.log(name, url, await call(example[name], url));
${calls.map((each) => `await settle(${each.map((part) => JSON.stringify(part)).join()});`).join('\n')}`;

it('examples/guides/tls-version.mjs', async () => {
  const hosts = ['api.bank.example', 'old.bank.example'];
  await using both = await startServer({ authority, hosts });
  await using only12 = await startServer({ authority, hosts, tls: { maxVersion: 'TLSv1.2' } });
  const urls = hosts.map((host): [string, string] => ['credentials', `https://${host}/`]);
  const run = async (port: number) => {
    const ports = Object.fromEntries(hosts.map((host) => [`${host}:443`, port]));
    return (await examples.run('guides/tls-version.mjs', ports, { after: calling(...urls) })).output;
  };
  expect(await run(both.port)).toMatch(/api\S+ 200\n.*old\S+ 200\n/);
  const seen = both.requests.map(
    ({ protocol, clientCertificate }) => `${protocol} ${clientCertificate?.commonName}`,
  );
  expect(seen).toEqual(['TLSv1.3 bank', 'TLSv1.2 bank']);
  expect(await run(only12.port)).toMatch(/api\S+ (EPROTO|ERR_SSL_\w+)\n.*old\S+ 200\n/);
});

it('examples/guides/old-tls.mjs', async () => {
  const hosts = ['old.tax.example', 'other.example'];
  const tls = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
  await using server = await startServer({ authority, hosts, tls, clientCertificate: 'optional' });
  const ports = Object.fromEntries(hosts.map((host) => [`${host}:443`, server.port]));
  const after = calling(
    ['credentials', 'https://old.tax.example/'],
    ['credentials', 'https://other.example/'],
  );
  const { output } = await examples.run('guides/old-tls.mjs', ports, { after });
  expect(output).toMatch(/old\.tax\.example\/ 200\n.*other\.example\/ (EPROTO|ERR_SSL_\w+)\n/);
  expect(
    server.requests.map(({ protocol, clientCertificate }) => [protocol, clientCertificate?.commonName]),
  ).toEqual([['TLSv1', 'bank']]);
});

it('examples/guides/private-roots.mjs', async () => {
  const hosts = ['api.bank.example', 'private.example', 'vault.example', 'elsewhere.example'];
  const urls = hosts.map((host): [string, string] => ['credentials', `https://${host}/`]);
  const other = await createAuthority({ name: 'Known to Node' });
  const files = { 'known.pem': other.certificate };
  const run = async (issuer: Authority) => {
    const certificate = await issuer.issue({ name: 'server', hosts });
    await using server = await startServer({ authority, certificate, clientCertificate: 'optional' });
    const ports = Object.fromEntries(hosts.map((host) => [`${host}:443`, server.port]));
    const env = { NODE_EXTRA_CA_CERTS: 'known.pem' };
    const options = { after: calling(...urls), files, env };
    const { output } = await examples.run('guides/private-roots.mjs', ports, options);
    const seen = server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? 'none');
    return [...output.matchAll(/ (\S+)\n/g)].map(([, end]) => end).concat(seen);
  };
  const unknown = ['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'];
  const refused = expect.toSatisfy((end: string) => unknown.includes(end));
  expect(await run(authority)).toEqual(['200', '200', '200', refused, 'bank', 'none', 'none']);
  // The root that Node knows is good for all but the host that trusts its own and no other.
  expect(await run(other)).toEqual(['200', '200', refused, '200', 'bank', 'none', 'none']);
});

it('examples/guides/server-id.mjs', async () => {
  const partner = await createAuthority({ name: 'Partner' });
  const web = await authority.issue({ name: 'web', uris: ['spiffe://bank.example/web'] });
  const hosts = ['payments.bank.example', 'ledger.partner.example'];
  const files = {
    'svid.pem': web.fullChain,
    'svid_key.pem': web.key,
    'partner-bundle.pem': partner.certificate,
  };
  const run = async (by: Authority, id: string) => {
    const certificate = await by.issue({ name: 'workload', uris: [id] });
    await using server = await startServer({ authority, certificate });
    const ports = Object.fromEntries(hosts.map((host) => [`${host}:443`, server.port]));
    const after = calling(...hosts.map((host): [string, string] => ['credentials', `https://${host}/`]));
    const { output } = await examples.run('guides/server-id.mjs', ports, { after, files });
    const seen = server.requests.map(({ clientCertificate }) => clientCertificate?.commonName);
    return [...output.matchAll(/ (\S+)\n/g)].map(([, end]) => end).concat(seen as string[]);
  };
  const untrusted = expect.stringMatching(/^(SELF_SIGNED|UNABLE_TO)/);
  const another = 'ERR_CLIENTCERT_SERVER_ID_MISMATCH';
  expect(await run(authority, 'spiffe://bank.example/payments')).toEqual(['200', untrusted, 'web']);
  expect(await run(authority, 'spiffe://bank.example/other')).toEqual([another, untrusted]);
  expect(await run(partner, 'spiffe://partner.example/ledger')).toEqual([untrusted, '200', 'web']);
  expect(await run(partner, 'spiffe://bank.example/payments')).toEqual([untrusted, another]);
});

it('examples/guides/proxies.mjs', async () => {
  await using server = await startServer({ authority, hosts: ['api.bank.example'] });
  await using proxy = await startProxy({
    authentication: { username: 'me', password: 'secret' },
    route: () => ({ host: '127.0.0.1', port: server.port }),
  });
  const run = await examples.run(
    'guides/proxies.mjs',
    { 'proxy.example:3128': proxy.port, 'api.bank.example:443': server.port },
    {
      after: calling(...names.map((name): [string, string] => [name, 'https://api.bank.example/'])),
      files: { 'proxy-authorization': 'Basic bWU6c2VjcmV0\n' },
      env: {
        HTTPS_PROXY: 'http://me:secret@proxy.example:3128',
        https_proxy: '',
        NO_PROXY: '',
        no_proxy: '',
      },
    },
  );
  expect(run.output).toBe(names.map((name) => `${name} https://api.bank.example/ 200\n`).join(''));
  expect(proxy.connects.map(({ host, port, status }) => [host, port, status])).toEqual([
    ['api.bank.example', 443, 200],
    ['api.bank.example', 443, 200],
  ]);
  expect(server.requests.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual([
    'bank',
    'bank',
    'bank',
  ]);
});
const names = ['fromEnvironment', 'named', 'direct'];

it('examples/guides/old-pfx.mjs', async () => {
  const hosts = ['api.bank.example', 'old.bank.example'];
  await using server = await startServer({ authority, hosts });
  const linux = await authority.issue({ name: 'linux' });
  const files = {
    'old.pfx': await examples.bank.pfx('for the bank', { encryption: 'legacy-rc2' }),
    'bank.crt': linux.cert,
    'bank.key': linux.encryptedKey('for the bank'),
  };
  const ports = Object.fromEntries(hosts.map((host) => [`${host}:443`, server.port]));
  const urls = hosts.map((host): [string, string] => ['credentials', `https://${host}/`]);
  const { output } = await examples.run('guides/old-pfx.mjs', ports, { files, after: calling(...urls) });
  expect(output).toMatch(/^windows old\.pfx .*LEGACY_ENCRYPTION\nlinux.*\n.* 200\n.* 200\n$/);
  expect(server.requests.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual([
    'bank',
    'linux',
  ]);
});

it('examples/guides/diagnose.mjs', async () => {
  await using server = await startServer({ authority, hosts: ['api.bank.example'] });
  const expired = await authority.issue({ name: 'bank', expired: true });
  const { code, output } = await examples.run(
    'guides/diagnose.mjs',
    { 'api.bank.example:443': server.port },
    { files: { 'bank.pfx': await expired.pfx('for the bank') } },
  );
  // axios, got, node-soap, fetch and https.
  expect({ code, output, found: output.match(/^Likely: .*\(CLIENT_CERTIFICATE_EXPIRED\)$/gm) }).toEqual({
    code: 0,
    output: expect.stringContaining('renew it likely 2'),
    found: Array(5).fill('Likely: The client certificate has expired (CLIENT_CERTIFICATE_EXPIRED)'),
  });
  expect(server.requests).toEqual([]);
});

it('examples/guides/probe.mjs: an issuer that the server does not name is the cause', async () => {
  await using server = await startServer({ authority, hosts: ['api.bank.example'] });
  const stranger = await (await createAuthority({ name: 'Strangers' })).issue({ name: 'bank' });
  const { code, output } = await examples.run(
    'guides/probe.mjs',
    { 'api.bank.example:443': server.port },
    { files: { 'bank.pfx': await stranger.pfx('for the bank') } },
  );
  expect({ code, output }).toEqual({
    code: 0,
    output: expect.stringMatching(
      /\(ISSUER_NOT_TRUSTED_BY_SERVER\)\n(?:.*\n)*.*the server\s+names the issuers/,
    ),
  });
  expect(server.requests).toEqual([]);
});

it('examples/guides/mock-agent.mjs', async () => {
  const run = await examples.run('guides/mock-agent.mjs', {});
  expect(run).toEqual({ code: 0, output: '{ accounts: 1 }\n' });
});

it('examples/guides/clientcert.json', async () => {
  const { folder } = await examples.place('guides/clientcert.json');
  await copyFile(new URL('../guides/clientcert.json', import.meta.url), join(folder, 'clientcert.json'));
  vi.stubEnv('BANK_PASSPHRASE', 'for the bank');
  await using credentials = await loadCredentials(join(folder, 'clientcert.json'));
  vi.unstubAllEnvs();
  const decide = (host: string) => credentials.resolve(`https://${host}`).certificate;
  expect(['api', 'status', 'www'].map((name) => decide(`${name}.bank.example`))).toEqual([
    'bank',
    null,
    null,
  ]);
});
