import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp2, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { encode } from './agent.ts';
import { agent, domain, hurry, load, startEach } from './scene.ts';

startEach();
afterEach(() => vi.restoreAllMocks());

/** Where a server listens, for as long as the test lasts. */
async function listen(server: Server | ReturnType<typeof createHttp2>) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.dispose]: () => void server.close(),
  };
}

describe('what is no agent', () => {
  it('takes connections, and says nothing', async () => {
    const server = createServer((socket) => socket.on('error', () => {}));
    using place = await listen(server);
    await expect(load({ address: place.address })).rejects.toMatchObject({
      message: expect.stringMatching(/the Workload API at tcp:\/\/127.0.0.1:\d+ does not answer/),
    });
  });

  it.each<[string, (stream: ServerHttp2Stream) => void, RegExp]>([
    [
      'speaks HTTP alone',
      (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'text/html' });
        stream.end('<html>');
      },
      /not gRPC/,
    ],
    ['compresses', (stream) => answer(stream, Buffer.from([1, 0, 0, 0, 1, 0])), /compressed/],
    [
      'promises four gigabytes',
      (stream) => answer(stream, Buffer.from([0, 0xff, 0xff, 0xff, 0xff])),
      /4 MiB/,
    ],
    ['resets the call', (stream) => stream.close(2), /has ended the connection/],
  ])('%s', async (_, handle, message) => {
    const server = createHttp2().on('stream', (stream) => {
      stream.on('error', () => {});
      handle(stream);
    });
    using place = await listen(server);
    hurry();
    await expect(load({ address: place.address })).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
  });

  it('speaks HTTP/1.1', async () => {
    using place = await listen(createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')));
    hurry();
    await expect(load({ address: place.address })).rejects.toMatchObject({
      message: expect.stringMatching(/the Workload API at tcp:/),
    });
  });
});

function answer(stream: ServerHttp2Stream, bytes: Buffer): void {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
  stream.write(bytes);
}

it('takes a message that comes in pieces', async () => {
  const message = encode({ svids: [await domain.issue('/payments')] });
  const frame = Buffer.concat([
    Buffer.from([0]),
    length(message),
    message,
    Buffer.from([0]),
    length(message),
    message,
  ]);
  const server = createHttp2().on('stream', async (stream) => {
    stream.on('error', () => {});
    answer(stream, frame.subarray(0, 3));
    for (let at = 3; at < frame.length; at += 100) {
      stream.write(frame.subarray(at, at + 100));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
  using place = await listen(server);
  await using credentials = await load({ address: place.address });
  expect(credentials.certificates()[0]!.version).toBe(1);
});

function length(message: Buffer): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(message.length);
  return bytes;
}

describe('a process', () => {
  const root = fileURLToPath(new URL('../../..', import.meta.url));

  it.each([
    ['closes', 'await credentials.close();'],
    ['closes nothing', ''],
    ['is refused', ''],
  ])('exits by itself where it %s', async (what, end) => {
    await promisify(execFile)(process.execPath, [join(root, 'scripts/ready.mjs'), '--built']);
    const folder = await mkdtemp(join(root, 'node_modules/.spiffe-'));
    try {
      const program = join(folder, 'app.mjs');
      await writeFile(
        program,
        `
import { fromWorkloadApi, loadCredentials } from '@clientcert/spiffe';
const certificates = { workload: fromWorkloadApi(${what === 'is refused' ? "{ hint: 'none' }" : ''}) };
try {
  const credentials = await loadCredentials({ certificates, hosts: { 'a.example': 'workload' } });
  console.log(credentials.certificates()[0].name);
  ${end}
} catch (error) {
  console.log(error.message);
}
`,
      );
      const env = { ...process.env, SPIFFE_ENDPOINT_SOCKET: agent.address };
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], {
        env,
        timeout: 60_000,
      });
      expect(stdout).toMatch(what === 'is refused' ? /has the hint "none"/ : /^workload\n$/);
      expect(stderr).toBe('');
      await expect.poll(() => agent.open).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
