import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Authority,
  createAuthority,
  type IssuedCertificate,
  startProxy,
  startServer,
  type TestProxy,
} from '../src/index.ts';
import { as, request } from './clients.ts';

let authority: Authority;
let alice: IssuedCertificate;
let proxyClient: IssuedCertificate;
beforeAll(async () => {
  authority = await createAuthority();
  alice = await authority.issue({ name: 'alice' });
  proxyClient = await authority.issue({ name: 'proxy-client' });
});

describe.each([{ tls: false }, { tls: true }])('CONNECT, %o', ({ tls }) => {
  it('tunnels TLS to the target, whose client certificate the proxy never sees', async () => {
    await using server = await startServer({ authority });
    await using proxy = await startProxy({ authority, tls });
    expect(new URL(proxy.url).protocol).toBe(tls ? 'https:' : 'http:');
    const body = Buffer.alloc(1_000_000, 'x').toString();
    const answer = await through(proxy, `${server.url}/echo`, {
      ...as(alice, authority),
      method: 'POST',
      body,
    });
    expect(answer.body).toBe(body);
    expect(server.requests[0]?.clientCertificate?.commonName).toBe('alice');
    expect(proxy.connects).toMatchObject([
      {
        method: 'CONNECT',
        host: '127.0.0.1',
        port: server.port,
        clientCertificate: null,
        connection: 1,
        status: 200,
      },
    ]);
    await expect.poll(() => proxy.connects[0]?.open).toBe(false);
  });

  it('passes on half-close: what comes after the end of one direction still arrives', async () => {
    await using target = await startTcp((socket) => {
      socket.once('end', () => setTimeout(() => socket.end('after your end'), 20));
      socket.resume();
    });
    await using proxy = await startProxy({ authority, tls });
    const socket = await openTunnel(proxy, `127.0.0.1:${target.port}`);
    socket.end('bye');
    expect(await text(socket)).toBe('after your end');
  });

  it('passes on the loss of a connection, in either direction', async () => {
    const accepted: Socket[] = [];
    await using target = await startTcp((socket) => {
      accepted.push(socket.resume().once('end', () => socket.end()));
    });
    await using proxy = await startProxy({ authority, tls });
    const first = await openTunnel(proxy, `127.0.0.1:${target.port}`);
    await expect.poll(() => accepted).toHaveLength(1);
    const lost = closing(first);
    accepted[0]!.resetAndDestroy();
    const error = await lost;
    if (!tls) expect(error).toMatchObject({ code: 'ECONNRESET' });

    const second = await openTunnel(proxy, `127.0.0.1:${target.port}`);
    await expect.poll(() => accepted).toHaveLength(2);
    const gone = closing(accepted[1]!);
    second.destroy();
    await gone;
    await expect.poll(() => proxy.connects.map((seen) => seen.open)).toEqual([false, false]);
  });

  it('answers 502 where nobody listens, 400 to nonsense', async () => {
    await using proxy = await startProxy({ authority, tls });
    const nobody = await startTcp(() => {});
    await nobody[Symbol.asyncDispose]();
    expect((await connectThrough(proxy, `127.0.0.1:${nobody.port}`)).response.statusCode).toBe(502);
    expect((await connectThrough(proxy, '127.0.0.1:99999')).response.statusCode).toBe(400);
    expect(proxy.connects.map(({ status, open }) => [status, open])).toEqual([
      [502, false],
      [400, false],
    ]);
  });

  it('demands credentials', async () => {
    await using server = await startServer({ authority });
    await using proxy = await startProxy({
      authority,
      tls,
      authentication: { username: 'me', password: 'a:b' },
    });
    const target = `127.0.0.1:${server.port}`;
    const basic = (pair: string) => ({
      'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}`,
    });
    for (const headers of [{}, basic('me:wrong'), { 'proxy-authorization': 'Bearer x' }]) {
      const { response } = await connectThrough(proxy, target, headers);
      expect([response.statusCode, response.headers['proxy-authenticate']]).toEqual([
        407,
        'Basic realm="test"',
      ]);
    }
    const { response, socket } = await connectThrough(proxy, target, basic('me:a:b'));
    expect(response.statusCode).toBe(200);
    socket.destroy();
    expect(proxy.connects.map((seen) => seen.status)).toEqual([407, 407, 407, 200]);
    expect(server.connections).toBe(1);
  });

  it.each([99_999, 0, Number.NaN, 407.5])('takes no status that there is none of: %d', async (refuse) => {
    await expect(startProxy({ authority, tls, refuse })).rejects.toThrow(TypeError);
  });

  it('refuses with a fixed status', async () => {
    await using proxy = await startProxy({ authority, tls, refuse: 503 });
    expect((await connectThrough(proxy, 'a.example:443')).response.statusCode).toBe(503);
    expect(proxy.connects).toMatchObject([{ host: 'a.example', port: 443, status: 503 }]);
  });

  it('hangs until it is closed', async () => {
    const proxy = await startProxy({ authority, tls, hang: true });
    const failure = connectThrough(proxy, 'a.example:443').catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    await expect.poll(() => proxy.connects).toMatchObject([{ host: 'a.example', status: null }]);
    await proxy.close();
    expect(await failure).toBe('ECONNRESET');
  });

  it('closes the tunnels that stand', async () => {
    const accepted: Socket[] = [];
    await using target = await startTcp((socket) => {
      accepted.push(socket.resume().once('end', () => socket.end()));
    });
    const proxy = await startProxy({ authority, tls });
    const socket = await openTunnel(proxy, `127.0.0.1:${target.port}`);
    await expect.poll(() => accepted).toHaveLength(1);
    const ends = [closing(socket), closing(accepted[0]!)];
    await proxy.close();
    await Promise.all(ends);
  });
});

it('leads a name to where its server really is', async () => {
  await using server = await startServer({ authority, hosts: ['api.bank.example'] });
  await using proxy = await startProxy({
    route: ({ host }) => (host === 'api.bank.example' ? { host: '127.0.0.1', port: server.port } : undefined),
  });
  await through(proxy, 'https://api.bank.example/accounts', as(alice, authority));
  expect(server.requests[0]).toMatchObject({ servername: 'api.bank.example', path: '/accounts' });
  expect(proxy.connects).toMatchObject([{ host: 'api.bank.example', port: 443 }]);
});

it('asks its own clients for certificates, apart from those of the target', async () => {
  await using server = await startServer({ authority });
  await using proxy = await startProxy({ authority, tls: 'TLSv1.3', clientCertificate: 'required' });
  await expect(openTunnel(proxy, `127.0.0.1:${server.port}`)).rejects.toThrow();
  await expect.poll(() => proxy.refusals[0]?.code).toBe('ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE');
  await through(proxy, server.url, as(alice, authority), proxyClient);
  expect(proxy.connects.map((seen) => seen.clientCertificate?.commonName)).toEqual(['proxy-client']);
  expect(server.requests.map((seen) => seen.clientCertificate?.commonName)).toEqual(['alice']);
  expect(proxy.connections).toBe(2);
});

describe('plain http', () => {
  it('is forwarded, without what was meant for the proxy', async () => {
    await using server = await startServer({ tls: false });
    await using proxy = await startProxy({ authentication: { username: 'me', password: 'secret' } });
    const url = `${server.url}/echo?x=1`;
    const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;
    const options = { path: url, method: 'POST', body: 'hello', headers: { host: new URL(url).host } };
    expect((await request(proxy.url, options)).status).toBe(407);
    const headers = { ...options.headers, 'proxy-authorization': authorization };
    expect(await request(proxy.url, { ...options, headers })).toMatchObject({ status: 200, body: 'hello' });
    expect(server.requests).toMatchObject([{ url, method: 'POST', body: 'hello' }]);
    expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
    expect(proxy.forwards.map((seen) => [seen.url, seen.status])).toEqual([
      [url, 407],
      [url, 200],
    ]);
    expect(proxy.connects).toEqual([]);
  });

  it('gets 502 where nobody listens, 400 for what is no proxy request', async () => {
    await using proxy = await startProxy();
    const nobody = await startTcp(() => {});
    await nobody[Symbol.asyncDispose]();
    expect((await request(proxy.url, { path: `http://127.0.0.1:${nobody.port}/` })).status).toBe(502);
    expect((await request(`${proxy.url}/own`)).status).toBe(400);
    expect((await request(proxy.url, { path: 'https://a.example/' })).status).toBe(400);
  });
});

interface Connected {
  readonly response: http.IncomingMessage;
  readonly socket: Socket;
}

/** Send a CONNECT; resolves with whatever the proxy answers. */
async function connectThrough(
  proxy: TestProxy,
  target: string,
  headers: Record<string, string> = {},
  client?: IssuedCertificate,
): Promise<Connected> {
  const options = { method: 'CONNECT', path: target, headers, agent: false as const };
  // Node 26 checks the proxy's certificate against the target's name where no name is given.
  const outgoing = proxy.url.startsWith('https:')
    ? https.request(proxy.url, { ...options, servername: 'localhost', ...as(client, proxy.authority) })
    : http.request(proxy.url, options);
  outgoing.end();
  const [response, socket] = (await once(outgoing, 'connect')) as [http.IncomingMessage, Socket];
  return { response, socket };
}

async function openTunnel(proxy: TestProxy, target: string, client?: IssuedCertificate): Promise<Socket> {
  const { response, socket } = await connectThrough(proxy, target, {}, client);
  expect(response.statusCode).toBe(200);
  return socket;
}

async function through(
  proxy: TestProxy,
  url: string,
  options: Parameters<typeof request>[1],
  client?: IssuedCertificate,
): ReturnType<typeof request> {
  const { hostname, port } = new URL(url);
  const tunnel = await openTunnel(proxy, `${hostname}:${port || 443}`, client);
  const { ca, cert, key } = options as object as Record<string, string>;
  const servername = /[a-z]/.test(hostname) ? hostname : '';
  const socket = connectTls({ socket: tunnel, host: hostname, servername, ca, cert, key } as object);
  const headers = { connection: 'close' };
  return await request(url, { ...options, agent: undefined, createConnection: () => socket, headers });
}

/** Resolves when a connection is gone, with its error where there was one. */
async function closing(socket: Socket): Promise<Error | undefined> {
  let failure: Error | undefined;
  socket.once('error', (error) => {
    failure = error;
  });
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
  return failure;
}

async function startTcp(accept: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
