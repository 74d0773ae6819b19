import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { json, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { TLSSocket } from 'node:tls';
import {
  type Authority,
  createAuthority,
  type RequestHandler,
  startServer,
  type TestServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Examples, layOut } from '../../test/run.ts';

let authority: Authority;
let examples: Examples;

beforeAll(async () => {
  authority = await createAuthority();
  examples = await layOut(authority, ['core', 'axios', 'undici'], {
    sdks: true,
  });
}, 600_000); // the SDKs are installed when they are needed first
afterAll(() => examples?.[Symbol.asyncDispose]());

/** Lets nobody in without a certificate. */
function start(hosts: string[], handler: RequestHandler): Promise<TestServer> {
  return startServer({ authority, hosts, handler });
}

function portsOf({ port }: TestServer, hosts: string[]): Record<string, number> {
  return Object.fromEntries(hosts.map((host) => [`${host}:443`, port]));
}

/** Who asked for what. */
function seenBy({ requests }: TestServer): string[] {
  return requests.map(
    ({ method, headers, path, clientCertificate }) =>
      `${method} ${headers.host}${path} ${clientCertificate?.commonName ?? 'none'}`,
  );
}

function answer(response: ServerResponse, body: object): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
}

describe('what is streamed arrives while the rest is still to come', () => {
  /** Runs an example whose server goes on once the first part has been printed. */
  async function runStreamed(
    file: string,
    host: string,
    first: string,
    handle: (request: IncomingMessage, response: ServerResponse, next: () => Promise<void>) => unknown,
  ) {
    let resolve = () => {};
    const heard = new Promise<void>((done) => {
      resolve = done;
    });
    await using server = await start([host], (request, response) => handle(request, response, () => heard));
    const placed = await examples.place(`sdks/${file}`);
    const running = placed.start(portsOf(server, [host]));
    await running.heard(first);
    resolve();
    const run = await running.ended();
    return { ...run, seen: seenBy(server) };
  }

  it('examples/sdks/openai.mjs', async () => {
    const run = await runStreamed('openai.mjs', 'models.bank.example', 'no', async (_, response, next) => {
      const send = (content: string, finish_reason: string | null) => {
        const choices = [{ index: 0, delta: { content }, finish_reason }];
        response.write(`data: ${JSON.stringify({ id: '1', model: 'gpt-5.5', choices })}\n\n`);
      };
      response.setHeader('content-type', 'text/event-stream');
      send('no', null);
      await next();
      send(', it is not', 'stop');
      response.end('data: [DONE]\n\n');
    });
    expect(run).toEqual({
      code: 0,
      output: 'no, it is not',
      seen: ['POST models.bank.example/v1/chat/completions bank'],
    });
  });

  it('examples/sdks/google-genai.mjs', async () => {
    const run = await runStreamed(
      'google-genai.mjs',
      'models.bank.example',
      'no',
      async (_, response, next) => {
        const send = (text: string) => {
          const candidates = [{ content: { role: 'model', parts: [{ text }] } }];
          response.write(`data: ${JSON.stringify({ candidates })}\r\n\r\n`);
        };
        response.setHeader('content-type', 'text/event-stream');
        send('no');
        await next();
        send(', it is not');
        response.end();
      },
    );
    expect(run).toEqual({
      code: 0,
      output: 'no, it is not',
      seen: ['POST models.bank.example/v1/models/gemini-3-pro:streamGenerateContent bank'],
    });
  });

  it.each(['mcp.mjs', 'mcp-v1.mjs'])('examples/sdks/%s', async (file) => {
    const { createMcpHandler, fromJsonSchema, McpServer } = await import('@modelcontextprotocol/server');
    let next = async () => {};
    const { fetch: handle } = createMcpHandler(() => {
      const server = new McpServer({ name: 'bank', version: '1.0.0' });
      const inputSchema = fromJsonSchema<{ account: string }>({
        type: 'object',
        properties: { account: { type: 'string' } },
      });
      server.registerTool('balance', { inputSchema }, async ({ account }, context) => {
        const progressToken = context.mcpReq._meta?.progressToken ?? 0;
        const params = {
          progressToken,
          progress: 1,
          message: 'asking the bank',
        };
        await context.mcpReq.notify({
          method: 'notifications/progress',
          params,
        });
        await next();
        return { content: [{ type: 'text', text: `${account}: EUR 100` }] };
      });
      return server;
    });
    const run = await runStreamed(
      file,
      'tools.bank.example',
      'asking the bank',
      (request, response, going) => {
        next = going;
        return respondWith(request, response, handle);
      },
    );
    expect(run).toMatchObject({
      code: 0,
      output: expect.stringContaining('NL91: EUR 100'),
    });
    expect(run.seen.length).toBeGreaterThan(1);
    expect(new Set(run.seen.map((each) => each.replace(/^(GET|POST) /, '')))).toEqual(
      new Set(['tools.bank.example/mcp bank']),
    );
  });

  it('examples/sdks/trpc.mjs', async () => {
    const [{ createHTTPHandler }, { createRouter }] = await Promise.all([
      import('@trpc/server/adapters/standalone'),
      import('./router.ts'),
    ]);
    let next = async () => {};
    const handle = createHTTPHandler({
      router: createRouter(() => next()),
      basePath: '/trpc/',
    });
    const run = await runStreamed('trpc.mjs', 'api.bank.example', 'USD 1.08', (request, response, going) => {
      next = going;
      handle(request, response);
    });
    expect(run).toEqual({
      code: 0,
      output: "{ iban: 'NL91', balance: 100 }\nUSD 1.08\nGBP 0.86\n",
      seen: ['GET api.bank.example/trpc/account,rates bank'],
    });
  });

  it('examples/sdks/kubernetes.mjs', async () => {
    const pod = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name },
    });
    const run = await runStreamed(
      'kubernetes.mjs',
      'cluster.bank.example',
      'ADDED payments-2',
      async (request, response, next) => {
        if (!request.url?.includes('watch=true')) {
          return answer(response, {
            apiVersion: 'v1',
            kind: 'PodList',
            items: [pod('payments-1')],
          });
        }
        response.setHeader('content-type', 'application/json');
        response.write(`${JSON.stringify({ type: 'ADDED', object: pod('payments-2') })}\n`);
        await next();
        response.end(`${JSON.stringify({ type: 'DELETED', object: pod('payments-1') })}\n`);
      },
    );
    expect(run).toEqual({
      code: 0,
      output: 'payments-1\nADDED payments-2\nDELETED payments-1\nended\n',
      seen: Array(2).fill('GET cluster.bank.example/api/v1/namespaces/payments/pods bank'),
    });
  });
});

it('examples/sdks/kubernetes.mjs: exec, which is a WebSocket', async () => {
  const host = 'cluster.bank.example';
  await using server = await start([host], (_, response) => answer(response, { items: [] }));
  const upgrades: string[] = [];
  server.servers[0]?.on('upgrade', ({ url }: IncomingMessage, socket: TLSSocket) => {
    upgrades.push(`${url} ${socket.getPeerX509Certificate()?.subject}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  const after = `
import { Exec } from '@kubernetes/client-node';
await new Exec(example.config).exec('payments', 'pod', 'app', ['ls'], process.stdout, null, null, false)
  .catch(() => console.log('refused'));`;
  const edit = (source: string) => source.replace('const config =', 'export const config =');
  const run = await examples.run('sdks/kubernetes.mjs', portsOf(server, [host]), { after, edit });
  expect(run).toEqual({ code: 0, output: expect.stringContaining('refused') });
  expect(upgrades).toEqual([
    expect.stringMatching(/^\/api\/v1\/namespaces\/payments\/pods\/pod\/exec\?.* CN=bank$/),
  ]);
});

describe.each(['graphql-request.mjs', 'apollo.mjs', 'urql.mjs'])('examples/sdks/%s', (file) => {
  it('asks over mutual TLS', async () => {
    const asked: unknown[] = [];
    await using server = await start(['api.bank.example'], async (request, response) => {
      asked.push(await json(request));
      answer(response, {
        data: { accounts: [{ __typename: 'Account', iban: 'NL91' }] },
      });
    });
    const run = await examples.run(`sdks/${file}`, portsOf(server, ['api.bank.example']));
    expect(run).toEqual({ code: 0, output: expect.stringContaining('NL91') });
    expect(seenBy(server)).toEqual(['POST api.bank.example/graphql bank']);
    expect(asked).toEqual([expect.objectContaining({ variables: { country: 'NL' } })]);
  });
});

it('examples/sdks/stripe.mjs', async () => {
  await using server = await start(['payments.bank.example'], (_, response) => {
    answer(response, {
      object: 'balance',
      available: [{ amount: 100, currency: 'eur' }],
    });
  });
  const run = await examples.run('sdks/stripe.mjs', portsOf(server, ['payments.bank.example']));
  expect(run).toEqual({
    code: 0,
    output: expect.stringContaining("currency: 'eur'"),
  });
  expect(seenBy(server)).toEqual(['GET payments.bank.example/v1/balance bank']);
});

it('examples/sdks/stripe.mjs with a fetch', async () => {
  await using server = await start(['payments.bank.example'], (_, response) => {
    answer(response, {
      object: 'balance',
      available: [{ amount: 100, currency: 'eur' }],
    });
  });
  const edit = (source: string) =>
    source
      .replace('@clientcert/core', '@clientcert/undici')
      .replace('{ loadCredentials', '{ createFetch, loadCredentials')
      .replace(/httpAgent: .*/, 'httpClient: Stripe.createFetchHttpClient(createFetch(credentials)),');
  const run = await examples.run('sdks/stripe.mjs', portsOf(server, ['payments.bank.example']), { edit });
  expect(run).toEqual({
    code: 0,
    output: expect.stringContaining("currency: 'eur'"),
  });
  expect(seenBy(server)).toEqual(['GET payments.bank.example/v1/balance bank']);
});

it('examples/sdks/global-dispatcher.mjs', async () => {
  await using server = await start(['api.bank.example'], () => false);
  const run = await examples.run('sdks/global-dispatcher.mjs', portsOf(server, ['api.bank.example']));
  expect(run).toEqual({
    code: 0,
    output: expect.stringContaining('/accounts'),
  });
  expect(seenBy(server)).toEqual(['GET api.bank.example/accounts bank']);
});

it('examples/sdks/n8n.cjs reads all items over one certificate', async () => {
  await using server = await start(['api.bank.example'], (_, response, { url }) => {
    answer(response, { iban: new URL(url).searchParams.get('iban') });
  });
  // As n8n calls it: on what has the items and the parameters.
  const after = `
const ibans = ['NL91', 'BE68'];
const context = { getInputData: () => ibans.map(() => ({ json: {} })), getNodeParameter: (_, item) => ibans[item] };
const node = new example.BankAccounts();
console.log(JSON.stringify(await node.execute.call(context)));`;
  const run = await examples.run('sdks/n8n.cjs', portsOf(server, ['api.bank.example']), { after });
  const items = ['NL91', 'BE68'].map((iban, item) => ({
    json: { iban },
    pairedItem: { item },
  }));
  expect(run).toEqual({ code: 0, output: `${JSON.stringify([items])}\n` });
  expect(seenBy(server)).toEqual(Array(2).fill('GET api.bank.example/accounts bank'));
});

describe('tokens', () => {
  it('examples/sdks/openai-x509.mjs', async () => {
    const hosts = ['mtls.auth.openai.com', 'mtls.api.openai.com'];
    const exchanged: unknown[] = [];
    await using server = await start(hosts, async (request, response, { path }) => {
      if (path === '/oauth/token') {
        exchanged.push(await json(request));
        const issued_token_type = 'urn:ietf:params:oauth:token-type:access_token';
        return answer(response, {
          access_token: 'a-token',
          issued_token_type,
          token_type: 'Bearer',
          expires_in: 3600,
        });
      }
      const content = [{ type: 'output_text', text: 'no', annotations: [] }];
      answer(response, {
        id: '1',
        object: 'response',
        output: [
          {
            type: 'message',
            role: 'assistant',
            id: '2',
            status: 'completed',
            content,
          },
        ],
      });
    });
    const env = {
      OPENAI_IDENTITY_PROVIDER_ID: 'idp-1',
      OPENAI_SERVICE_ACCOUNT_ID: 'sa-1',
    };
    const edit = (source: string) =>
      source.replace('BANK_PASSPHRASE }', "BANK_PASSPHRASE, ca: 'bank-root.pem' }");
    const run = await examples.run('sdks/openai-x509.mjs', portsOf(server, hosts), { env, edit });
    expect(run).toEqual({ code: 0, output: 'no\n' });
    expect(seenBy(server)).toEqual([
      'POST mtls.auth.openai.com/oauth/token bank',
      'POST mtls.api.openai.com/v1/responses bank',
    ]);
    expect(exchanged).toEqual([
      {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token_type: 'urn:openai:params:oauth:token-type:x509',
        identity_provider_id: 'idp-1',
        service_account_id: 'sa-1',
      },
    ]);
    expect(server.requests[1]?.headers.authorization).toBe('Bearer a-token');
  });

  it('examples/sdks/auth0.mjs', async () => {
    const hosts = ['login.bank.example', 'mtls.login.bank.example', 'api.bank.example'];
    await using server = await startServer({
      authority,
      hosts,
      clientCertificate: 'optional',
      handler: async (request, response, { path, headers }) => {
        const issuer = 'https://login.bank.example/';
        if (path === '/.well-known/openid-configuration') {
          return answer(response, {
            issuer,
            token_endpoint: `${issuer}oauth/token`,
            mtls_endpoint_aliases: {
              token_endpoint: 'https://mtls.login.bank.example/oauth/token',
            },
          });
        }
        if (path === '/oauth/token') {
          await text(request);
          return answer(response, {
            access_token: 'a-token',
            token_type: 'Bearer',
            expires_in: 300,
          });
        }
        answer(response, {
          accounts: headers.authorization === 'Bearer a-token' ? ['NL91'] : [],
        });
      },
    });
    const run = await examples.run('sdks/auth0.mjs', portsOf(server, hosts));
    expect(run).toEqual({ code: 0, output: expect.stringContaining('NL91') });
    expect(seenBy(server)).toEqual([
      'GET login.bank.example/.well-known/openid-configuration none',
      'POST mtls.login.bank.example/oauth/token bank',
      'GET api.bank.example/accounts bank',
    ]);
  });

  it('examples/sdks/auth0-management.mjs', async () => {
    const hosts = ['login.bank.example', 'mtls.login.bank.example'];
    await using server = await startServer({
      authority,
      hosts,
      clientCertificate: 'optional',
      handler: (_, response, { path }) => {
        if (path === '/oauth/token') {
          return answer(response, {
            access_token: 'a-token',
            token_type: 'Bearer',
            expires_in: 300,
          });
        }
        answer(response, {
          clients: [{ name: 'my-client' }],
          start: 0,
          limit: 10,
          total: 1,
        });
      },
    });
    const env = { AUTH0_CLIENT_SECRET: 'a secret' };
    const run = await examples.run('sdks/auth0-management.mjs', portsOf(server, hosts), { env });
    expect(run).toEqual({ code: 0, output: "[ 'my-client' ]\n" });
    expect(seenBy(server)).toEqual([
      'POST mtls.login.bank.example/oauth/token bank',
      'GET login.bank.example/api/v2/clients none',
    ]);
  });

  it('examples/sdks/msal.mjs', async () => {
    const issuer = 'https://login.bank.example/my-tenant';
    const asked: URLSearchParams[] = [];
    await using server = await start(['login.bank.example'], async (request, response, { path }) => {
      if (path.endsWith('/openid-configuration')) {
        return answer(response, {
          issuer: `${issuer}/v2.0`,
          authorization_endpoint: `${issuer}/oauth2/v2.0/authorize`,
          token_endpoint: `${issuer}/oauth2/v2.0/token`,
          jwks_uri: `${issuer}/keys`,
        });
      }
      asked.push(new URLSearchParams(await text(request)));
      answer(response, {
        token_type: 'Bearer',
        expires_in: 3599,
        access_token: 'a-token',
      });
    });
    const env = { CLIENT_SECRET: 'a secret' };
    const run = await examples.run('sdks/msal.mjs', portsOf(server, ['login.bank.example']), { env });
    expect(run).toEqual({
      code: 0,
      output: expect.stringContaining('Bearer 20'),
    });
    expect(seenBy(server)).toEqual([
      'GET login.bank.example/my-tenant/v2.0/.well-known/openid-configuration bank',
      'POST login.bank.example/my-tenant/oauth2/v2.0/token bank',
    ]);
    expect(asked[0]?.get('scope')).toContain('https://api.bank.example/.default');
  });
});

/** Answers a request of Node's as what handles those of fetch does, part by part. */
async function respondWith(
  request: IncomingMessage,
  response: ServerResponse,
  handle: (request: Request) => Promise<Response>,
): Promise<void> {
  const { method = 'GET', headers } = request;
  const body = method === 'POST' ? await text(request) : null;
  const url = `https://${headers.host}${request.url}`;
  const {
    status,
    headers: own,
    body: parts,
  } = await handle(
    new Request(url, {
      method,
      body,
      headers: headers as Record<string, string>,
    }),
  );
  response.writeHead(status, Object.fromEntries(own));
  if (parts) await pipeline(Readable.fromWeb(parts as ReadableStream), response);
  else response.end();
}
