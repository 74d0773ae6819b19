import { EventEmitter, errorMonitor } from 'node:events';
import type { Handshake, HandshakeFailure } from '../agent/handshake.ts';
import type { ClientCertificateError } from '../errors.ts';
import { type Expired, type Expiring, quoteName } from '../rotate/expiry.ts';
import type { Warning } from '../types.ts';

/** A certificate was replaced; from now on every new connection sends the new one. */
export interface Rotation {
  /** Its name in the config. */
  name: string;
  /** SHA-256 fingerprint of the one before: hexadecimal pairs in upper case, joined by colons. */
  previous: string;
  /** SHA-256 fingerprint of the new one. */
  current: string;
  /** The number of the new version. */
  version: number;
}

/** A renewed certificate was refused by a server before any had accepted it, and the one before is back. */
export interface Rollback {
  /** Its name in the config. */
  name: string;
  /** SHA-256 fingerprint of the renewed one: hexadecimal pairs in upper case, joined by colons. */
  refused: string;
  /** SHA-256 fingerprint of the one that is back in use. */
  restored: string;
  /** The number that it has now: one more than that of the refused. */
  version: number;
  /** The server that refused it. */
  host: string;
  /** From 1 to 65535. */
  port: number;
  /** The number of the TLS alert with which the server refused it (RFC 8446, section 6). */
  alert: number;
}

/** A warning, and the certificate it is about. */
export interface CredentialsWarning extends Warning {
  /** Its name in the config; absent where it is about none. */
  certificate?: string | undefined;
}

/** What `Credentials` tells while it is in use, with the arguments of its listeners. */
export interface CredentialsEvents {
  /** A TLS handshake was finished. */
  handshake: [Handshake];
  /** A connection failed before TLS was up, or the server ended it with a TLS alert. */
  failure: [HandshakeFailure];
  /** A certificate was renewed. */
  rotate: [Rotation];
  /** A renewed certificate was refused by a server, and the one before is back. */
  rollback: [Rollback];
  /** A certificate is about to expire; once for each threshold. */
  expiring: [Expiring];
  /** A certificate has expired; once. */
  expired: [Expired];
  /** Something that stops nothing, and that its owner should know. */
  warning: [CredentialsWarning];
  /** What failed, and of which certificate (for other roots: of which rule). */
  error: [ClientCertificateError, { name: string }];
  /** The same, for those who watch and do not deal with it: without a listener for `error` it is still a process warning. */
  [errorMonitor]: [ClientCertificateError, { name: string }];
}

/**
 * Tells listeners. One that throws fails by itself, as an uncaught exception, and leaves what is under way and
 * the other listeners alone. An `error` or a `warning` that nobody listens to becomes a process warning; of
 * warnings, one for each certificate, and of one that repeats itself no second, unless a thousand others came between.
 */
export class Events {
  readonly #emitter = new EventEmitter();
  /** Warnings that nobody listened to, and when they were brought together. */
  #unheard: CredentialsWarning[] = [];
  readonly #told = new Set<string>();

  on<Event extends keyof CredentialsEvents>(
    event: Event,
    listener: (...args: CredentialsEvents[Event]) => void,
  ): void {
    this.#emitter.on(event, listener);
  }

  off<Event extends keyof CredentialsEvents>(
    event: Event,
    listener: (...args: CredentialsEvents[Event]) => void,
  ): void {
    this.#emitter.off(event, listener);
  }

  emit<Event extends keyof CredentialsEvents>(event: Event, ...args: CredentialsEvents[Event]): void {
    if (event === 'error') {
      this.#tell(errorMonitor, args);
      if (this.#emitter.listenerCount('error') === 0) warn(args[0] as ClientCertificateError);
    }
    const unheard = this.#emitter.listenerCount(event) + this.#emitter.listenerCount('warning') === 0;
    if (unheard && event === 'warning') this.#keep(args[0] as CredentialsWarning);
    if (unheard && event === 'expired') this.#keep(describeEnd('EXPIRED', args[0] as Expired));
    if (unheard && event === 'expiring') this.#keep(describeEnd('EXPIRING', args[0] as Expiring));
    this.#tell(event, args);
  }

  /** Told together with the others of the same certificate, at the end of this turn. */
  #keep(warning: CredentialsWarning): void {
    const { certificate, code, message } = warning;
    if (this.#told.has(message)) return;
    const [oldest] = this.#told;
    if (oldest !== undefined && this.#told.size >= mostTold) this.#told.delete(oldest);
    this.#told.add(message);
    if (
      certificate !== undefined &&
      this.#unheard.some((each) => each.certificate === certificate && each.code === code)
    )
      return;
    this.#unheard.push(warning);
    if (this.#unheard.length === 1) queueMicrotask(() => this.#warnOfUnheard());
  }

  #warnOfUnheard(): void {
    const unheard = this.#unheard;
    this.#unheard = [];
    const bySubject = new Map<string, CredentialsWarning[]>();
    for (const warning of unheard) {
      const { certificate, message } = warning;
      const subject = certificate ?? message;
      bySubject.set(subject, [...(bySubject.get(subject) ?? []), warning]);
    }
    for (const [first, ...others] of bySubject.values()) {
      const prefix = `certificate "${first!.certificate}": `;
      const text = [first!.message, ...others.map(({ message }) => message.replace(prefix, ''))];
      process.emitWarning(text.join('; '), {
        type: 'ClientCertificateWarning',
        code: first!.code,
        detail: "Listen to 'warning' to deal with it yourself: credentials.on('warning', …).",
      });
    }
  }

  #tell(event: string | symbol, args: readonly unknown[]): void {
    for (const listener of this.#emitter.listeners(event)) {
      try {
        listener(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** Hosts stand in some, and whoever names hosts to a process may name any number. */
const mostTold = 1000;

function describeEnd(
  code: 'EXPIRED' | 'EXPIRING',
  { name, role, subject, validTo }: Expired,
): CredentialsWarning {
  const what = role === 'certificate' ? '' : ` the ${role} ${subject}`;
  const verb = code === 'EXPIRED' ? 'expired' : 'expires';
  return {
    code,
    certificate: name,
    message: `${quoteName(name)}:${what} ${verb} on ${validTo.toISOString()}`,
  };
}

function warn({ message, hint, code, cause }: ClientCertificateError): void {
  process.emitWarning(hint !== undefined ? `${message}. ${hint}` : message, {
    type: 'ClientCertificateWarning',
    code,
    ...(cause instanceof Error && { detail: `${cause}` }),
  });
}
