import { EventEmitter, errorMonitor } from 'node:events';
import type { Handshake, HandshakeFailure } from './agent/handshake.ts';
import type { ClientCertificateError } from './errors.ts';
import type { Expired, Expiring } from './rotate/expiry.ts';
import type { Warning } from './types.ts';

/** A certificate was replaced; from now on every new connection presents the new one. */
export interface Rotation {
  name: string;
  /** SHA-256 fingerprints. */
  previous: string;
  current: string;
  /** The number of the new version. */
  version: number;
}

/** A renewed certificate was refused by a server before any had accepted it, and the one before is back. */
export interface Rollback {
  name: string;
  /** SHA-256 fingerprints. */
  refused: string;
  restored: string;
  version: number;
  /** Where it was refused, and the number of the TLS alert. */
  host: string;
  port: number;
  alert: number;
}

/** A warning, and the certificate it is about. */
export interface CredentialsWarning extends Warning {
  certificate?: string | undefined;
}

/** What `Credentials` tells while it is in use, with the arguments of its listeners. */
export interface CredentialsEvents {
  handshake: [Handshake];
  failure: [HandshakeFailure];
  rotate: [Rotation];
  rollback: [Rollback];
  expiring: [Expiring];
  expired: [Expired];
  warning: [CredentialsWarning];
  /** What failed, and of which certificate (for other roots: of which rule). */
  error: [Error, { name: string }];
  /** The same, for those who watch and do not deal with it: without a listener for `error` it is still a process warning. */
  [errorMonitor]: [Error, { name: string }];
}

/**
 * Tells listeners. One that throws fails by itself, as an uncaught exception, and leaves what is under way and
 * the other listeners alone; an `error` that nobody listens to becomes a process warning.
 */
export class Events {
  readonly #emitter = new EventEmitter();

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
      if (this.#emitter.listenerCount('error') === 0) warn(args[0] as Error);
    }
    this.#tell(event, args);
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

function warn(error: Error): void {
  const { message, hint = '', code = '', cause } = error as Partial<ClientCertificateError> & Error;
  process.emitWarning(hint ? `${message}. ${hint}` : message, {
    type: 'ClientCertificateWarning',
    code,
    ...(cause instanceof Error && { detail: `${cause}` }),
  });
}
