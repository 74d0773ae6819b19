import { type HandshakeFailure, LastHandshakes, type Observer } from '../agent/handshake.ts';
import { checkConfig } from '../config/check.ts';
import { type Here, here } from '../config/here.ts';
import { readConfig } from '../config/read.ts';
import { copyAtOnce } from '../config/shape.ts';
import { ClientCertificateError } from '../errors.ts';
import { isEqual } from '../rotate/config-equality.ts';
import { ExpiryWatch, expirablesOf, rootsAsExpirable } from '../rotate/expiry.ts';
import { Reloader, type ReloadReport } from '../rotate/reloader.ts';
import type { Failure } from '../rotate/renewal.ts';
import { refusal, trustingAs } from '../rotate/replacement.ts';
import type { CertificateVersion } from '../tls/context.ts';
import type { Config, Warning } from '../types.ts';
import type { Connections } from './connections.ts';
import { CurrentInventory } from './current-inventory.ts';
import type { Events } from './events.ts';
import { expirableRootsIn, expirablesIn } from './expirables.ts';
import { type Inventory, loadInventory, withRoots } from './inventory.ts';
import { observerOf } from './observer.ts';
import { certificateKey, type Keeper, keysTakenOver, renewablesOf } from './renewables.ts';
import { closeFeeds } from './sources.ts';

/**
 * Keeps an inventory as its sources are: reads them again, puts what has changed in place of what was, and
 * tells of it.
 */
export class Upkeep {
  readonly #current: CurrentInventory;
  readonly #events: Events;
  readonly #reloader: Reloader;
  readonly #expiry: ExpiryWatch;
  readonly #keeper: Keeper;
  readonly handshakes: LastHandshakes = new LastHandshakes();
  /** Told of every connection. */
  readonly observer: Observer;
  #reloading: Promise<unknown> = Promise.resolve();
  readonly #ending = new AbortController();

  constructor(inventory: Inventory, connections: Connections, events: Events) {
    const current = new CurrentInventory(inventory, connections, events);
    this.#current = current;
    this.#events = events;
    this.#reloader = new Reloader((name, error) => events.emit('error', asOurs(name, error), { name }));
    this.#expiry = new ExpiryWatch(
      {
        expiring: (event) => events.emit('expiring', event),
        expired: (event) => events.emit('expired', event),
      },
      () => expirablesIn(current.inventory),
      () => current.inventory.config.expiryWarningDays,
    );
    this.#keeper = {
      current,
      announce: (fresh) => this.#announce(fresh),
      announceRoots: (name, roots) => this.#expiry.look(rootsAsExpirable(name, roots)),
    };
    this.observer = observerOf(current, events, this.handshakes, (failure) => this.#refused(failure));
    this.#reloader.watch(inventory.config.watch);
    this.#follow();
    // Not before whoever awaits the credentials has had time to listen.
    const { certificates, config } = inventory;
    setImmediate(() => {
      this.#announce([...certificates.values()], config.warnings);
      this.#expiry.look(expirableRootsIn(current.inventory));
      this.#reportBroken();
    });
  }

  /** What holds at this moment. */
  get inventory(): Inventory {
    return this.#current.inventory;
  }

  get closed(): boolean {
    return this.#ending.signal.aborted;
  }

  /** Is told of each change, before listeners are. */
  set onChange(tell: () => void) {
    this.#current.onChange = tell;
  }

  /** How renewing a certificate stands, where it fails. */
  failureOf(name: string): Failure | undefined {
    return this.#reloader.failureOf(certificateKey(name));
  }

  failures(): (Failure & { name: string })[] {
    return this.#reloader.failures();
  }

  /** Reads everything again, or takes a new config whole; one such call after the other. */
  async reload(config?: Config | string | URL): Promise<ReloadReport> {
    const given = copyAtOnce(config);
    const from = here();
    const reloading = this.#reloading.then(async () => {
      this.#checkOpen();
      const report = await (given === undefined ? this.#reloader.renewAll() : this.#replace(given, from));
      this.#checkOpen();
      return report;
    });
    this.#reloading = reloading.catch(() => {});
    return reloading;
  }

  close(): void {
    // What is being read for a new config is waited for no longer, either.
    this.#ending.abort(closed());
    this.#reloader.close();
    this.#expiry.close();
  }

  async #replace(config: Config | string | URL, from: Here): Promise<ReloadReport> {
    const { config: written, ...place } = await readConfig(config, from);
    const checked = await checkConfig(written, place);
    const started = this.inventory;
    const loaded = await loadInventory(checked, started, this.#ending.signal);
    const { before, next, report, kept, fresh } = this.#takeWhole(loaded, started);
    this.#announce(fresh, next.config.warnings);
    if (isEqual(next.config.expiryWarningDays, before.config.expiryWarningDays))
      this.#expiry.look(expirableRootsIn(next));
    else this.#expiry.look();
    this.#reportBroken();

    const keys = [...keysTakenOver(before, next)];
    const touched = new Set(await this.#reloader.findChanged(keys, this.#ending.signal));
    const renewed = await this.#reloader.renewAll([...touched]);
    report.changed.push(...renewed.changed);
    report.failed.push(...renewed.failed);
    report.unchanged.push(...renewed.unchanged, ...kept.filter((name) => !touched.has(certificateKey(name))));
    return report;
  }

  /** Puts an inventory that was loaded in place of the one before, or ends what was opened for it. */
  #takeWhole(loaded: Inventory, started: Inventory): Taken {
    try {
      this.#checkOpen();
      const before = this.inventory;
      const next = withRenewedRoots(loaded, started, before);
      const report: ReloadReport = {
        changed: [],
        unchanged: [],
        failed: [...next.broken].map(([name, error]) => ({ name, error })),
      };
      const kept: string[] = [];
      const fresh: CertificateVersion[] = [];
      for (const [name, version] of next.certificates) {
        const current = before.certificates.get(name);
        if (current && next.origins.get(name) === before.origins.get(name)) {
          kept.push(name);
          next.certificates.set(name, current); // it may have been renewed meanwhile
          continue;
        }
        const changed = version !== current;
        if (changed && current) next.certificates.set(name, { ...version, version: current.version + 1 });
        if (changed) fresh.push(next.certificates.get(name)!);
        report[changed ? 'changed' : 'unchanged'].push(name);
      }
      this.#current.replace(next);
      this.#checkOpen(); // a listener may have closed them
      this.#refollow(before, next);
      return { before, next, report, kept, fresh };
    } catch (error) {
      closeFeeds(loaded.origins, started.origins);
      throw error;
    }
  }

  /** Reads everything again when its time comes that is not followed yet. */
  #follow(): void {
    for (const { key, subject, origin } of renewablesOf(this.inventory, this.#keeper)) {
      if (!this.#reloader.has(key)) this.#reloader.add(key, subject, origin);
    }
    this.#reloader.track();
  }

  /** Follows what is new in an inventory, and leaves what is gone. */
  #refollow(before: Inventory, next: Inventory): void {
    const kept = keysTakenOver(before, next);
    for (const key of this.#reloader.keys()) if (!kept.has(key)) this.#reloader.remove(key);
    for (const name of before.certificates.keys()) {
      if (next.certificates.has(name)) continue;
      this.#current.probation.forget(name);
      this.#expiry.forget(name);
    }
    this.#follow();
    if (!isEqual(next.config.watch, before.config.watch)) this.#reloader.watch(next.config.watch);
  }

  /** Goes back to the certificate before, where a server refuses one that none has accepted yet. */
  #refused(failure: HandshakeFailure): void {
    const { inventory, probation } = this.#current;
    if (this.closed || !inventory.config.rollback) return;
    const previous = probation.refused(failure);
    if (!previous) return;
    const { name, material } = previous;
    const refused = inventory.certificates.get(name)!;
    const version = refused.version + 1;
    // A server may refuse a certificate, and not bring back roots that are trusted no longer.
    const restored = { name, version, material: trustingAs(material, refused.material) };
    try {
      this.#current.restore(refused, restored);
    } catch (error) {
      // By other rules than it had, or without its token, it is none to go back to.
      probation.forget(name);
      this.#events.emit('error', asOurs(name, error as Error), { name });
      return;
    }
    const { host, port, alert } = failure;
    this.#events.emit('rollback', {
      name,
      version,
      refused: refused.material.certificate.fingerprint256,
      restored: material.certificate.fingerprint256,
      host,
      port,
      alert: alert!,
    });
    // The source still holds the refused one: from now on that is an error, until another takes its place.
    const { count } = probation.refusalOf(name)!;
    this.#reloader.refuse(certificateKey(name), refusal(refused.material, material, name), count);
    this.#expiry.look(expirablesOf(restored));
  }

  /** Tells what there is to know of certificates that are new here, and watches their end. */
  #announce(fresh: readonly CertificateVersion[], warnings: readonly Warning[] = []): void {
    if (this.closed) return;
    for (const warning of warnings) this.#events.emit('warning', { ...warning });
    for (const { name, material } of fresh) {
      for (const { code, message } of material.warnings) {
        const about = `certificate "${name}": ${message}`;
        this.#events.emit('warning', { code, message: about, certificate: name });
      }
    }
    this.#expiry.look(fresh.flatMap(expirablesOf));
  }

  /** What could not be loaded is read again like what could not be renewed. */
  #reportBroken(): void {
    if (this.closed) return;
    for (const [name, error] of this.inventory.broken) {
      this.#reloader.refuse(certificateKey(name), error, 1);
    }
  }

  #checkOpen(): void {
    if (this.closed) throw closed();
  }
}

interface Taken {
  readonly before: Inventory;
  readonly next: Inventory;
  readonly report: ReloadReport;
  /** The names that were taken over unread. */
  readonly kept: string[];
  readonly fresh: CertificateVersion[];
}

/** Every failure has a code and a name; what has none yet was thrown by what nobody foresaw. */
function asOurs(name: string, error: Error): ClientCertificateError {
  if (error instanceof ClientCertificateError) return error;
  return new ClientCertificateError('ERR_CLIENTCERT_FILE_UNREADABLE', `"${name}" could not be renewed`, {
    hint: 'The error that it ended with is the cause.',
    cause: error,
  });
}

/** A new inventory, with what has been renewed of the roots that it took over from the one before. */
function withRenewedRoots(next: Inventory, started: Inventory, now: Inventory): Inventory {
  if (now.roots === started.roots) return next;
  const roots = new Map(next.roots);
  for (const [place, known] of roots) {
    if (known.reading !== started.roots.get(place)?.reading) continue;
    roots.set(place, { ...known, reading: now.roots.get(place)!.reading });
  }
  return withRoots(next, roots);
}

export function closed(): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_CLOSED', 'these credentials were closed', {
    hint: 'Load them once for the life of the process, and close them at its end.',
  });
}
