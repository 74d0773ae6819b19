import type { HandshakeFailure } from '../agent/handshake.ts';
import type { CertificateVersion } from '../tls/context.ts';
import { isValid } from './judge.ts';

/** What was presented on a connection. */
type Presented = NonNullable<HandshakeFailure['presented']>;

/**
 * Alerts with which a server refuses the certificate itself (RFC 8446, section 6.2): bad, unsupported, revoked,
 * expired and unknown certificate, unknown authority, access denied, certificate required. What may have other
 * causes, such as 40 (handshake failure), is not among them.
 */
const refusals: ReadonlySet<number | null> = new Set([42, 43, 44, 45, 46, 48, 49, 116]);

/** Renewed certificates that no server has accepted yet, each with the one that it replaced. */
export class Probation {
  readonly #awaiting = new Map<string, { version: number; previous: CertificateVersion }>();
  readonly #refused = new Map<string, string>();

  begin({ name, version }: CertificateVersion, previous: CertificateVersion): void {
    this.#awaiting.set(name, { version, previous });
    this.#refused.delete(name);
  }

  awaits({ name, version }: Presented): boolean {
    return this.#awaiting.get(name)?.version === version;
  }

  accepted(presented: Presented): void {
    if (this.awaits(presented)) this.#awaiting.delete(presented.name);
  }

  /** The certificate to go back to after a refusal, where there is one that is still valid. */
  refused({ alert, presented }: HandshakeFailure): CertificateVersion | undefined {
    if (!presented || !refusals.has(alert) || !this.awaits(presented)) return undefined;
    const { previous } = this.#awaiting.get(presented.name)!;
    if (!isValid(previous.material, Date.now())) return undefined;
    this.#awaiting.delete(presented.name);
    this.#refused.set(presented.name, presented.fingerprint256);
    return previous;
  }

  /** The fingerprint of the certificate that was taken back; it is not taken again. */
  refusedOf(name: string): string | undefined {
    return this.#refused.get(name);
  }

  forget(name: string): void {
    this.#awaiting.delete(name);
    this.#refused.delete(name);
  }
}
