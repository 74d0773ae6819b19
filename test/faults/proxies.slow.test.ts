import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGround, createPeople, nameOf, type People, until } from '../adapters/ground.ts';
import { codesIn, expectClear, outcomeOf } from './clear.ts';
import { clients } from './clients.ts';

type Answer = (socket: Socket) => void;

/** What a proxy does with a CONNECT. `ours`: it is told by our own code. */
const PROXIES: Readonly<Record<string, { answer: Answer; ours: boolean }>> = {
  'closes without an answer': { answer: (socket) => socket.end(), ours: true },
  'resets the connection': { answer: (socket) => socket.resetAndDestroy(), ours: true },
  'sends half a status line': { answer: (socket) => socket.end('HTTP/1.1 2'), ours: true },
  'sends half a header': { answer: (socket) => socket.end('HTTP/1.1 200 OK\r\nvia: x'), ours: true },
  'sends garbage': {
    answer: (socket) => socket.end(Buffer.from('SSH-2.0-x\r\n\0\xff\r\n\r\n', 'latin1')),
    ours: true,
  },
  'speaks TLS': { answer: (socket) => socket.end(Buffer.from('15030100020246', 'hex')), ours: true },
  'sends a header without end': {
    answer: (socket) => pour(socket, `x: ${'y'.repeat(1000)}\r\n`),
    ours: true,
  },
  'sends interim answers without end': {
    answer: (socket) => pour(socket, 'HTTP/1.1 100 Continue\r\n\r\n'),
    ours: true,
  },
  'says 200 and closes': { answer: (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'), ours: false },
  'says 200 and resets': {
    answer: (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n', () => socket.resetAndDestroy()),
    ours: false,
  },
  'says 200 and sends garbage': {
    answer: (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello'),
    ours: false,
  },
  'says 500 in many words': {
    answer: (socket) => socket.end(`HTTP/1.1 500 ${'no '.repeat(3000)}\r\n\r\n${'x'.repeat(50_000)}`),
    ours: true,
  },
  'never answers': { answer: () => {}, ours: false },
  'says 200 and no more': { answer: (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n'), ours: false },
};
const STALLS = /never|no more/;

let people: People;
beforeAll(async () => {
  people = await createPeople();
});
afterAll(() => people.remove());

// Most of the time they wait for what is stalled.
describe.concurrent('a proxy that', () => {
  it.each(clients.map((client) => [client.name, client] as const))(
    'fails, before %s',
    { timeout: 300_000 },
    async (_, client) => {
      await using ground = await createGround(client, people);
      const server = await ground.bank();
      await using proxy = await startBadProxy();
      const url = `http://me:canary-of-the-proxy@localhost:${proxy.port}`;
      const credentials = await ground.load(server, { proxy: url });
      const api = ground.client(credentials, { connectTimeout: 25_000 });
      const hasty = ground.client(credentials, { connectTimeout: 2_000 });
      for (const [what, { answer, ours }] of Object.entries(PROXIES)) {
        proxy.answer = answer;
        const [by, timeout] = STALLS.test(what) ? ([hasty, 300] as const) : ([api, 25_000] as const);
        const outcome = await outcomeOf(by.send(server.url, { timeout }));
        expect(outcome, what).toHaveProperty('error');
        const { error } = outcome as { error: Error };
        expectClear(error, people);
        expect(`${error.message} ${error.stack}`, what).not.toContain('canary');
        if (ours) expect(codesIn(error), what).toContain('ERR_CLIENTCERT_PROXY_FAILED');
        expect(server.connections, what).toBe(0);
      }
      proxy.answer = undefined;
      expect((await api.send(server.url)).status).toBe(200);
      // Slowly, a byte at a time.
      proxy.answer = (socket, through) => drip(socket, 'HTTP/1.1 200 OK\r\nvia: x\r\n\r\n', through);
      const slow = ground.client(credentials);
      expect((await slow.send(server.url)).status).toBe(200);
      expect(server.requests.map(nameOf)).toEqual(['alice', 'alice']);
      await Promise.all([api, hasty, slow].map((each) => each.close?.()));
      await credentials.close();
      await until(() => proxy.open === 0);
    },
  );
});

interface BadProxy extends AsyncDisposable {
  readonly port: number;
  readonly open: number;
  /** `undefined`: as a proxy should. */
  answer: ((socket: Socket, through: () => void) => void) | undefined;
}

async function startBadProxy(): Promise<BadProxy> {
  const open = new Set<Socket>();
  let answer: BadProxy['answer'];
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    socket.once('data', (asked) => {
      // What comes before it is handed on would be lost; it reads on to see the end.
      if (!answer || answer.length > 1) socket.pause();
      const [, port] = /^CONNECT localhost:(\d+)/.exec(asked.toString()) ?? [];
      const through = () => {
        const upstream = connect(Number(port), 'localhost');
        upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
        socket
          .on('close', () => upstream.destroy())
          .pipe(upstream)
          .pipe(socket);
      };
      if (answer) answer(socket, through);
      else socket.write('HTTP/1.1 200 OK\r\n\r\n', through);
    });
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get open() {
      return open.size;
    },
    get answer() {
      return answer;
    },
    set answer(value) {
      answer = value;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** Until the other side has had enough. */
function pour(socket: Socket, text: string): void {
  socket.write('HTTP/1.1 100 Continue\r\n');
  const timer = setInterval(() => socket.write(text.repeat(20)), 2);
  socket.on('close', () => clearInterval(timer));
}

function drip(socket: Socket, text: string, then: () => void): void {
  let at = 0;
  const timer = setInterval(() => {
    if (at < text.length) return void socket.write(text[at++]!);
    clearInterval(timer);
    then();
  }, 1);
  socket.on('close', () => clearInterval(timer));
}
