import { connect as connectTcp, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import type { ConnectionProfile } from '../tls/profile.ts';
import { unsaid } from './caller-options.ts';
import { authorityOf, type ConnectAnswer, requestTunnel } from './connect-request.ts';
import { attest, refuseUnverified, requireRequest } from './handshake.ts';

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
 * The road to `host:port` through a proxy: a socket that is `connecting` until the proxy is reached.
 *
 * It exists from the start, so Node counts it against `maxSockets`, and the request's own timeout and abort
 * end it like any other socket. TLS over it starts with its `connect` event, as over TCP, from which `setTimeout` of a
 * request counts; what it writes is held until the proxy has answered, and who ends it before that is not kept waiting.
 *
 * @see RFC 9110, section 9.3.6
 */
export class Tunnel extends Socket {
  override connecting: boolean = true;
  #socket: Socket;
  #isOpen = false;
  #held: Buffer[] = [];

  constructor(proxy: TunnelProxy, host: string, port: number | string) {
    super();
    const { url } = proxy;
    const target = authorityOf(host, port);
    const fail = (reason: string, hint: string, cause?: unknown) =>
      this.destroy(
        new ClientCertificateError(
          'ERR_CLIENTCERT_PROXY_FAILED',
          `proxy ${url.protocol}//${url.host} for ${target}: ${reason}`,
          { hint, cause },
        ),
      );
    const lost = (error: NodeJS.ErrnoException) => {
      if (plain.has(error.code))
        return fail(
          'it does not speak TLS',
          `Write it as http://${url.hostname}:${url.port || 443}. ${whenOverTls}`,
          error,
        );
      fail(error.message, (error instanceof ClientCertificateError && error.hint) || unreachable, error);
    };
    const connected = () =>
      requestTunnel(socket, proxy, target, (answer) => {
        if (typeof answer === 'string') return fail(answer, unreachable);
        if (answer.status < 200 || answer.status >= 300) return fail(...explain(answer, proxy));
        socket.off('error', lost);
        this.#open(answer.rest);
      });
    const socket = dial(proxy, connected);
    socket.on('error', lost);
    socket.once('connect', () => {
      this.connecting = false;
      if (!this.destroyed) this.emit('connect');
    });
    this.#socket = socket;
  }

  override ref(): this {
    this.#socket.ref();
    return this;
  }

  override unref(): this {
    this.#socket.unref();
    return this;
  }

  #open(first: Buffer): void {
    const socket = this.#socket;
    if (first.length > 0) this.push(first);
    socket.on('data', (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    // What TLS has not handed on yet may be all that is left to read: it ends this side after that, and never closes where
    // Node has done so before. TLS itself has taken the option over by now, as it was.
    this.allowHalfOpen = true;
    socket.on('end', () => {
      // What TLS says at its end finds nobody any more. Node makes an error of that, of a socket which nobody may be
      // listening to by then.
      this.write = writeNowhere;
      this.push(null);
    });
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => {
      if (!socket.readableEnded) this.destroy();
    });
    this.#isOpen = true;
    socket.resume();
    for (const chunk of this.#held.splice(0)) socket.write(chunk);
  }

  override _read(): void {
    if (this.#isOpen) this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#isOpen) this.#socket.write(chunk, encoding, done);
    else this.#hold(chunk, done);
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    const all = Buffer.concat(chunks.map(({ chunk }) => chunk));
    if (this.#isOpen) this.#socket.write(all, done);
    else this.#hold(all, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#isOpen) {
      this.#socket.end(() => done());
      return;
    }
    done();
    // As from a server that ends its side as well: TLS, which waits for it, closes.
    this.push(null);
  }

  /** It is no more than what TLS begins with. It counts as written, or TLS would end nothing before the proxy has answered. */
  #hold(chunk: Buffer, done: () => void): void {
    this.#held.push(chunk);
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

function writeNowhere(...written: unknown[]): boolean {
  const done = written.findLast((each) => typeof each === 'function');
  if (done) process.nextTick(done);
  return true;
}

const unreachable = 'Is its address right, and does it run?';

/** What OpenSSL makes of an answer in plain HTTP. */
const plain: ReadonlySet<string | undefined> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_DATA_LENGTH_TOO_LONG',
]);
const whenOverTls = 'With https:, and in the environment without a scheme, it is spoken to over TLS.';

/** Why a proxy refused, and what to do. */
function explain({ status, reason, schemes }: ConnectAnswer, proxy: TunnelProxy): [string, string] {
  const answered = `it answered ${status}${reason && ` ${reason}`}`;
  if (status !== 407) return [answered, refusals[status] ?? 'Its operators know why.'];
  const offer = schemes.length > 0 ? `${answered}; it offers ${schemes.join(', ')}` : answered;
  if (schemes.length > 0 && !schemes.some((scheme) => scheme.toLowerCase() === 'basic')) {
    return [
      offer,
      `clientcert speaks none of these by itself. Write what the proxy takes as "authorization" of the proxy, ask its operators for Basic, or go through a local proxy that speaks ${schemes[0]}.`,
    ];
  }
  const { url, authorization } = proxy;
  const hint =
    authorization === undefined && !url.username && !url.password
      ? 'It wants a user and a password: http://user:password@proxy:port, or "authorization" of the proxy.'
      : 'It does not take the user and password that are written for it.';
  return [offer, hint];
}

const refusals: Readonly<Record<number, string>> = {
  403: 'It does not allow this host or port. Ask its operators.',
  502: 'It could not reach the host.',
  503: 'It could not reach the host.',
  504: 'It could not reach the host in time.',
};

/** What Node would read from `Object.prototype`. */
const inherited = { ...unsaid, socket: undefined, lookup: undefined, servername: undefined };

function dial({ url, profile }: TunnelProxy, connected: () => void): Socket {
  // WHATWG URLs leave out a default port and keep the brackets of IPv6.
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (url.protocol === 'http:') {
    const plain = { ...inherited, host, port: Number(url.port || 80), noDelay: true };
    return connectTcp(plain, connected);
  }
  const port = Number(url.port || 443);
  const pinned = profile?.connectOptions(host);
  const options = { ...inherited, host, port, noDelay: true, ...pinned, ALPNProtocols: ['http/1.1'] };
  if (profile && pinned) {
    const check = pinned.checkServerIdentity;
    options.checkServerIdentity = requireRequest(profile, port, check, () => socket);
  }
  const socket = connectTls(options, () => {
    const error = profile && refuseUnverified(profile, attest(socket, profile.contexts), host, port);
    if (error) socket.destroy(error);
    else connected();
  });
  return socket;
}
