import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { StreamingCall } from '../src/call.ts';

it('a message that comes byte by byte takes no more room than it has', async () => {
  const size = 600_000;
  const message = Buffer.alloc(5 + size, 7);
  message.writeUIntBE(size, 0, 5);
  using server = await startDripping(message);
  const before = held();
  const call = new StreamingCall(server.endpoint, '/any', {});
  const reading = call.next();
  // All but the last window of the connection was read.
  await server.isSent;
  expect(held() - before).toBeLessThan(size + noise);
  server.finish();
  expect(await reading).toEqual(message.subarray(5));
  call.close();
});

/** Bytes of what is on its way, in this process on both sides. */
const noise = 20_000_000;

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** Bytes in use by now. */
function held(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** A server of HTTP/2 that sends each byte of an answer in a frame of its own, which no library does; the last when told. */
async function startDripping(bytes: Buffer) {
  let sent = () => {};
  const isSent = new Promise<void>((resolve) => {
    sent = resolve;
  });
  let socket: Socket;
  const server = createServer(async (accepted) => {
    socket = accepted.on('error', () => {});
    const updates = updatesOf(socket);
    socket.write(Buffer.concat([frame(types.settings, 0), frame(types.headers, 1, headers, endHeaders)]));
    // What the client has room for: on the connection, and in the call.
    const windows = [65_535, 65_535];
    for (let at = 0; at < bytes.length - 1; ) {
      const end = Math.min(at + Math.min(...windows), bytes.length - 1);
      const frames = Array.from(bytes.subarray(at, end), (byte) => frame(types.data, 1, Buffer.from([byte])));
      socket.write(Buffer.concat(frames));
      windows.forEach((room, stream) => {
        windows[stream] = room - (end - at);
      });
      at = end;
      while (at < bytes.length - 1 && Math.min(...windows) === 0) {
        const { value } = await updates.next();
        if (!value) return;
        windows[value.stream]! += value.size;
      }
    }
    sent();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    isSent,
    finish: () => socket.write(frame(types.data, 1, bytes.subarray(-1))),
    [Symbol.dispose]: () => void server.close(),
  };
}

/** What a client says of how much more it takes; all else is passed over. */
async function* updatesOf(socket: Socket) {
  let rest: Buffer = Buffer.alloc(0);
  let skipped = opening;
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    for (;;) {
      const end = skipped || (rest.length < 9 ? 9 : 9 + rest.readUIntBE(0, 3));
      if (rest.length < end) break;
      if (!skipped && rest[3] === types.windowUpdate)
        yield { stream: rest.readUInt32BE(5), size: rest.readUInt32BE(9) };
      rest = rest.subarray(end);
      skipped = 0;
    }
  }
}

/** Frames of HTTP/2 (RFC 9113, section 6). */
const types = { data: 0, headers: 1, settings: 4, windowUpdate: 8 } as const;
const endHeaders = 4;
/** Bytes that a client begins with (section 3.4). */
const opening = 24;
/** `:status: 200`, and `content-type` (RFC 7541). */
const headers = Buffer.from('\x88\x0f\x10\x10application/grpc', 'latin1');

function frame(type: number, stream: number, payload: Buffer = Buffer.alloc(0), flags = 0): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.set([type, flags], 3);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}
