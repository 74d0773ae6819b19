import { request } from 'node:http';
import { connect as connectTcp, isIPv6, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import type { ConnectionProfile } from '../tls/profile.ts';

/** A proxy that connections are tunnelled through with CONNECT. */
export interface TunnelProxy {
  /** `http:` or `https:`. A user and password in it are sent as Basic authorization. */
  readonly url: URL;
  /** Value of `Proxy-Authorization`, in place of what the URL carries. */
  readonly authorization?: string | undefined;
  /** What an `https:` proxy is connected to with: its own certificate, never the origin's. */
  readonly profile: ConnectionProfile | null;
}

/** Whether two connections go the same way. */
export function isSameProxy(a: TunnelProxy | null, b: TunnelProxy | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.url.href === b.url.href &&
    a.authorization === b.authorization &&
    a.profile?.contexts === b.profile?.contexts
  );
}

/**
 * The road to `host:port` through a proxy: a socket that is `connecting` until the proxy has answered.
 *
 * It exists from the start, so Node counts it against `maxSockets`, and the request's own timeout and abort
 * end it like any other socket. TLS over it starts with its `connect` event, as over TCP.
 *
 * @see RFC 9110, section 9.3.6
 */
export class Tunnel extends Socket {
  override connecting: boolean = true;
  #socket: Socket;

  constructor(proxy: TunnelProxy, host: string, port: number | string) {
    super({ allowHalfOpen: true });
    this.#socket = dial(proxy);
    const target = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
    const fail = (reason: string, hint: string, cause?: unknown) =>
      this.destroy(
        new ClientCertificateError(
          'ERR_CLIENTCERT_PROXY_FAILED',
          `proxy ${proxy.url.protocol}//${proxy.url.host} for ${target}: ${reason}`,
          { hint, cause },
        ),
      );

    request({
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...authorization(proxy) },
      createConnection: () => this.#socket,
    })
      .on('connect', ({ statusCode = 0, statusMessage }, socket, head) => {
        if (statusCode >= 200 && statusCode < 300) return this.#open(socket, head);
        socket.destroy();
        fail(`it answered ${statusCode} ${statusMessage}`, refusals[statusCode] ?? 'Its operators know why.');
      })
      .on('error', (error) => fail(error.message, 'Is its address right, and does it run?', error))
      .end();
  }

  override ref(): this {
    this.#socket.ref();
    return this;
  }

  override unref(): this {
    this.#socket.unref();
    return this;
  }

  #open(socket: Duplex, head: Buffer): void {
    if (head.length > 0) this.push(head);
    socket.on('data', (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
    this.connecting = false;
    this.emit('connect');
  }

  override _read(): void {
    if (!this.connecting) this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

const refusals: Readonly<Record<number, string>> = {
  403: 'It does not allow this host or port. Ask its operators.',
  407: 'It wants a user and a password: http://user:password@proxy:port, or "authorization" of the proxy.',
  502: 'It could not reach the host.',
  503: 'It could not reach the host.',
  504: 'It could not reach the host in time.',
};

function dial({ url, profile }: TunnelProxy): Socket {
  // WHATWG URLs leave out a default port and keep the brackets of IPv6.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:') return connectTcp({ host, port: Number(url.port || 80) });
  return connectTls({
    host,
    port: Number(url.port || 443),
    ...profile?.connectOptions(host),
    ALPNProtocols: ['http/1.1'],
  });
}

function authorization({ url, authorization }: TunnelProxy): Record<string, string> {
  if (authorization !== undefined) return { 'proxy-authorization': authorization };
  if (!url.username && !url.password) return {};
  const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(user).toString('base64')}` };
}
