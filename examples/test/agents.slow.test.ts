import { createAuthority, startServer, type TestServer } from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Examples, layOut } from './run.ts';

let authority: Awaited<ReturnType<typeof createAuthority>>;
let examples: Examples;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority, ['core', 'axios', 'undici']);
}, 60_000);
afterAll(() => examples?.[Symbol.asyncDispose]());

/** A server that is both hosts, and sends the first call on to the other one if it is to. */
async function startHosts({ redirects = false } = {}): Promise<TestServer & { seen(): string[] }> {
  const server = await startServer({
    authority,
    hosts: ['api.bank.example', 'elsewhere.example'],
    keepAliveTimeout: 500, // needle leaves the answer that redirects unread, and so the connection busy
    listeners: [{ clientCertificate: 'optional' }, { clientCertificate: 'optional' }],
    handler: (_, response, { port }) => {
      if (!redirects || port !== server.port) return false;
      response.writeHead(302, { location: 'https://elsewhere.example/accounts' }).end();
      return true;
    },
  });
  const nameOf = (port: number) => (port === server.port ? 'bank' : 'elsewhere');
  const seen = () =>
    server.requests.map(
      ({ method, path, port, clientCertificate }) =>
        `${method} ${path} at ${nameOf(port)}: ${clientCertificate?.commonName ?? 'none'}`,
    );
  return Object.assign(server, { seen });
}

function ports(server: TestServer): Record<string, number> {
  return { 'api.bank.example:443': server.ports[0]!, 'elsewhere.example:443': server.ports[1]! };
}

const clients: [file: string, path: string][] = [
  ['agents/https.mjs', '/accounts'],
  ['agents/node-fetch.mjs', '/accounts'],
  ['agents/superagent.mjs', '/accounts'],
  ['agents/needle.mjs', '/accounts'],
  ['agents/follow-redirects.mjs', '/accounts'],
  ['agents/aws-sdk.mjs', '/statements/2026-11.xml'],
  ['agents/azure-sdk.mjs', '/accounts'],
  ['fetch/ky.mjs', '/accounts'],
  ['fetch/ofetch.mjs', '/accounts'],
];

describe.each(clients)('examples/%s', (file, path) => {
  it('presents the certificate to the pinned host', async () => {
    await using server = await startHosts();
    const { code, output } = await examples.run(file, ports(server));
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('bank') });
    expect(server.seen()).toEqual([`GET ${path} at bank: bank`]);
    expect(server.requests[0]?.clientCertificate?.fingerprint256).toBe(examples.bank.fingerprint256);
  });
});

const following = [
  'agents/node-fetch.mjs',
  'agents/superagent.mjs',
  'agents/needle.mjs',
  'agents/follow-redirects.mjs',
  'fetch/ky.mjs',
  'fetch/ofetch.mjs',
];

describe.each(following)('examples/%s', (file) => {
  it('presents none where it is redirected to', async () => {
    await using server = await startHosts({ redirects: true });
    const { code, output } = await examples.run(file, ports(server));
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('/accounts') });
    expect(server.seen()).toEqual(['GET /accounts at bank: bank', 'GET /accounts at elsewhere: none']);
  });
});

it('examples/agents/azure-sdk.mjs follows no redirect to another host', async () => {
  await using server = await startHosts({ redirects: true });
  const { code } = await examples.run('agents/azure-sdk.mjs', ports(server));
  expect(code).toBe(0);
  expect(server.seen()).toEqual(['GET /accounts at bank: bank']);
});

it('examples/fetch/ai-sdk.mjs asks a model behind mutual TLS, and streams its answer', async () => {
  await using server = await startServer({
    authority,
    hosts: ['models.bank.example'],
    handler: (request, response) => {
      request.resume();
      response.setHeader('content-type', 'text/event-stream');
      const delta = { role: 'assistant', content: 'no' };
      const choices = [{ index: 0, finish_reason: 'stop', delta }];
      const chunk = JSON.stringify({ id: '1', created: 1, model: 'gpt-5', choices });
      response.end(`data: ${chunk}\n\ndata: [DONE]\n\n`);
    },
  });
  const run = await examples.run('fetch/ai-sdk.mjs', { 'models.bank.example:443': server.port });
  expect(run).toEqual({ code: 0, output: 'no' });
  expect(server.requests.map(({ path, clientCertificate }) => [path, clientCertificate?.commonName])).toEqual(
    [['/v1/chat/completions', 'bank']],
  );
});

it('examples/axios/cookies.mjs keeps the cookies of every hop, beside the certificate', async () => {
  await using server = await startServer({
    authority,
    hosts: ['api.bank.example'],
    handler: (_, response, { path }) => {
      if (path === '/login') {
        const headers = { 'set-cookie': ['session=1; Secure; HttpOnly'], location: '/welcome' };
        response.writeHead(302, headers).end();
      } else if (path === '/welcome') response.setHeader('set-cookie', 'seen=yes').end();
      else return false;
      return true;
    },
  });
  const run = await examples.run('axios/cookies.mjs', { 'api.bank.example:443': server.port });
  expect(run).toEqual({ code: 0, output: '' });
  expect(
    server.requests.map(({ path, headers, clientCertificate }) => [
      path,
      headers.cookie,
      clientCertificate?.commonName,
    ]),
  ).toEqual([
    ['/login', undefined, 'bank'],
    ['/welcome', 'session=1', 'bank'],
    ['/accounts', 'session=1; seen=yes', 'bank'],
  ]);
});
