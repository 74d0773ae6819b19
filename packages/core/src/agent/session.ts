import type { SecureContext } from 'node:tls';
import type { SecureContexts } from '../tls/profile.ts';
import type { Attestation } from './handshake.ts';
/** A serialised TLS session, and what its first handshake was. */
export interface Session {
  readonly ticket: Buffer;
  readonly contexts: SecureContexts;
  /** What it was made in, the one thing it is resumed in. */
  readonly secureContext: SecureContext;
  readonly attestation: Attestation;
}

/**
 * TLS sessions to resume, one per pool; the one stored longest ago is dropped first.
 *
 * Kept in a private field, because a serialised session holds its master secret, and `https.Agent` keeps
 * its own where `util.inspect` and `JSON.stringify` find them. A session of retired contexts is neither
 * given out nor taken: tickets still arrive on connections that are finishing.
 */
export class SessionCache {
  readonly #sessions = new Map<string, Session>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(pool: string, secureContext: SecureContext): Session | undefined {
    const known = this.#sessions.get(pool);
    return known?.contexts.retired || known?.secureContext !== secureContext ? undefined : known;
  }

  set(pool: string, session: Session): void {
    if (this.#capacity === 0 || session.contexts.retired) return;
    this.#sessions.delete(pool);
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size >= this.#capacity) this.#sessions.delete(oldest);
    this.#sessions.set(pool, session);
  }

  delete(pool: string): void {
    this.#sessions.delete(pool);
  }

  /** Forgets the sessions of retired contexts. */
  prune(): void {
    for (const [pool, { contexts }] of this.#sessions) if (contexts.retired) this.#sessions.delete(pool);
  }
}
