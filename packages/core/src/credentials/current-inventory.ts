import type { X509Certificate } from 'node:crypto';
import { spiffeIdOf } from '../load/svid.ts';
import { Probation } from '../rotate/probation.ts';
import type { CertificateVersion } from '../tls/context.ts';
import type { Connections } from './connections.ts';
import type { Events } from './events.ts';
import { type Inventory, versionOf } from './inventory.ts';

/**
 * The inventory that holds at this moment. What changes in it changes here, at once, between two events of the
 * process: it is checked first, then put in place, then connections are retired and listeners told.
 */
export class CurrentInventory {
  #inventory: Inventory;
  readonly #connections: Connections;
  readonly #events: Events;
  readonly probation: Probation = new Probation();
  /** Told of each change, before listeners are. */
  onChange: () => void = () => {};

  constructor(inventory: Inventory, connections: Connections, events: Events) {
    this.#inventory = inventory;
    this.#connections = connections;
    this.#events = events;
  }

  get inventory(): Inventory {
    return this.#inventory;
  }

  /** Puts an inventory in place of the one before; connections that it decides in the same way stay. */
  replace(next: Inventory): void {
    const before = this.#inventory;
    const rotated = [...next.certificates.values()].flatMap((version) => {
      const previous = before.certificates.get(version.name);
      return previous && previous !== version ? [{ previous, version }] : [];
    });
    this.#inventory = next;
    if (!next.config.rollback) this.probation.clear();
    for (const { version, previous } of rotated) {
      // A name that a new config gives to somebody else: its rules say nothing of who had it before.
      if (!nameSame(previous, version)) this.probation.forget(version.name);
      else if (next.config.rollback) this.probation.begin(version, previous);
    }
    this.#connections.replaceInventory(before, next);
    this.onChange();
    for (const { version, previous } of rotated) this.#tell(previous, version);
  }

  /** From here on new connections present the next version; those of the one before end with their response. */
  renew(previous: CertificateVersion, next: CertificateVersion): void {
    this.#swap(previous, next, () => {
      if (this.#inventory.config.rollback) this.probation.begin(next, previous);
    });
  }

  /** The same for one that worked before, which is not on trial. */
  restore(refused: CertificateVersion, restored: CertificateVersion): void {
    this.#swap(refused, restored, () => {});
  }

  #swap(previous: CertificateVersion, next: CertificateVersion, begin: () => void): void {
    const { certificates } = this.#inventory;
    const retire = this.#connections.prepareRenewal(next, (name) => versionOf(this.#inventory, name));
    certificates.set(next.name, next);
    begin();
    retire();
    this.onChange();
    this.#tell(previous, next);
  }

  #tell(previous: CertificateVersion, { name, version, material }: CertificateVersion): void {
    this.#events.emit('rotate', {
      name,
      version,
      previous: previous.material.certificate.fingerprint256,
      current: material.certificate.fingerprint256,
    });
  }
}

/** By the subject, and by the SPIFFE ID, where that of several workloads is the same (X.509-SVID, section 2). */
function nameSame(one: CertificateVersion, other: CertificateVersion): boolean {
  const [a, b] = [one.material.certificate, other.material.certificate];
  return subjectOf(a) === subjectOf(b) && spiffeIdOf(a) === spiffeIdOf(b);
}

/** It may be empty, and the names beside it are all there is (RFC 5280, section 4.1.2.6). */
function subjectOf({ subject, subjectAltName }: X509Certificate): string | undefined {
  return subject || subjectAltName;
}
