import { anatomyOf } from '../load/anatomy.ts';
import type { CertificateVersion } from '../tls/context.ts';
import { Timer } from './timer.ts';

/** A certificate that is about to expire. */
export interface Expiring {
  name: string;
  fingerprint256: string;
  validTo: Date;
  /** Whole days until then. */
  daysLeft: number;
  /** The threshold, in days, that it has passed. */
  threshold: number;
}

/** A certificate that has expired. */
export type Expired = Pick<Expiring, 'name' | 'fingerprint256' | 'validTo'>;

export interface ExpiryListener {
  expiring(event: Expiring): void;
  expired(event: Expired): void;
}

/** Tells, once for each certificate and threshold, that its end has come so near. */
export class ExpiryWatch {
  readonly #listener: ExpiryListener;
  readonly #timer = new Timer();
  /** What was told last: of which certificate, and the threshold, 0 days before the end for expired. */
  readonly #told = new Map<string, { fingerprint: string; threshold: number }>();

  constructor(listener: ExpiryListener) {
    this.#listener = listener;
  }

  /**
   * Looks at every certificate now, and again when the next threshold is passed.
   *
   * @param thresholds Days before the end, the largest first.
   */
  watch(certificates: () => Iterable<CertificateVersion>, thresholds: readonly number[]): void {
    const now = Date.now();
    let next = now + longestPause;
    for (const { name, material } of certificates()) {
      const { notAfter } = anatomyOf(material.certificate);
      this.#tell(name, material.certificate.fingerprint256, notAfter, thresholds, now);
      const coming = [...thresholds.map((days) => notAfter - days * day), notAfter].find(
        (time) => time >= now,
      );
      if (coming !== undefined) next = Math.min(next, coming + 1);
    }
    this.#timer.start(next - now, () => this.watch(certificates, thresholds));
  }

  forget(name: string): void {
    this.#told.delete(name);
  }

  close(): void {
    this.#timer.stop();
    this.#told.clear();
  }

  #tell(
    name: string,
    fingerprint: string,
    notAfter: number,
    thresholds: readonly number[],
    now: number,
  ): void {
    const expired = now > notAfter;
    const passed = expired ? -1 : thresholds.findLast((days) => notAfter - now < days * day);
    if (passed === undefined) return;
    const told = this.#told.get(name);
    if (told?.fingerprint === fingerprint && told.threshold <= passed) return;
    this.#told.set(name, { fingerprint, threshold: passed });
    const about = { name, fingerprint256: fingerprint, validTo: new Date(notAfter) };
    if (expired) this.#listener.expired(about);
    else {
      const daysLeft = Math.floor((notAfter - now) / day);
      this.#listener.expiring({ ...about, daysLeft, threshold: passed });
    }
  }
}

const day = 24 * 60 * 60 * 1000;
/** Timers stand still while a machine sleeps, and clocks are set. */
const longestPause = 60 * 60 * 1000;
