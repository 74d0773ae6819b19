import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttp2, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { untilSaid } from '../../../test/spawned.ts';
import { StreamingCall } from '../src/call.ts';
import { locate } from '../src/options.ts';
import { encode } from './agent.ts';
import { agent, domain, hurry, load, next, passUntil, startBank, startEach } from './scene.ts';

startEach();
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('an agent that says nothing is asked every six minutes, and no longer after close()', async () => {
  let session: ServerHttp2Session;
  let stream: ServerHttp2Stream;
  const pings = vi.fn();
  const server = createHttp2()
    .on('session', (opened) => {
      session = opened.on('ping', pings);
    })
    .on('stream', (opened) => {
      stream = opened;
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
      stream.write(Buffer.from([0, 0, 0, 0, 1, 1]));
    });
  using place = await listen(server);
  const call = new StreamingCall(place.endpoint, '/any', {});
  expect(await call.next()).toEqual(Buffer.from([1]));
  await vi.advanceTimersByTimeAsync(359_000);
  // A message says as much as an answer.
  stream!.write(Buffer.from([0, 0, 0, 0, 1, 2]));
  expect(await call.next()).toEqual(Buffer.from([2]));
  for (let count = 0; count < 10; count++) {
    await vi.advanceTimersByTimeAsync(359_000);
    expect(pings).toHaveBeenCalledTimes(count);
    await vi.advanceTimersByTimeAsync(1000);
    await expect.poll(() => pings.mock.calls.length).toBe(count + 1);
    // Whoever answers this has had the answer to that.
    await promisify((done: () => void) => session.ping(done))();
  }
  expect(place.connections).toBe(1);
  call.close();
  expect(vi.getTimerCount()).toBe(0);
});

it('an agent that answers no longer is told of, and what it said stays; what it says later is taken', async () => {
  using way = await startWay();
  await using bank = await startBank();
  await using credentials = await load({ address: way.address });
  const [error, rotated] = [next(credentials, 'error'), next(credentials, 'rotate')];
  await vi.advanceTimersByTimeAsync(1000);
  way.freeze();
  await vi.advanceTimersByTimeAsync(378_000);
  expect(way.connections).toBe(1);
  await vi.advanceTimersByTimeAsync(2000);
  // It is called anew, and that says nothing either.
  await expect.poll(() => way.connections).toBe(2);
  hurry();
  expect(await passUntil(error)).toMatchObject({
    message: expect.stringMatching(/certificate "bank".*the Workload API at tcp:.* does not answer/),
  });
  expect(credentials.health().reasons.map(({ code }) => code)).toContain('RENEWAL_FAILED');
  await bank.call(credentials);
  vi.restoreAllMocks();
  agent.say({ svids: [await domain.issue('/payments')] });
  way.thaw();
  await passUntil(rotated);
  expect(credentials.health().reasons.map(({ code }) => code)).not.toContain('RENEWAL_FAILED');
  await bank.call(credentials);
  expect(new Set(bank.seen.map(({ fingerprint256 }) => fingerprint256)).size).toBe(2);
});

it.skipIf(process.platform === 'win32')('so is one whose process was stopped', async () => {
  const answer = encode({ svids: [await domain.issue('/payments')] });
  const child = spawn(process.execPath, ['-e', program, answer.toString('base64')], { stdio: 'pipe' });
  try {
    const [, port] = await untilSaid(child, /port (\d+)/);
    const call = new StreamingCall({ host: '127.0.0.1', port: Number(port) }, '/any', {});
    expect(await call.next()).toEqual(answer);
    const ended = call.next();
    ended.catch(() => {});
    child.kill('SIGSTOP');
    await vi.advanceTimersByTimeAsync(379_000);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(1000);
    await expect(ended).rejects.toThrow('does not answer');
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
});

const program = `
const answer = Buffer.from(process.argv[1], 'base64');
const prefix = Buffer.alloc(5);
prefix.writeUInt32BE(answer.length, 1);
const server = require('node:http2').createServer().on('stream', (stream) => {
  stream.on('error', () => {}).respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.write(Buffer.concat([prefix, answer]));
});
server.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
`;

/** A way to the agent of this test that can be held up: whoever connects then is let in, and hears nothing. */
async function startWay() {
  let isFrozen = false;
  const { endpoint } = locate(agent.address);
  const pairs: [Socket, Socket][] = [];
  const hold = (...pair: [Socket, Socket]) => {
    for (const socket of pair) socket[isFrozen ? 'pause' : 'resume']();
  };
  const server = createServer({ pauseOnConnect: true }, (near) => {
    const far = createConnection(endpoint);
    const pair: [Socket, Socket] = [near, far];
    pairs.push(pair);
    near.on('data', (chunk) => far.write(chunk));
    far.on('data', (chunk) => near.write(chunk));
    for (const socket of pair)
      socket
        .on('error', () => {})
        .on('close', () => {
          for (const each of pair) each.destroy();
        });
    hold(...pair);
  });
  const place = await listen(server);
  return Object.assign(place, {
    freeze() {
      isFrozen = true;
      for (const pair of pairs) hold(...pair);
    },
    thaw() {
      isFrozen = false;
      for (const pair of pairs) hold(...pair);
    },
  });
}

/** Where a server listens, for as long as the test lasts. */
async function listen(server: Server | ReturnType<typeof createHttp2>) {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.add(socket.on('close', () => sockets.delete(socket)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `tcp://127.0.0.1:${port}`,
    endpoint: { host: '127.0.0.1', port },
    /** How many came. */
    get connections() {
      return connections;
    },
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
