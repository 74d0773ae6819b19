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
  readonly #all: () => Iterable<CertificateVersion>;
  readonly #thresholds: () => readonly number[];
  readonly #timer = new Timer();
  #closed = false;
  /** When the next threshold is passed, of all. */
  #due = Number.POSITIVE_INFINITY;
  /** What was told last: of which certificate, and the threshold, -1 for expired. */
  readonly #told = new Map<string, { fingerprint: string; threshold: number }>();

  /** @param thresholds Days before the end, the largest first. */
  constructor(
    listener: ExpiryListener,
    all: () => Iterable<CertificateVersion>,
    thresholds: () => readonly number[],
  ) {
    this.#listener = listener;
    this.#all = all;
    this.#thresholds = thresholds;
  }

  /** Looks at these certificates now, at all unless written, and again at all when the next threshold is passed. */
  look(certificates?: Iterable<CertificateVersion>): void {
    if (this.#closed) return;
    const now = Date.now();
    const thresholds = this.#thresholds();
    this.#due = Math.min(certificates ? this.#due : Number.POSITIVE_INFINITY, now + longestPause);
    for (const { name, material } of certificates ?? this.#all()) {
      const { notAfter } = anatomyOf(material.certificate);
      this.#tell(name, material.certificate.fingerprint256, notAfter, thresholds, now);
      const coming = [...thresholds.map((days) => notAfter - days * day), notAfter].find(
        (time) => time >= now,
      );
      if (coming !== undefined) this.#due = Math.min(this.#due, coming + 1);
    }
    this.#timer.start(this.#due - now, () => this.look());
  }

  forget(name: string): void {
    this.#told.delete(name);
  }

  close(): void {
    this.#closed = true;
    this.#timer.stop();
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
