import type { X509Certificate } from 'node:crypto';
import { fieldsOf } from '../load/certificate-fields.ts';
import { subjectOf } from '../load/identity.ts';
import { type ExpiryThresholds, type Lifetime, thresholdsOf } from '../load/lifetime.ts';
import { leafFieldsOf } from '../load/stored-certificate.ts';
import type { CertificateVersion } from '../tls/context.ts';
import { Timer } from './timer.ts';

/** What part a certificate has: that of the client, one above it that is sent along, a root that servers are verified by. */
export type CertificateRole = 'certificate' | 'intermediate' | 'root';

/** A certificate that is about to expire. */
export interface Expiring {
  /** The name in the config of the certificate that it came with; for roots of a rule, the rule's place. */
  name: string;
  /** What part it has. */
  role: CertificateRole;
  /** On one line, the common name first, without what is no text; 200 characters at most. */
  subject: string;
  /** SHA-256 of the certificate: hexadecimal pairs in upper case, joined by colons. */
  fingerprint256: string;
  /** The last moment at which it is valid. */
  validTo: Date;
  /** Whole days until then. */
  daysLeft: number;
  /** The threshold, in days, that it has passed. */
  threshold: number;
}

/** A certificate that has expired. */
export type Expired = Omit<Expiring, 'daysLeft' | 'threshold'>;

export interface ExpiryListener {
  expiring(event: Expiring): void;
  expired(event: Expired): void;
}

/** A certificate whose end is watched. */
export interface Expirable {
  readonly name: string;
  readonly role: CertificateRole;
  readonly lifetime: Lifetime;
  /** Asked for where there is something to tell of it: all are looked at, again and again. */
  readonly certificate: () => X509Certificate;
  /** A root beside others that are valid: bundles keep some that expired long ago. */
  readonly spare: boolean;
}

/** The certificate itself, and all that come with it. */
export function expirablesOf({ name, material }: CertificateVersion): Expirable[] {
  const leaf = { lifetime: leafFieldsOf(material), certificate: () => material.certificate };
  return [
    { name, role: 'certificate', ...leaf, spare: false },
    ...material.chain.map((each) => expirable(name, 'intermediate', each, false)),
    ...rootsAsExpirable(name, material.ca),
    ...Object.values(material.bundles ?? {}).flatMap((roots) => rootsAsExpirable(name, roots)),
  ];
}

export function rootsAsExpirable(name: string, roots: readonly X509Certificate[]): Expirable[] {
  const now = Date.now();
  const valid = roots.filter((root) => fieldsOf(root).notAfter >= now).length;
  return roots.map((certificate) => {
    const others = fieldsOf(certificate).notAfter >= now ? valid - 1 : valid;
    return expirable(name, 'root', certificate, others > 0);
  });
}

function expirable(
  name: string,
  role: CertificateRole,
  certificate: X509Certificate,
  spare: boolean,
): Expirable {
  return { name, role, lifetime: fieldsOf(certificate), certificate: () => certificate, spare };
}

/** How near the end of a certificate is: the threshold, in days, that it has passed last; -1 where it has expired. */
export function passedThreshold(
  lifetime: Lifetime,
  thresholds: ExpiryThresholds,
  now: number,
): number | undefined {
  const { notAfter } = lifetime;
  if (now > notAfter) return EXPIRED;
  return thresholdsOf(lifetime, thresholds).findLast((days) => notAfter - now < days * day);
}

const EXPIRED = -1;

/** Tells, once for each certificate and threshold, that its end has come so near. */
export class ExpiryWatch {
  readonly #listener: ExpiryListener;
  readonly #all: () => Iterable<Expirable>;
  readonly #thresholds: () => ExpiryThresholds;
  readonly #timer = new Timer();
  #closed = false;
  /** When the next threshold is passed, of all. */
  #due = Number.POSITIVE_INFINITY;
  /** The threshold that was told last, by name and fingerprint. */
  readonly #told = new Map<string, Map<string, number>>();

  /** @param thresholds As they are written in the config. */
  constructor(listener: ExpiryListener, all: () => Iterable<Expirable>, thresholds: () => ExpiryThresholds) {
    this.#listener = listener;
    this.#all = all;
    this.#thresholds = thresholds;
  }

  /** Looks at these certificates now, at all unless written, and again at all when the next threshold is passed. */
  look(certificates?: Iterable<Expirable>): void {
    if (this.#closed) return;
    const now = Date.now();
    const written = this.#thresholds();
    this.#due = Math.min(certificates ? this.#due : Number.POSITIVE_INFINITY, now + longestPause);
    for (const expirable of certificates ?? this.#all()) {
      const { lifetime } = expirable;
      this.#tell(expirable, passedThreshold(lifetime, written, now), now);
      for (const days of [...thresholdsOf(lifetime, written), 0]) {
        const time = lifetime.notAfter - days * day;
        if (time < now) continue;
        this.#due = Math.min(this.#due, time + 1);
        break;
      }
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

  #tell({ name, role, lifetime, spare, ...of }: Expirable, passed: number | undefined, now: number): void {
    if (passed === undefined) return;
    const certificate = of.certificate();
    const { fingerprint256 } = certificate;
    const told = this.#told.get(name)?.get(fingerprint256);
    if (told !== undefined && told <= passed) return;
    if (spare && passed === EXPIRED && told === undefined) return;
    if (!this.#told.has(name)) this.#told.set(name, new Map());
    this.#told.get(name)!.set(fingerprint256, passed);
    const { notAfter } = lifetime;
    const about = {
      name,
      role,
      subject: subjectOf(certificate),
      fingerprint256,
      validTo: new Date(notAfter),
    };
    if (passed === EXPIRED) this.#listener.expired(about);
    else {
      const daysLeft = Math.floor((notAfter - now) / day);
      this.#listener.expiring({ ...about, daysLeft, threshold: passed });
    }
  }
}

const day = 24 * 60 * 60 * 1000;
/** Timers stand still while a machine sleeps, and clocks are set. */
const longestPause = 60 * 60 * 1000;

/** A certificate's name as messages show it; a rule's place, `hosts["a.example"]: ca`, brings its quotes. */
export function quoteName(name: string): string {
  return name.includes('"') ? name : `"${name}"`;
}
