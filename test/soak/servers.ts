import { readFileSync } from 'node:fs';
import type { Http2ServerRequest } from 'node:http2';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type IssuedCertificate,
  type RequestHandler,
  type ServerOptions,
  startProxy,
  startServer,
  type TestProxy,
  type TestServer,
} from '@clientcert/testing';
import { adapters as overSoap } from '../adapters/soap.ts';
import { Judge } from './judge.ts';

/** What main.ts hands over in a file. */
export interface Setting {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly proxyPassword: string;
  /** Of the first of ten: bank, other host, plain HTTP, proxies. */
  readonly firstPort: number;
}

export type Told =
  | { kind: 'issued'; name: string; fingerprint: string }
  | { kind: 'published'; name: string; fingerprint: string; at: number }
  | { kind: 'moved'; who: string; phase: 'begins' | 'done'; at: number }
  | { kind: 'restart' | 'reset' | 'proxy dies'; ms: number }
  | { kind: 'ask' };

/** What main.ts is answered. */
export interface Account {
  readonly identities: Record<string, number>;
  readonly mixed: readonly string[];
  readonly stale: readonly string[];
  readonly late: number;
  /** How many connections are open. */
  readonly open: number;
  readonly proxied: number;
}

const setting: Setting = JSON.parse(readFileSync(process.argv[2]!, 'utf8'));
const judge = new Judge();
const certificate = { fullChain: setting.cert, key: setting.key } as IssuedCertificate;
const shared: ServerOptions = { certificate, ca: setting.ca, http2: true, keepAliveTimeout: 600_000 };
let started = 0;

const handler: RequestHandler = async (request, response, seen) => {
  for (const server of servers) if (server.requests.length > 1_000) server.requests.length = 0;
  const query = new URL(seen.url).searchParams;
  judge.saw({
    who: query.get('who') ?? 'nobody',
    since: Number(query.get('since')),
    fingerprint: seen.clientCertificate?.fingerprint256 ?? null,
    connection: `${started} ${seen.port} ${seen.connection}`,
    at: Date.now(),
  });
  const { stream } = request as unknown as Http2ServerRequest;
  request.resume();
  request.on('error', () => {});
  switch (seen.path) {
    case '/stall':
      return true;
    case '/reset':
      if (stream) stream.close(2);
      else resetUnder(request.socket);
      return true;
    case '/half':
    case '/half-and-stall':
      response.writeHead(200, { 'content-type': 'text/xml', 'content-length': 10_000 });
      response.write('<half>');
      if (seen.path === '/half-and-stall') return true;
      await pause(20);
      if (stream) stream.close(2);
      else request.socket.destroy();
      return true;
    case '/loop':
      response.writeHead(302, { location: seen.url }).end();
      return true;
    case '/slow':
      await pause(Number(query.get('ms')));
      break;
    default:
  }
  const isSoap = `${request.headers['content-type']}`.startsWith('text/xml');
  if (!isSoap && request.headers['user-agent']?.startsWith('node-soap') !== true) return false;
  return await overSoap[0]!.answer!(request, response, seen);
};

let servers: TestServer[] = [];
let proxies: TestProxy[] = [];

async function startServers(): Promise<void> {
  const first = setting.firstPort;
  started += 1;
  servers = await Promise.all([
    startServer({
      ...shared,
      handler,
      host: 'localhost',
      listeners: [
        { port: first },
        { port: first + 1, tls: 'TLSv1.2' },
        { port: first + 2, clientCertificate: 'optional' },
        { port: first + 3, clientCertificate: 'optional' },
        { port: first + 8 },
      ],
    }),
    startServer({ ...shared, handler, port: first + 4, clientCertificate: 'optional' }),
    startServer({ handler, port: first + 5, tls: false, keepAliveTimeout: 600_000 }),
  ]);
}

async function startProxies(): Promise<void> {
  const authentication = { username: 'me', password: setting.proxyPassword };
  const port = setting.firstPort + 6;
  proxies = await Promise.all([
    startProxy({ port, authentication }),
    startProxy({
      certificate,
      ca: setting.ca,
      port: port + 1,
      tls: true,
      clientCertificate: 'required',
    }),
  ]);
}

/** A port that was left may be taken by an outgoing connection for a moment. */
async function untilStarted(start: () => Promise<void>): Promise<void> {
  for (let left = 50; ; left--) {
    try {
      return await start();
    } catch (error) {
      if (left === 0) throw error;
      await pause(100);
    }
  }
}

let proxied = 0;
const watch = setInterval(() => {
  for (const [index, proxy] of proxies.entries()) {
    for (const { clientCertificate } of proxy.connects.splice(0)) {
      proxied += 1;
      const name = clientCertificate?.commonName ?? 'none';
      if (name !== ['none', 'carol'][index]) judge.mixed.push(`a proxy saw ${name}`);
    }
  }
}, 200);

const open = new Set<Socket>();
/** A TLS socket and the TCP socket below it have the same ports, and no public link to each other. */
function resetUnder({ localPort, remotePort }: Socket): void {
  // Ports of outgoing connections are given again for another destination: one of the two would not do.
  [...open].find((each) => each.localPort === localPort && each.remotePort === remotePort)?.resetAndDestroy();
}

function countOpen(): void {
  for (const server of servers.flatMap((each) => each.servers)) {
    server.on('connection', (socket: Socket) => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
    });
  }
}

async function obey(told: Told): Promise<unknown> {
  switch (told.kind) {
    case 'issued':
      return judge.issued(told.name, told.fingerprint);
    case 'published':
      return judge.published(told.name, told.fingerprint, told.at);
    case 'moved':
      return judge.moved(told.who, told.phase, told.at);
    case 'reset':
      for (const socket of open) socket.resetAndDestroy();
      return undefined;
    case 'restart':
      await Promise.all(servers.map((server) => server.close()));
      await pause(told.ms);
      await untilStarted(startServers);
      return countOpen();
    case 'proxy dies':
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await pause(told.ms);
      return await untilStarted(startProxies);
    case 'ask':
      return {
        identities: judge.identities,
        mixed: judge.mixed.slice(0, 20),
        stale: judge.stale.slice(0, 20),
        late: judge.late,
        // One that is reset while it closes is never said to be closed.
        open: [...open].filter(({ destroyed }) => !destroyed).length,
        proxied,
      } satisfies Account;
  }
}

await startServers();
await startProxies();
countOpen();
process.on('message', async ({ number, told }: { number: number; told: Told }) => {
  process.send!({ number, answer: await obey(told) });
});
process.once('disconnect', () => process.exit());
watch.ref();
process.send!({ ready: true });
