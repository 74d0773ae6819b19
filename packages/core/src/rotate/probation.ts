import type { HandshakeFailure } from '../agent/handshake.ts';
import type { CertificateVersion } from '../tls/context.ts';
import type { ClientCertificate } from '../types.ts';
import { isValid, presentsSame } from './replacement.ts';

/** What was presented on a connection. */
type Presented = NonNullable<HandshakeFailure['presented']>;

/**
 * Alerts with which a server refuses the certificate itself (RFC 8446, section 6.2): bad, unsupported, revoked,
 * expired and unknown certificate, unknown authority, access denied, certificate required. What may have other
 * causes, such as 40 (handshake failure), is not among them.
 */
const refusals: ReadonlySet<number | null> = new Set([42, 43, 44, 45, 46, 48, 49, 116]);

/** A renewed certificate that no server has accepted yet, and what it goes back to. */
interface Trial {
  readonly next: CertificateVersion;
  readonly previous: CertificateVersion;
}

/** What was taken back, and how many were since a server last accepted a renewed one. */
interface Refusal {
  readonly material: ClientCertificate;
  readonly count: number;
}

/** Renewed certificates on trial, each with the one that it replaced. */
export class Probation {
  readonly #trials = new Map<string, Trial>();
  readonly #refusals = new Map<string, Refusal>();

  begin(next: CertificateVersion, replaced: CertificateVersion): void {
    const { name } = next;
    const trial = this.#trials.get(name);
    // What is replaced may be on trial itself: the way back leads to the last that was not.
    const previous =
      trial?.next === replaced && isValid(trial.previous.material, Date.now()) ? trial.previous : replaced;
    // Roots alone are nothing that a server could refuse.
    if (presentsSame(next.material, previous.material)) this.#trials.delete(name);
    else this.#trials.set(name, { next, previous });
  }

  awaits({ name, version, fingerprint256 }: Presented): boolean {
    const next = this.#trials.get(name)?.next;
    // Versions are counted anew where a config had dropped the name, and connections of before may still stand.
    return next?.version === version && next.material.certificate.fingerprint256 === fingerprint256;
  }

  accepted(presented: Presented): void {
    if (this.awaits(presented)) this.forget(presented.name);
  }

  /** The certificate to go back to after a refusal, where there is one that is still valid. */
  refused({ alert, presented }: HandshakeFailure): CertificateVersion | undefined {
    if (!presented || !refusals.has(alert) || !this.awaits(presented)) return undefined;
    const { name } = presented;
    const { next, previous } = this.#trials.get(name)!;
    if (!isValid(previous.material, Date.now())) return undefined;
    this.#trials.delete(name);
    this.#refusals.set(name, { material: next.material, count: (this.#refusals.get(name)?.count ?? 0) + 1 });
    return previous;
  }

  /** What was taken back last; it is not taken again. */
  refusalOf(name: string): Refusal | undefined {
    return this.#refusals.get(name);
  }

  forget(name: string): void {
    this.#trials.delete(name);
    this.#refusals.delete(name);
  }

  /** None is on trial any more, and what was taken back may be taken again. */
  clear(): void {
    this.#trials.clear();
    this.#refusals.clear();
  }
}
