import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { type Authority, createAuthority, type ListenerOptions, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rates } from './rates.ts';
import { type Examples, layOut } from './run.ts';

let authority: Authority;
let examples: Examples;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority, ['core', 'axios', 'soap']);
}, 120_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

/** One server with a port for each `host:port`; `seen` is who called which, over which version of TLS. */
async function start(listeners: Record<string, ListenerOptions>) {
  const names = Object.keys(listeners);
  const server = await startServer({
    authority,
    hosts: [...new Set(names.map((name) => name.replace(/:.*/, '')))],
    listeners: Object.values(listeners),
    handler: (request, response, context) =>
      request.url?.includes('/rates') ? rates(request, response, context) : false,
  });
  const ports = Object.fromEntries(names.map((name, index) => [name, server.ports[index]!]));
  const nameOf = (port: number) => names[server.ports.indexOf(port)];
  const seen = () =>
    server.requests.map(
      ({ port, clientCertificate, protocol }) =>
        `${nameOf(port)} ${clientCertificate?.commonName ?? 'none'} ${protocol}`,
    );
  return Object.assign(server, { named: ports, seen });
}

describe('examples/coming-from/outsystems', () => {
  it('rest.mjs: a certificate and a TLS version for hosts and calls, and an intermediate that is sent', async () => {
    const below = await createAuthority({ intermediates: 1 });
    const tax = await below.issue({ name: 'tax', keyType: 'rsa' });
    // It trusts both roots, and knows no intermediate.
    await using server = await startServer({
      authority,
      hosts: ['api.bank.example', 'old.bank.example'],
      ca: below.certificate,
    });
    const bank = await examples.bank.pfx('for the bank', { encryption: 'legacy-3des' });
    const files = {
      'bank.pfx': bank,
      'tax.pfx': await tax.pfx('for the taxes', { chain: false }),
      'tax-intermediate.cer': new X509Certificate(below.chain).raw,
      'partner-root.cer': new X509Certificate(below.certificate).raw,
    };
    const named = { 'api.bank.example:443': server.port, 'old.bank.example:443': server.port };
    const options = { files, env: { TAX_PASSPHRASE: 'for the taxes' } };
    const run = await examples.run('coming-from/outsystems/rest.mjs', named, options);
    expect(run).toEqual({ code: 0, output: '' });
    const seen = server.requests.map(
      ({ clientCertificate, protocol }) => `${clientCertificate?.commonName} ${protocol}`,
    );
    expect(seen).toEqual(['bank TLSv1.3', 'tax TLSv1.2', 'bank TLSv1.2']);

    // Without it the server knows nobody of that name.
    server.requests.length = 0;
    const edit = (source: string) => source.replace("['tax.pfx', 'tax-intermediate.cer']", "'tax.pfx'");
    expect((await examples.run('coming-from/outsystems/rest.mjs', named, { ...options, edit })).code).toBe(1);
    expect(server.requests.map(({ clientCertificate }) => clientCertificate?.commonName)).toEqual(['bank']);
  }, 60_000);

  it('soap.mjs', async () => {
    await using server = await start({ 'api.bank.example:443': {} });
    const run = await examples.run('coming-from/outsystems/soap.mjs', server.named);
    expect(run).toEqual({ code: 0, output: '1.08\n' });
    expect(server.seen()).toEqual(Array(2).fill('api.bank.example:443 bank TLSv1.3'));
  }, 60_000);
});

describe('examples/coming-from/axway', () => {
  const files = async () => {
    const portal = await authority.issue({ name: 'portal' });
    const partner = await authority.issue({ name: 'partner' });
    return {
      'portal.cer': portal.cert,
      'portal.key': portal.encryptedKey('for the portal'),
      'partner.der': new X509Certificate(partner.cert).raw,
      'partner.key': partner.key,
    };
  };
  const env = { PORTAL_PASSPHRASE: 'for the portal' };

  it('managers.mjs: a port that demands a certificate beside one that takes none, and another manager', async () => {
    await using server = await start({
      'manager.bank.example:8075': { clientCertificate: 'required' },
      'manager.bank.example:8065': { clientCertificate: 'optional' },
      'manager.partner.example:8075': { clientCertificate: 'required' },
    });
    const run = await examples.run('coming-from/axway/managers.mjs', server.named, {
      files: await files(),
      env,
    });
    expect(run).toEqual({ code: 0, output: '' });
    expect(server.seen()).toEqual([
      'manager.bank.example:8075 portal TLSv1.3',
      'manager.bank.example:8065 none TLSv1.3',
      'manager.partner.example:8075 partner TLSv1.3',
    ]);
  }, 60_000);

  it('managers.mjs: a passphrase that is empty is missing', async () => {
    const run = await examples.run(
      'coming-from/axway/managers.mjs',
      {},
      { files: await files(), env: { PORTAL_PASSPHRASE: '' } },
    );
    expect(run.code).toBe(1);
    expect(run.output).toContain('ERR_CLIENTCERT_PASSPHRASE_MISSING');
    expect(run.output).toContain('portal.key');
  }, 60_000);

  it('switch.mjs: yes and no at run time', async () => {
    await using server = await start({ 'manager.bank.example:8075': { clientCertificate: 'optional' } });
    const run = await examples.run('coming-from/axway/switch.mjs', server.named, {
      files: await files(),
      env,
    });
    expect(run).toEqual({ code: 0, output: '' });
    const seen = server.seen().map((each) => each.split(' ')[1]);
    expect(seen).toEqual(['portal', 'none', 'none', 'portal']);
  }, 60_000);
});

it('examples/coming-from/mendix/web-service.mjs: a web service and a REST call, each with its own', async () => {
  const tax = await (await authority.issue({ name: 'tax', keyType: 'rsa' })).pfx('for the taxes');
  await using server = await start({
    'api.bank.example:443': { clientCertificate: 'required' },
    'other.example:443': { clientCertificate: 'optional' },
  });
  const text = readFileSync(new URL('../coming-from/mendix/before.env', import.meta.url), 'utf8');
  const env = parseEnv(text) as Record<string, string>;
  const run = await examples.run('coming-from/mendix/web-service.mjs', server.named, {
    env,
    files: { 'tax.pfx': tax },
  });
  expect(run).toEqual({ code: 0, output: '' });
  expect(server.seen().map((each) => each.split(' ').slice(0, 2).join(' '))).toEqual([
    'api.bank.example:443 tax',
    'api.bank.example:443 tax',
    'api.bank.example:443 bank',
    'other.example:443 none',
  ]);
}, 60_000);

it('examples/guides/shared-config.mjs: shared.json, and a path of ones own', async () => {
  await using server = await start({ 'api.bank.example:443': {} });
  const files = {
    'shared.json': readFileSync(new URL('../guides/shared.json', import.meta.url)),
    'mine.pfx': await examples.bank.pfx('mine'),
  };
  const env = { BANK_PFX: 'mine.pfx', BANK_PASSPHRASE: 'mine' };
  const run = await examples.run('guides/shared-config.mjs', server.named, { files, env });
  expect(run).toEqual({ code: 0, output: '200\n' });
  expect(server.seen()).toEqual(['api.bank.example:443 bank TLSv1.3']);
}, 60_000);
