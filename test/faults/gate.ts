import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Where the bytes of a connection end, and how. */
export interface Break {
  /** Whose bytes are counted. */
  readonly of: 'client' | 'server';
  readonly after: number;
  readonly unit: 'bytes' | 'records';
  /** `fin` and `rst` close it, `stall` lets nothing more through. */
  readonly how: 'fin' | 'rst' | 'stall';
}

/** A way to a server that can be broken at any point of a handshake. */
export interface Gate extends AsyncDisposable {
  readonly port: number;
  /** What happens to each connection from now on; `undefined` lets everything through. */
  fault: Break | undefined;
  /** How many connections were broken. */
  readonly broken: number;
  /** Sockets of clients that are open. */
  readonly open: number;
}

export async function startGate(target: number): Promise<Gate> {
  const clients = new Set<Socket>();
  let broken = 0;
  let fault: Break | undefined;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const rule = fault;
    const upstream = connect({ port: target, host: 'localhost', allowHalfOpen: true, noDelay: true });
    const pass = { left: true };
    clients.add(client);
    client
      .on('error', () => {})
      .on('close', () => {
        clients.delete(client);
        upstream.destroy();
      });
    upstream.on('error', () => client.destroy()).on('close', () => pass.left && client.end());
    const end = () => {
      broken++;
      if (rule!.how === 'rst') client.resetAndDestroy();
      else if (rule!.how === 'fin') client.end().resume();
      // A client that has left already leaves nothing that stands still.
      else if (client.readableEnded) client.destroy();
      if (rule!.how !== 'stall') upstream.destroy();
    };
    forward(client, upstream, rule?.of === 'client' ? rule : undefined, pass, end);
    forward(upstream, client, rule?.of === 'server' ? rule : undefined, pass, end);
  });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get fault() {
      return fault;
    },
    set fault(value) {
      fault = value;
    },
    get broken() {
      return broken;
    },
    get open() {
      return clients.size;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      server.close();
    },
  };
}

function forward(
  from: Socket,
  to: Socket,
  rule: Break | undefined,
  pass: { left: boolean },
  end: () => void,
): void {
  const limit = rule && createLimit(rule);
  from.on('data', (chunk) => {
    if (!pass.left) return;
    const allowed = limit ? limit(chunk) : undefined;
    to.write(allowed === undefined ? chunk : chunk.subarray(0, allowed));
    if (allowed === undefined) return;
    pass.left = false;
    end();
  });
  from.on('end', () => (pass.left ? to.end() : from.destroy()));
}

/** How many bytes of the next chunk are let through; `undefined` where the end is not in it. */
function createLimit({ after, unit }: Break): (chunk: Buffer) => number | undefined {
  let bytesLeft = unit === 'bytes' ? after : 0;
  let recordsLeft = unit === 'records' ? after : Number.POSITIVE_INFINITY;
  let header: number[] = [];
  let bodyLeft = 0;
  if (unit === 'bytes')
    return (chunk) => {
      if (chunk.length < bytesLeft) {
        bytesLeft -= chunk.length;
        return undefined;
      }
      return bytesLeft;
    };
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (bodyLeft === 0 && header.length === 0 && recordsLeft === 0) return at;
      if (bodyLeft > 0) {
        const step = Math.min(bodyLeft, chunk.length - at);
        bodyLeft -= step;
        at += step;
        if (bodyLeft === 0) recordsLeft--;
        continue;
      }
      header.push(chunk[at++]!);
      if (header.length < 5) continue;
      bodyLeft = (header[3]! << 8) | header[4]!;
      header = [];
    }
    return recordsLeft === 0 && bodyLeft === 0 ? chunk.length : undefined;
  };
}
