import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { inspect } from 'node:util';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
} from '@clientcert/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../src/credentials/credentials.ts';
import { buildProcesses, type Processes } from '../process.ts';
import { get } from '../support.ts';

const passphrase = 'canary-passphrase-7391';
const proxyPassword = 'canary-of-the-proxy-5108';
let authority: Authority;
let alice: IssuedCertificate;
let directory: string;
let processes: Processes;
/** Texts that may appear nowhere: the passphrase, and pieces of key and PFX in base64, hex and as byte lists. */
let canaries: string[];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'clientcert-secrets-'));
  processes = await buildProcesses();
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  const pfx = await alice.pfx(passphrase);
  await writeFile(join(directory, 'alice.pfx'), pfx);
  // The private scalar lies in the middle of a P-256 PKCS#8 key.
  const key = Buffer.from(alice.key.replace(/-----[^-]+-----|\s/g, ''), 'base64').subarray(36, 60);
  canaries = [
    ...[passphrase, 'PRIVATE KEY', proxyPassword, Buffer.from(`me:${proxyPassword}`).toString('base64')],
    ...[key, pfx.subarray(200, 224), Buffer.from(proxyPassword)].flatMap(spellings),
  ];
});
afterAll(() => Promise.all([rm(directory, { recursive: true }), processes.close()]));

function spellings(bytes: Buffer): string[] {
  return [
    bytes.toString('hex'),
    [...bytes.subarray(0, 8)].join(','),
    [...bytes.subarray(0, 8)].join(', '),
    bytes.toString('hex', 0, 8).replace(/..(?!$)/g, '$& '),
  ];
}

function expectClean(text: string, where: string): void {
  for (const canary of canaries)
    expect(text.includes(canary), `${where} shows ${canary.slice(0, 12)}…`).toBe(false);
}

/** Everything that a person or a logger may print of a value. */
function expectPrintsClean(value: unknown, where: string, tickets: readonly Buffer[] = [], depth = 12): void {
  const printed = [
    inspect(value, {
      depth,
      showHidden: true,
      getters: true,
      maxArrayLength: null,
      maxStringLength: null,
    }),
    inspect(value, { depth, showHidden: true, customInspect: false, maxArrayLength: null }),
    safeJson(value),
    typeof value === 'object' && value !== null && 'toString' in value ? String(value) : '',
  ].join('\n');
  expectClean(printed, where);
  for (const ticket of tickets) {
    for (const spelling of spellings(ticket.subarray(ticket.length - 60, ticket.length - 40))) {
      expect(printed.includes(spelling), `${where} shows a TLS session`).toBe(false);
    }
  }
}

function safeJson(value: unknown): string {
  const seen = new WeakSet<object>();
  return (
    JSON.stringify(value, (_key, item) => {
      if (typeof item === 'bigint') return `${item}`;
      if (typeof item === 'object' && item !== null) {
        if (seen.has(item)) return undefined;
        seen.add(item);
      }
      return item;
    }) ?? ''
  );
}

it.each([false, true])(
  'credentials, agents, sockets, requests and errors print no secret (through a proxy: %s)',
  async (tunnelled) => {
    await using server = await startServer({ authority });
    await using proxy = await startProxy({
      authentication: { username: 'me', password: proxyPassword },
    });
    const through = proxy.url.replace('//', `//me:${proxyPassword}@`);
    await using credentials = await loadCredentials({
      certificates: { alice: { pfx: join(directory, 'alice.pfx'), passphrase, ca: authority.certificate } },
      hosts: { [`127.0.0.1:${server.port}`]: 'alice' },
    });
    const seen: unknown[] = [];
    const tickets: Buffer[] = [];
    const listen = (message: unknown) => void seen.push(message);
    const channels = [
      'clientcert:handshake',
      'http.client.request.start',
      'http.client.response.finish',
      'http.client.request.error',
      'net.client.socket',
    ];
    for (const channel of channels) subscribe(channel, listen);
    const agent = credentials.agent(tunnelled ? { proxy: through, maxSockets: 1 } : {});
    agent.on('free', (socket) => tickets.push(socket.getSession()));
    const { default: https } = await import('node:https');
    const requests: unknown[] = [];
    for (const headers of [{}, {}, { connection: 'close' }, {}]) {
      await new Promise<void>((resolve, reject) => {
        const request = https.get(server.url, { agent, headers }, (response) => {
          requests.push(response.socket);
          response.resume().on('end', () => setImmediate(resolve));
        });
        request.on('error', reject);
        requests.push(request);
      });
    }
    const queued = [1, 2].map(() => https.get(`${server.url}/delay?ms=20`, { agent }));
    const ended = queued.map((request) => new Promise((resolve) => request.once('close', resolve)));
    for (const request of queued) request.on('response', (response) => response.resume());
    expectPrintsClean(queued[1], 'a request that waits');
    await Promise.all(ended);
    for (const channel of channels) unsubscribe(channel, listen);
    const failure = await get(server.url, { agent, cert: alice.cert }).catch((error) => error);
    expect(server.requests.at(-1)?.resumed).toBe(true);

    const session = tickets.filter(Boolean);
    expect(session.length).toBeGreaterThan(0);
    expectPrintsClean(credentials, 'credentials');
    expectPrintsClean(agent, 'the agent', session);
    expectPrintsClean(agent.freeSockets, 'free sockets', session);
    // They hang together: from each of them less deep, once, instead of the same a hundred times.
    const each = new Set([...requests, ...seen.flatMap((message) => Object.values(message as object))]);
    for (const value of each) expectPrintsClean(value, 'what requests and channels hand out', session, 5);
    expectPrintsClean(failure, 'the error');
    expectPrintsClean(credentials.resolve(server.url), 'the resolution');
    expectPrintsClean(credentials.explain(server.url), 'the explanation');
    expectPrintsClean(credentials.certificates(), 'certificates()');
    const options = credentials.connectOptions(server.url);
    expectPrintsClean(options, 'connectOptions');
    const socket = connect({ ...options, host: '127.0.0.1', port: server.port });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    expectPrintsClean(socket, 'a socket of connectOptions');
    socket.destroy();
    agent.destroy();
  },
);

it('NODE_DEBUG prints none', async () => {
  const { stdout, stderr, status } = await processes.run(
    `
    const authority = await testing.createAuthority();
    const alice = await authority.issue({ name: 'alice' });
    const server = await testing.startServer({ authority });
    const passphrase = ${JSON.stringify(passphrase)};
    const credentials = await core.loadCredentials({
      certificates: { alice: { cert: alice.cert, key: alice.encryptedKey(passphrase), passphrase, ca: authority.certificate } },
      hosts: { [new URL(server.url).host]: 'alice' },
    });
    const agent = credentials.agent();
    const der = Buffer.from(alice.key.replace(/-----[^-]+-----|\\s/g, ''), 'base64');
    process.stdout.write(der.subarray(36, 60).toString('hex'));
    await new Promise((resolve, reject) => {
      https.get(server.url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
    });
    agent.destroy();
    await server.close();
    `,
    { env: { NODE_DEBUG: 'http,https,tls,net,stream' } },
  );
  expect(status, stderr.slice(-500)).toBe(0);
  expect(stderr).toContain('HTTP');
  expectClean(stderr, 'NODE_DEBUG');
  expect(stdout).toHaveLength(48);
  for (const spelling of spellings(Buffer.from(stdout, 'hex'))) expect(stderr).not.toContain(spelling);
});

describe('attack: secrets that show', () => {
  it('an answer shows none of the environment, which Node’s own agent keeps where it takes proxies from there', async () => {
    const { stdout, stderr, status } = await processes.run(
      `
      import { inspect } from 'node:util';
      const authority = await testing.createAuthority();
      const alice = await authority.issue({ name: 'alice' });
      const server = await testing.startServer({ authority });
      const credentials = await core.loadCredentials({
        certificates: { alice: { cert: alice.cert, key: alice.key, ca: authority.certificate } },
        hosts: { [new URL(server.url).host]: 'alice' },
      });
      const agent = credentials.agent();
      const [response, socket] = await new Promise((resolve, reject) => {
        https.get(server.url, { agent }, (answer) => {
          const { socket } = answer;
          answer.resume().on('end', () => resolve([answer, socket]));
        }).on('error', reject);
      });
      console.log(inspect([response, agent], { depth: 20, showHidden: true, customInspect: false }));
      console.log('agents of Node:', Object.getOwnPropertySymbols(socket).filter((key) => socket[key]?._defaultAgent).length);
      agent.destroy();
      await server.close();
      `,
      {
        env: {
          NODE_USE_ENV_PROXY: '1',
          NO_PROXY: '*',
          HTTPS_PROXY: `http://me:${proxyPassword}@127.0.0.1:1`,
        },
      },
    );
    expect(status, stderr.slice(-500)).toBe(0);
    expect(stdout).toContain('agents of Node: 0');
    expect(stdout).not.toContain(proxyPassword);
  });

  it('NODE_DEBUG prints no password of a proxy, and errors none of one that refuses, hangs up or answers nonsense', async () => {
    await using server = await startServer({ authority });
    await using proxy = await startProxy({ authentication: { username: 'me', password: proxyPassword } });
    await using refusing = await startProxy({ refuse: 407 });
    await using hanging = await startProxy({ hang: true });
    const odd = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.2\r\n'));
    await new Promise<void>((resolve) => odd.listen(0, '127.0.0.1', resolve));
    const ports = [proxy, refusing, hanging, odd.address() as { port: number }].map(({ port }) => port);
    const { stdout, stderr, status } = await processes.run(
      `
      import { inspect } from 'node:util';
      const authorization = 'Basic ' + Buffer.from(process.env.ME).toString('base64');
      const credentials = await core.loadCredentials({
        hosts: { '127.0.0.1:${server.port}': { ca: process.env.ROOT } },
      });
      for (const port of [${ports}]) {
        for (const proxy of ['http://' + process.env.ME + '@127.0.0.1:' + port, { url: 'http://127.0.0.1:' + port, authorization }]) {
          const agent = credentials.agent({ proxy });
          await new Promise((resolve) => {
            const request = https.get('https://127.0.0.1:${server.port}', { agent, timeout: 300 }, (response) => response.resume().on('end', resolve));
            request.on('timeout', () => request.destroy(new Error('timed out')));
            request.on('error', (error) => {
              console.log(error.code ?? error.message, inspect(error, { depth: 12, showHidden: true }).length > 0);
              console.log(inspect([error, request], { depth: 12, showHidden: true }));
              resolve();
            });
          });
          agent.destroy();
        }
      }
      process.exit();
      `,
      {
        env: {
          NODE_DEBUG: 'http,https,tls,net,stream,http2',
          ME: `me:${proxyPassword}`,
          ROOT: authority.certificate,
        },
      },
    );
    odd.close();
    expect(status, stderr.slice(-500)).toBe(0);
    expect(stderr).toContain('NET');
    expect(stdout.match(/^(ERR_CLIENTCERT_PROXY_FAILED|timed out) true$/gm)).toEqual([
      ...Array(2).fill('ERR_CLIENTCERT_PROXY_FAILED true'),
      ...Array(2).fill('timed out true'),
      ...Array(2).fill('ERR_CLIENTCERT_PROXY_FAILED true'),
    ]);
    expect(proxy.connects.map((connect) => connect.status)).toEqual([200, 200]);
    expectClean(stderr, 'NODE_DEBUG');
    expectClean(stdout, 'an error');
  });

  it('NODE_DEBUG prints nothing of what an authority is asked with', async () => {
    const { stdout, stderr, status } = await processes.run(
      `
      import { ask } from './enrolment.mjs';
      const authorization = 'Basic ' + Buffer.from(process.env.ME).toString('base64');
      const authority = await testing.createAuthority();
      const server = await testing.startServer({ authority, clientCertificate: 'none' });
      const asked = { url: new URL(server.url), what: 'a test', headers: { authorization } };
      const { signal } = new AbortController();
      for (const body of [undefined, '', 'text']) await ask({ ca: authority.certificate }, { ...asked, body }, signal);
      for (const { method, headers, bodyLength } of server.requests)
        console.log(method, headers.authorization === authorization, headers['content-length'], bodyLength);
      await server.close();
      `,
      { env: { NODE_DEBUG: 'http,https,tls,net,stream', ME: `me:${proxyPassword}` } },
    );
    expect(status, stderr.slice(-500)).toBe(0);
    expect(stdout).toBe('GET true undefined 0\nPOST true 0 0\nPOST true 4 4\n');
    expect(stderr).toContain('HTTP');
    expectClean(stderr, 'NODE_DEBUG');
  });
});
