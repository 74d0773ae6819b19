import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createAuthority, startServer, type TestServer } from '@clientcert/testing';
import * as undici from 'undici';
import { Agent, type Dispatcher, errors, request } from 'undici';
import manifest from 'undici/package.json' with { type: 'json' };
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDispatcher, loadCredentials } from '../src/index.ts';
import { codesOf, createPeople, load, type People, startBank, subjects } from './ground.ts';

let people: People;
let bank: TestServer;

beforeAll(async () => {
  people = await createPeople();
});
beforeEach(async () => {
  bank = await startBank(people, { http2: true });
});
afterEach(() => bank.close());

/** What an Agent has; not in the types of the oldest undici. */
type Full = Dispatcher & {
  closed: boolean;
  destroyed: boolean;
  stats: Record<string, object>;
  webSocketOptions?: { maxPayloadSize: number };
};

/** Each over an Agent, which is told the server's root, and over a dispatcher of ours. */
describe('is used as an Agent is', () => {
  const kinds = ['Agent', 'createDispatcher'] as const;
  const make = async (kind: (typeof kinds)[number], options: object = {}) => {
    if (kind === 'Agent') {
      const connect = { ca: people.authority.certificate };
      return { dispatcher: new Agent({ ...options, connect }) as unknown as Full, end: () => {} };
    }
    const credentials = await load(people, bank);
    return { dispatcher: createDispatcher(credentials, options) as Full, end: () => credentials.close() };
  };

  it.each(kinds)('%s: closed, destroyed, and what it says to a request then', async (kind) => {
    const { dispatcher, end } = await make(kind);
    expect([dispatcher.closed, dispatcher.destroyed]).toEqual([false, false]);
    const pending = request(`${bank.url}/delay?ms=100`, { dispatcher }).then(({ body }) => body.dump());
    await expect.poll(() => bank.requests.length).toBe(1);
    const closing = dispatcher.close();
    expect([dispatcher.closed, dispatcher.destroyed]).toEqual([true, false]);
    expect(await codesOf(request(bank.url, { dispatcher }))).toEqual(['UND_ERR_CLOSED']);
    await Promise.all([pending, closing, dispatcher.close()]);
    expect([dispatcher.closed, dispatcher.destroyed]).toEqual([true, true]);
    expect(await codesOf(request(bank.url, { dispatcher }))).toEqual(['UND_ERR_DESTROYED']);
    await dispatcher.destroy();
    const other = await make(kind);
    await other.dispatcher.destroy();
    expect(await codesOf(other.dispatcher.close())).toEqual(['UND_ERR_DESTROYED']);
    await Promise.all([end(), other.end()]);
  });

  it.each(kinds)('%s: arguments that are none', async (kind) => {
    const { dispatcher, end } = await make(kind);
    const invalid = expect.objectContaining({ code: 'UND_ERR_INVALID_ARG' });
    const options = { origin: bank.url, path: '/', method: 'GET' } as const;
    for (const handler of [undefined, null, 'handler', 5]) {
      expect(() => dispatcher.dispatch(options, handler as unknown as object)).toThrow(invalid);
    }
    for (const wrong of [undefined, null, 'options']) {
      const heard: unknown[] = [];
      const onError = (error: Error) => heard.push(error);
      // undici 8 asks for handlers of the newer kind.
      const handler = {
        onError,
        onConnect() {},
        onHeaders() {},
        onResponseError: (_: unknown, error: Error) => onError(error),
      };
      dispatcher.dispatch(wrong as unknown as typeof options, handler as object);
      expect(heard).toEqual([invalid]);
    }
    for (const callback of ['callback', 5, {}] as unknown as (() => void)[]) {
      expect(() => dispatcher.close(callback)).toThrow(invalid);
      expect(() => dispatcher.destroy(null, callback)).toThrow(invalid);
    }
    expect(dispatcher.closed).toBe(false);
    await dispatcher.close();
    await end();
  });

  it.runIf('stats' in Agent.prototype).each(kinds)('%s: stats', async (kind) => {
    const { dispatcher, end } = await make(kind);
    expect(dispatcher.stats).toEqual({});
    await (await request(bank.url, { dispatcher })).body.dump();
    expect(dispatcher.stats).toMatchObject({ [bank.url]: { connected: 1, running: 0 } });
    await dispatcher.close();
    await end();
  });

  it.runIf('webSocketOptions' in Agent.prototype).each(kinds)('%s: limits of a WebSocket', async (kind) => {
    const { dispatcher, end } = await make(kind, { webSocket: { maxPayloadSize: 1000 } });
    const byDefault = await make(kind);
    expect(byDefault.dispatcher.webSocketOptions).toEqual((new Agent() as unknown as Full).webSocketOptions);
    expect(dispatcher.webSocketOptions).toMatchObject({ maxPayloadSize: 1000 });
    bank.servers[0]!.on('upgrade', ({ headers }: IncomingMessage, socket: TLSSocket) => {
      const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
      const accept = createHash('sha1').update(key).digest('base64');
      const lines = ['connection: upgrade', 'upgrade: websocket', `sec-websocket-accept: ${accept}`];
      socket.on('error', () => {});
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      socket.write(Buffer.concat([Buffer.from([0x82, 126, 2000 >> 8, 2000 & 255]), Buffer.alloc(2000)]));
    });
    const websocket = new undici.WebSocket(bank.url.replace('https:', 'wss:'), { dispatcher });
    const heard: string[] = [];
    websocket.onmessage = () => heard.push('message');
    await new Promise((resolve) => {
      websocket.onclose = resolve;
    });
    expect(heard).toEqual([]);
    await Promise.all([dispatcher.destroy(), byDefault.dispatcher.destroy()]);
    await Promise.all([end(), byDefault.end()]);
  });

  // undici 8 asks for handlers of the newer kind.
  it.runIf(manifest.version.startsWith('7.')).each(kinds)(
    '%s: a handler that undici 6 had for a connection that it takes over',
    async (kind) => {
      const { dispatcher, end } = await make(kind);
      const seen: string[] = [];
      bank.servers[0]!.on('upgrade', (_: IncomingMessage, socket: TLSSocket) => {
        seen.push(String(socket.getPeerCertificate().subject?.CN ?? 'nobody'));
        socket.on('error', () => {});
        socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n');
      });
      const status = await new Promise((resolve, reject) => {
        const handler = {
          onConnect() {},
          onUpgrade(code: number, _: Buffer[], socket: TLSSocket) {
            socket.on('error', () => {}).destroy();
            resolve(code);
          },
          onError: reject,
        };
        const options = { origin: bank.url, path: '/', method: 'GET', upgrade: 'x' } as const;
        dispatcher.dispatch(options, handler as object);
      });
      expect([status, ...seen]).toEqual([101, kind === 'Agent' ? 'nobody' : 'alice']);
      await dispatcher.destroy();
      await end();
    },
  );

  it.each(kinds)('%s: a blocked event loop is not the server’s fault', async (kind) => {
    const { dispatcher, end } = await make(kind, { connectTimeout: 1000 });
    const sent = request(bank.url, { dispatcher });
    // The connection is begun by now; its answers wait in the kernel.
    setImmediate(() => {
      for (const start = Date.now(); Date.now() - start < 1500; );
    });
    await (await sent).body.dump();
    await dispatcher.close();
    await end();
  });

  it.each(kinds)('%s: a server that never answers', async (kind) => {
    const { deaf, port } = await startDeaf();
    const credentials = await load(people, { ...bank, port });
    const connect = { ca: people.authority.certificate, timeout: 300 };
    const dispatcher =
      kind === 'Agent'
        ? new Agent({ connect })
        : createDispatcher(credentials, { connect: { timeout: 300 } });
    const sent = request(`https://localhost:${port}`, { dispatcher });
    const error: unknown = await sent.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(errors.ConnectTimeoutError);
    expect(error).toMatchObject({ code: 'UND_ERR_CONNECT_TIMEOUT' });
    await dispatcher.destroy();
    await credentials.close();
    await new Promise((resolve) => deaf.close(resolve));
  });

  const endsConnecting = manifest.version.localeCompare('8.13.0', undefined, { numeric: true }) >= 0;
  it.runIf(endsConnecting).each(kinds)(
    '%s: what is being connected for nobody any more is ended',
    async (kind) => {
      const { deaf, port, sockets } = await startDeaf();
      const credentials = await load(people, { ...bank, port });
      const options = { connections: 1, connectTimeout: 0 };
      const dispatcher = kind === 'Agent' ? new Agent(options) : createDispatcher(credentials, options);
      const wanted = new AbortController();
      const sent = request(`https://localhost:${port}`, { dispatcher, signal: wanted.signal });
      sent.catch(() => {});
      await expect.poll(() => sockets.size).toBe(1);
      wanted.abort();
      await expect(sent).rejects.toThrow();
      await expect.poll(() => sockets.size).toBe(0);
      await dispatcher.destroy();
      await credentials.close();
      await new Promise((resolve) => deaf.close(resolve));
    },
  );
});

it('connect: { servername } is what the server is asked for and has to prove, but for the rule’s own', async () => {
  const authority = await createAuthority();
  await using server = await startServer({ authority, host: 'localhost', hosts: ['api.bank.example'] });
  const alice = await authority.issue({ name: 'alice' });
  await using credentials = await loadCredentials({
    certificates: { alice: { cert: alice.fullChain, key: alice.key, ca: authority.certificate } },
    hosts: { [`localhost:${server.port}`]: 'alice' },
  });
  for (const servername of ['api.bank.example', 'elsewhere.example']) {
    const dispatcher = createDispatcher(credentials, { connect: { servername } });
    const call = request(server.url, { dispatcher });
    if (servername === 'elsewhere.example') await expect(call).rejects.toThrow(/altnames/);
    else await (await call).body.dump();
    await dispatcher.destroy();
  }
  expect(server.requests.map(({ servername }) => servername)).toEqual(['api.bank.example']);
});

describe('attack: files that stop the process', () => {
  // Runs into an uncaught error, which ends the test run, where nobody listens.
  it.each(['upgrade', 'connect'] as const)('a server that resets after %s ends no process', async (how) => {
    await using plain = await startServer({
      authority: people.authority,
      host: 'localhost',
      clientCertificate: 'optional',
    });
    await using credentials = await load(people, plain);
    plain.servers[0]!.on(how, (_: IncomingMessage, socket: TLSSocket) => {
      socket.on('error', () => {});
      const line =
        how === 'upgrade' ? '101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x' : '200 OK';
      socket.write(`HTTP/1.1 ${line}\r\n\r\n`, () => setTimeout(() => reset(socket), 20));
    });
    const dispatcher = createDispatcher(credentials, { allowH2: false });
    const uncaught: unknown[] = [];
    const listen = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', listen);
    const { socket } =
      how === 'upgrade'
        ? await undici.upgrade(plain.url, { dispatcher, protocol: 'x' })
        : await undici.connect(plain.url, { dispatcher });
    await new Promise((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('uncaughtException', listen);
    expect(uncaught).toEqual([]);
    await dispatcher.destroy();
  });

  it('a listener that destroys the pool it was handed makes no rejection that nobody handles', async () => {
    await using plain = await startServer({ authority: people.authority, host: 'localhost' });
    const credentials = await load(people, plain);
    const dispatcher = createDispatcher(credentials);
    const pools: undici.Dispatcher[] = [];
    dispatcher.on('connect', (_, targets) => pools.push(...targets.slice(1)));
    await (await undici.request(plain.url, { dispatcher })).body.text();
    expect(pools.length).toBeGreaterThan(0);
    await Promise.all(pools.map((pool) => pool.destroy()));
    await credentials.close();
    await dispatcher.close();
  });

  it.each([true, false])(
    'a server that does not ask for a required certificate, allowH2: %s',
    async (allowH2) => {
      await using silent = await startBank(people, { clientCertificate: 'none', http2: true });
      await using credentials = await load(people, silent, {
        certificate: 'alice',
        required: true,
        ca: people.authority.certificate,
      });
      const dispatcher = createDispatcher(credentials, { allowH2 });
      const sent = ['/a', '/b', '/c'].map((path) => codesOf(request(silent.url + path, { dispatcher })));
      expect(await Promise.all(sent)).toEqual(Array(3).fill(['ERR_CLIENTCERT_NOT_REQUESTED']));
      expect(silent.requests).toEqual([]);
      await dispatcher.destroy();
    },
  );
});

describe('what is being connected when it ends', () => {
  it.each(['close', 'destroy', 'reload', 'credentials'] as const)('%s leaves nothing open', async (how) => {
    const { deaf, port, sockets } = await startDeaf();
    const credentials = await load(people, { ...bank, port });
    // A request that waits for a connection is waited for, unless it is to be destroyed.
    const connectTimeout = how === 'destroy' ? 0 : 1000;
    const dispatcher = createDispatcher(credentials, { allowH2: false, connectTimeout });
    const sent = codesOf(request(`https://localhost:${port}`, { dispatcher }));
    await expect.poll(() => sockets.size).toBe(1);
    if (how === 'reload') await credentials.reload({ certificates: {}, hosts: {} });
    else if (how === 'credentials') await credentials.close();
    else await dispatcher[how]();
    await expect.poll(() => sockets.size).toBe(0);
    expect(await sent).toContain(how === 'destroy' ? 'UND_ERR_DESTROYED' : 'UND_ERR_CONNECT_TIMEOUT');
    await dispatcher.destroy();
    await credentials.close();
    await new Promise((resolve) => deaf.close(resolve));
    expect(subjects(bank)).toEqual([]);
  });
});

function reset(socket: TLSSocket): void {
  const { _parent: tcp } = socket as unknown as { _parent?: { resetAndDestroy(): void } };
  if (tcp) tcp.resetAndDestroy();
  else (socket as unknown as { resetAndDestroy(): void }).resetAndDestroy();
}

/** A server that accepts connections, and begins no TLS on them. */
async function startDeaf() {
  const sockets = new Set<unknown>();
  const deaf = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    socket.resume();
  }).listen(0, 'localhost');
  await once(deaf, 'listening');
  const { port } = deaf.address() as AddressInfo;
  return { deaf, port, sockets };
}
