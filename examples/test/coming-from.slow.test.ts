import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { type Authority, createAuthority, createSelfSigned, startServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clientcert } from '../../packages/cli/test/run.ts';
import { rates } from './rates.ts';
import { type Examples, layOut } from './run.ts';

let authority: Authority;
let examples: Examples;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority, ['core', 'axios', 'got', 'soap', 'undici']);
}, 60_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

/** The bank, and another host that asks for a certificate; the bank sends the call on to it if it is to. */
async function startHosts(redirects: boolean) {
  const server = await startServer({
    authority,
    hosts: ['api.bank.example', 'elsewhere.example'],
    listeners: [{ clientCertificate: 'required' }, { clientCertificate: 'optional' }],
    handler: (_, response, { port }) => {
      if (!redirects || port !== server.port) return false;
      response.writeHead(302, { location: 'https://elsewhere.example/accounts' }).end();
      return true;
    },
  });
  const ports = { 'api.bank.example:443': server.ports[0]!, 'elsewhere.example:443': server.ports[1]! };
  const seen = () => server.requests.map(({ clientCertificate }) => clientCertificate?.commonName ?? 'none');
  return Object.assign(server, { named: ports, seen });
}

describe.each(['https-agent', 'got', 'undici', 'https'])('examples/coming-from/%s', (client) => {
  it.each(['before', 'after'])('%s.mjs presents the certificate to the bank', async (when) => {
    await using server = await startHosts(false);
    const { code, output } = await examples.run(`coming-from/${client}/${when}.mjs`, server.named);
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('/accounts') });
    expect(server.seen()).toEqual(['bank']);
  });
});

describe.each(['https-agent', 'got', 'undici'])('examples/coming-from/%s', (client) => {
  it.each([
    ['before', 'shows it to the host that a redirect leads to', ['bank', 'bank']],
    ['after', 'does not', ['bank', 'none']],
  ])('%s.mjs %s', async (when, _, expected) => {
    await using server = await startHosts(true);
    const { code } = await examples.run(`coming-from/${client}/${when}.mjs`, server.named);
    expect(code).toBe(0);
    expect(server.seen()).toEqual(expected);
  });
});

it('examples/coming-from/node-soap: the same calls, over fewer connections', async () => {
  const connections: number[] = [];
  for (const when of ['before', 'after']) {
    await using server = await startServer({ authority, hosts: ['api.bank.example'], handler: rates });
    const ports = { 'api.bank.example:443': server.port };
    const run = await examples.run(`coming-from/node-soap/${when}.mjs`, ports);
    expect(run).toEqual({ code: 0, output: '1.08\n1.08\n1.08\n' });
    const seen = server.requests.map(
      ({ method, clientCertificate }) => `${method} ${clientCertificate?.commonName}`,
    );
    expect(seen).toEqual(['GET bank', 'POST bank', 'POST bank', 'POST bank']);
    connections.push(server.connections);
  }
  expect(connections[1]).toBeLessThan(connections[0]!);
});

it.each(['before', 'after'])('examples/coming-from/node-soap-pem/%s.mjs', async (when) => {
  await using server = await startServer({ authority, hosts: ['api.bank.example'], handler: rates });
  const folder = await mkdtemp(join(tmpdir(), 'clientcert-pem-'));
  const { key } = await examples.bank.files(folder, { passphrase: 'for the bank' });
  const files = { 'bank.crt': examples.bank.cert, 'bank.key': readFileSync(key) };
  await rm(folder, { recursive: true });
  const ports = { 'api.bank.example:443': server.port };
  const run = await examples.run(`coming-from/node-soap-pem/${when}.mjs`, ports, { files });
  expect(run).toEqual({ code: 0, output: '1.08\n' });
  const seen = server.requests.map(
    ({ method, clientCertificate }) => `${method} ${clientCertificate?.commonName}`,
  );
  expect(seen).toEqual(['GET bank', 'POST bank']);
});

describe('examples/coming-from/migrate', () => {
  const folder = new URL('../coming-from/migrate/', import.meta.url);
  const text = (name: string) => readFileSync(new URL(name, folder), 'utf8');

  it.each(['before', 'after'])('%s.cjs presents the certificate to the bank', async (when) => {
    await using server = await startHosts(false);
    const files = { 'clientcert.json': text('clientcert.json') };
    const { code, output } = await examples.run(`coming-from/migrate/${when}.cjs`, server.named, { files });
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('/accounts') });
    expect(server.seen()).toEqual(['bank']);
  });

  it('the one becomes the other', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'clientcert-migrate-'));
    await writeFile(join(copy, 'before.cjs'), text('before.cjs'));
    vi.spyOn(process, 'cwd').mockReturnValue(copy);
    const { code } = await clientcert('migrate', '--write', '--force');
    vi.restoreAllMocks();
    expect(code).toBe(0);
    for (const [file, expected] of [
      ['before.cjs', 'after.cjs'],
      ['clientcert.json', 'clientcert.json'],
    ] as const)
      expect(await readFile(join(copy, file), 'utf8')).toBe(text(expected));
    await rm(copy, { recursive: true });
  });
});

describe('examples/coming-from/reject-unauthorized', () => {
  it.each([
    ['before', 'tells an impostor everything', 0, ['Bearer secret']],
    ['after', 'tells an impostor nothing', 1, []],
  ])('%s.mjs %s', async (when, _, code, told) => {
    const certificate = await createSelfSigned({
      name: 'api.bank.example',
      hosts: ['api.bank.example'],
      usage: 'server',
    });
    await using impostor = await startServer({ certificate, clientCertificate: 'optional' });
    const ports = { 'api.bank.example:443': impostor.port };
    const run = await examples.run(`coming-from/reject-unauthorized/${when}.mjs`, ports);
    expect(run.code).toBe(code);
    expect(impostor.requests.map(({ headers }) => headers.authorization)).toEqual(told);
  });

  it('after.mjs reaches the bank', async () => {
    await using server = await startHosts(false);
    const { code } = await examples.run('coming-from/reject-unauthorized/after.mjs', server.named);
    expect([code, server.seen()]).toEqual([0, ['bank']]);
  });
});

it('examples/coming-from/mendix', async () => {
  await using server = await startHosts(false);
  const tax = await (await authority.issue({ name: 'tax' })).pfx('for the taxes');
  const text = readFileSync(new URL('../coming-from/mendix/before.env', import.meta.url), 'utf8');
  const env = parseEnv(text) as Record<string, string>;
  const run = await examples.run('coming-from/mendix/after.mjs', server.named, {
    env,
    files: { 'tax.pfx': tax },
  });
  expect(run).toEqual({ code: 0, output: '' });
  expect(server.seen()).toEqual(['bank', 'tax']);
});
