import { executionAsyncResource } from 'node:async_hooks';
import { channel } from 'node:diagnostics_channel';
import type { TLSSocket } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import { normaliseHost } from '../pin/host.ts';
import type { CheckServerIdentity, ConnectionProfile, SecureContexts } from '../tls/profile.ts';
import type { Resolution } from '../types.ts';

/** What one finished TLS handshake was, as its `handshake` event and `clientcert:handshake` message say it. */
export interface Handshake {
  /** The server, without brackets: a name, or an address where that was dialled. */
  host: string;
  /** From 1 to 65535. */
  port: number;
  /** The rule that decided, as its place in the config. */
  rule: string;
  /** The TLS version, e.g. `TLSv1.3`. */
  protocol: string | null;
  /** Whether the server asked for a certificate; `null` below TLS 1.2, where Node cannot tell, and on Bun and Deno. */
  requested: boolean | null;
  /** What was sent: the certificate's name in the config and its SHA-256 fingerprint; `null` for none. */
  presented: { name: string; version: number; fingerprint256: string } | null;
  /** Whether an earlier session was resumed; what was asked for and sent then still holds. */
  resumed: boolean;
}

/** A connection that failed before TLS was up, or that the server ended with a TLS alert afterwards. */
export interface HandshakeFailure {
  /** The server, without brackets: a name, or an address where that was dialled. */
  host: string;
  /** From 1 to 65535. */
  port: number;
  /** The rule that decided, as its place in the config. */
  rule: string;
  /** Node's code of the error, e.g. `ECONNREFUSED`, `EPROTO`. */
  code: string | null;
  /** The number of the alert that the server sent (RFC 8446, section 6), or `null` for none. */
  alert: number | null;
  /** What was sent, or would have been if the server had asked; `null` for none. */
  presented: { name: string; version: number; fingerprint256: string } | null;
  /** What to write instead, where the host is pinned for another port alone. */
  hint?: string | undefined;
}

/** What is known of a connection that failed. */
export interface FailedConnection {
  readonly host: string;
  readonly port: number;
  readonly resolution: Resolution;
  /** The proxy in between, without its password. */
  readonly proxy: string | null;
  /** `null` where the handshake did not come so far. */
  readonly protocol: string | null;
  readonly requested: boolean | null;
  readonly presented: boolean;
  readonly resumed: boolean;
  /** Whether the server had sent anything of its own on it, and so taken what was presented. */
  readonly answered: boolean;
}

/** Who is told of connections. */
export interface Observer {
  /** @param answered Whether the server has sent anything on that connection since; `false` once it is gone. */
  handshake(handshake: Handshake, answered: () => boolean): void;
  failure(failure: HandshakeFailure): void;
  /** Told after `failure` of the alerts that a verified server sent after the handshake, and nobody else can have. */
  refused(failure: HandshakeFailure): void;
  /** Told of each error of a connection, with what was seen of it, before anybody else is. */
  explain(error: Error, connection: FailedConnection): void;
  /** Whether it is of interest that a server accepts this; asked for each new connection. */
  awaits(presented: NonNullable<Handshake['presented']>): boolean;
  /** A server has accepted what was presented. */
  accepted(presented: NonNullable<Handshake['presented']>): void;
}

/** What holds for a session and is not seen again when it is resumed. */
export interface Attestation {
  readonly requested: boolean | null;
  readonly presented: Handshake['presented'];
}

const diagnostics = channel('clientcert:handshake');

/**
 * Reads what the handshake was, or is. To be called up to `secureConnect`: in or after `close`, Node 20 crashes in
 * `getSharedSigalgs`.
 *
 * @param earlier What was read when the resumed session was made.
 */
export function attest(
  socket: Partial<TLSSocket>,
  contexts: SecureContexts,
  earlier?: Attestation,
): Attestation {
  if (earlier && socket.isSessionReused?.()) return earlier;
  const protocol = socket.getProtocol?.();
  const algorithms = sharedAlgorithms(socket);
  if ((protocol !== 'TLSv1.3' && protocol !== 'TLSv1.2') || !algorithms) {
    return { requested: null, presented: contexts.presented };
  }
  const requested = algorithms.length > 0;
  const sent = requested && contexts.canSignWith(algorithms, protocol);
  return { requested, presented: sent ? contexts.presented : null };
}

/**
 * Filled from the server's CertificateRequest, and only from that; `undefined` where that is not known: Deno's sockets
 * do not say it, and Bun's always say none.
 */
function sharedAlgorithms(socket: Partial<TLSSocket>): string[] | undefined {
  return process.versions.bun === undefined ? socket.getSharedSigalgs?.() : undefined;
}

/** Tells whoever listens. */
export function publish(
  handshake: () => Handshake,
  listener: ((handshake: Handshake) => void) | undefined,
): void {
  if (!listener && !diagnostics.hasSubscribers) return;
  const message = handshake();
  listener?.(message);
  if (diagnostics.hasSubscribers) diagnostics.publish(message);
}

/**
 * `checkServerIdentity` for a rule with `required: true`: it also refuses a server that did not ask for the
 * certificate, or takes none with such a key. Here Node refuses before it hands the connection to anybody; destroyed
 * in `secureConnect`, it takes the process with it where HTTP/2 waits for that event as well. A session is resumed
 * without coming here: it was made by a handshake that did.
 *
 * @param socketOf The connection that is checked.
 */
export function requireRequest(
  profile: ConnectionProfile,
  port: number,
  check: CheckServerIdentity,
  socketOf: () => Partial<TLSSocket> = ofHandshakeUnderWay,
): CheckServerIdentity {
  if (!profile.resolution.required) return check;
  return (host, certificate) =>
    check(host, certificate) || refusal(profile, attest(socketOf(), profile.contexts), host, port);
}

/**
 * The same once the handshake is over, at a server that need not be verified: Node does not check its name, and so comes
 * not where others are refused.
 */
export function refuseUnverified(
  profile: ConnectionProfile,
  attestation: Attestation,
  host: string,
  port: number,
): ClientCertificateError | undefined {
  const { acceptsAnyServer, required } = profile.resolution;
  return acceptsAnyServer && required ? refusal(profile, attestation, host, port) : undefined;
}

/** The error of a rule with `required: true`; `undefined` where the server is presented with the certificate. */
function refusal(
  { resolution: { rule, certificate } }: ConnectionProfile,
  { requested, presented }: Attestation,
  host: string,
  port: number,
): ClientCertificateError | undefined {
  if (requested) return presented ? undefined : notTaken(host, port, rule, certificate!);
  if (requested === false) return notRequested(host, port, rule);
  const untold = `whether ${host}:${port} asked for the client certificate that this rule requires`;
  return 'bun' in process.versions || 'deno' in process.versions
    ? new ClientCertificateError(
        'ERR_CLIENTCERT_RUNTIME_UNSUPPORTED',
        `${rule}: this runtime does not tell ${untold}`,
        { hint: 'Leave `required` out here, or run this on Node.' },
      )
    : new ClientCertificateError('ERR_CLIENTCERT_NOT_REQUESTED', `${rule}: Node does not tell ${untold}`, {
        hint: 'It tells it over TLS 1.2 and 1.3: leave `required` out for a server that speaks neither.',
      });
}

/**
 * For those who connect by themselves, and hand us no socket: Node calls `checkServerIdentity` on behalf of the TLS
 * connection. Where it should not be found, nothing is known, and the server is refused.
 *
 * @see https://nodejs.org/api/async_hooks.html#async_hooksexecutionasyncresource
 */
function ofHandshakeUnderWay(): Partial<TLSSocket> {
  return (executionAsyncResource() ?? {}) as Partial<TLSSocket>;
}

/** The error of a rule with `required: true` whose server did not ask for the certificate. */
function notRequested(host: string, port: number, rule: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_NOT_REQUESTED',
    `${rule}: ${host}:${port} did not ask for the client certificate that this rule requires`,
    { hint: 'Is it the right host and port? Many gateways ask for it on a port of its own.' },
  );
}

/** OpenSSL answers such a request with no certificate, and says nothing. */
function notTaken(host: string, port: number, rule: string, certificate: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_NOT_REQUESTED',
    `${rule}: ${host}:${port} asked for client certificates, and takes no signature that the key of "${certificate}" can make: it would see none`,
    { hint: 'Have the certificate issued for a key of another kind; servers that take no other take RSA.' },
  );
}

interface LastHandshake {
  readonly handshake: Handshake;
  readonly answered: () => boolean;
}

/** The last handshake with each place, for explaining what fails after it; the one longest ago is forgotten first. */
export class LastHandshakes {
  readonly #known = new Map<string, LastHandshake>();

  set(handshake: Handshake, answered: () => boolean): void {
    const key = keyOf(handshake.host, handshake.port);
    this.#known.delete(key);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= maxPlaces) this.#known.delete(oldest);
    this.#known.set(key, { handshake, answered });
  }

  get(host: string, port: number): LastHandshake | undefined {
    return this.#known.get(keyOf(host, port));
  }
}

function keyOf(host: string, port: number): string {
  return `${normaliseHost(host) ?? host}:${port}`;
}

const maxPlaces = 1000;
