import { sign, verify } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type SecureContextOptions, type SecureVersion, TLSSocket, type TLSSocketOptions } from 'node:tls';
import { type Authority, createAuthority, startServer as startReceiver } from '@clientcert/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterOf } from '../../src/adapter.ts';
import { type Credentials, loadCredentials } from '../../src/credentials/credentials.ts';
import { get, sourceOf } from '../support.ts';

let authority: Authority;
beforeAll(async () => {
  authority = await createAuthority();
});

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

/** What anybody on the way can write, who knows no key. */
const WRITTEN = {
  'no record': Buffer.from('no record of TLS'),
  'a plaintext alert': Buffer.from([21, 3, 3, 0, 2, 2, 40]),
  'a record under no key': Buffer.concat([Buffer.from([23, 3, 3, 0, 32]), Buffer.alloc(32, 7)]),
};

describe.each(Object.entries(WRITTEN))('%s behind an answer, in one segment with it', (_, written) => {
  describe('attack: files that stop the process', () => {
    it.each([
      [
        'and the socket is not kept',
        'HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok',
      ],
      ['and there are two answers', `${OK}${OK}`],
      ['and the socket is kept', OK],
    ])('does not reach the process: %s', async (_, answer) => {
      await using place = await startServer(answer, written);
      await using credentials = await load(place.port);
      const agent = credentials.agent();
      const uncaught = await uncaughtDuring(async () => {
        for (let call = 0; call < 3; call++) {
          const { body } = await get(`https://127.0.0.1:${place.port}`, { agent });
          expect(body).toBe('ok');
          await Promise.all(place.closing);
        }
      });
      expect(uncaught).toEqual([]);
    });

    it('ends a connection that a client holds itself', async () => {
      await using place = await startServer('half of it', written);
      await using credentials = await load(place.port);
      const uncaught = await uncaughtDuring(async () => {
        const socket = adapterOf(credentials).connect({ host: '127.0.0.1', port: place.port });
        socket.once('secureConnect', () => socket.resume().write('anything'));
        await once(socket, 'close').catch(() => {});
        expect(socket.destroyed).toBe(true);
        await Promise.all(place.closing);
      });
      expect(uncaught).toEqual([]);
    });
  });
});

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('a record over %s that ends a call', (maxVersion) => {
  it('is nothing that the next message cannot be signed for', async () => {
    const half = 'HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf';
    await using place = await startServer(half, WRITTEN['a record under no key'], maxVersion);
    await using receiver = await startReceiver({ authority });
    await using credentials = await load(place.port, receiver.port);
    const agent = credentials.agent();
    const message = Buffer.from('pay a hundred');
    await get(`https://127.0.0.1:${place.port}`, { agent }).then(
      () => expect.fail('it was answered'),
      () => {},
    );
    const signature = credentials.withSigningKey(receiver.url, ({ privateKey }) =>
      sign('sha256', message, privateKey).toString('base64'),
    );
    await get(receiver.url, { agent, headers: { signature } });
    const [{ headers, clientCertificate }] = receiver.requests as [(typeof receiver.requests)[0]];
    expect(clientCertificate?.commonName).toBe('alice');
    const { publicKey } = credentials.withSigningKey(receiver.url, ({ certificate }) => certificate);
    expect(verify('sha256', message, publicKey, Buffer.from(`${headers.signature}`, 'base64'))).toBe(true);
  });
});

async function load(...ports: number[]): Promise<Credentials> {
  const alice = sourceOf(await authority.issue({ name: 'alice' }), authority);
  const hosts = Object.fromEntries(ports.map((port) => [`127.0.0.1:${port}`, 'alice'] as const));
  return await loadCredentials({ certificates: { alice }, hosts });
}

async function uncaughtDuring(work: () => Promise<void>): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const listen = (error: unknown) => uncaught.push(error);
  process.on('uncaughtException', listen);
  try {
    await work();
  } finally {
    process.off('uncaughtException', listen);
  }
  return uncaught;
}

/** Answers each connection's first request, with something written behind that comes with it. */
async function startServer(answer: string, behind: Buffer, maxVersion?: SecureVersion) {
  const { fullChain: cert, key } = await authority.issue({
    name: 'here',
    hosts: ['127.0.0.1'],
    usage: 'server',
  });
  const closing: Promise<unknown>[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    closing.push(new Promise((resolve) => socket.once('close', resolve)));
    socket.on('error', () => {});
    answerOnce(socket, { cert, key, ca: authority.certificate, maxVersion }, answer, behind);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    closing,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function answerOnce(socket: Socket, identity: SecureContextOptions, answer: string, behind: Buffer): void {
  let held: Buffer[] | undefined;
  const below = new Duplex({
    read() {},
    write(chunk, _, done) {
      if (held) held.push(chunk);
      else socket.write(chunk);
      done();
    },
  });
  socket.on('data', (chunk) => below.push(chunk)).on('end', () => below.push(null));
  const options: TLSSocketOptions = { ...identity, isServer: true, requestCert: true };
  const secure = new TLSSocket(below as Socket, { ...options, rejectUnauthorized: false });
  secure.on('error', () => {});
  secure.once('data', () => {
    held = [];
    secure.write(answer, () => socket.write(Buffer.concat([...held!, behind])));
  });
}
