import type { ConnectionProfile } from '../tls/profile.ts';

/**
 * TLS sessions to resume, one per pool; the one stored longest ago is dropped first.
 *
 * Kept in a private field, because a serialised session holds its master secret, and `https.Agent` keeps
 * its own where `util.inspect` and `JSON.stringify` find them. A session of a retired profile is neither
 * given out nor taken: tickets still arrive on connections that are finishing.
 */
export class SessionCache {
  readonly #sessions = new Map<string, { session: Buffer; profile: ConnectionProfile }>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(pool: string): Buffer | undefined {
    const known = this.#sessions.get(pool);
    return known?.profile.retired ? undefined : known?.session;
  }

  set(pool: string, session: Buffer, profile: ConnectionProfile): void {
    if (this.#capacity === 0 || profile.retired) return;
    this.#sessions.delete(pool);
    const [oldest] = this.#sessions.keys();
    if (oldest !== undefined && this.#sessions.size >= this.#capacity) this.#sessions.delete(oldest);
    this.#sessions.set(pool, { session, profile });
  }

  delete(pool: string): void {
    this.#sessions.delete(pool);
  }

  /** Forgets the sessions of retired profiles. */
  prune(): void {
    for (const [pool, { profile }] of this.#sessions) if (profile.retired) this.#sessions.delete(pool);
  }
}
