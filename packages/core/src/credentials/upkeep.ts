// Longer than other files: reading again, swapping, rolling back and replacing are one thing, done in one turn.
import type { X509Certificate } from 'node:crypto';
import { type HandshakeFailure, LastHandshakes, type Observer } from '../agent/handshake.ts';
import { checkConfig } from '../config/check.ts';
import type { CheckedProxy } from '../config/proxy.ts';
import { readConfig } from '../config/read.ts';
import { carryDiagnosis } from '../diagnose/diagnose.ts';
import { ClientCertificateError } from '../errors.ts';
import { fieldsOf } from '../load/certificate-fields.ts';
import { subjectOf } from '../load/identity.ts';
import { explainOtherPort } from '../pin/explain.ts';
import { formatHost } from '../pin/host.ts';
import { isEqual } from '../rotate/config-equality.ts';
import {
  type Expirable,
  ExpiryWatch,
  expirablesOf,
  passedThreshold,
  rootsAsExpirable,
} from '../rotate/expiry.ts';
import type { AuthorityRecord } from '../rotate/health.ts';
import { Probation } from '../rotate/probation.ts';
import { Reloader, type ReloadReport } from '../rotate/reloader.ts';
import type { Failure, Renewable } from '../rotate/renewal.ts';
import { haveSame, refusal, replaces } from '../rotate/replacement.ts';
import type { CertificateVersion } from '../tls/context.ts';
import type { CertificateSource, ClientCertificate, Config, Warning } from '../types.ts';
import { factsOfCertificate } from './certificate-info.ts';
import type { Connections } from './connections.ts';
import type { Events } from './events.ts';
import {
  type CertificateReading,
  checkTrust,
  type Inventory,
  type LoadedProxy,
  loadInventory,
  placeOf,
  proxyLabel,
  readAuthorization,
  readCertificateSource,
  readRuleRoots,
  versionOf,
  withRoots,
} from './inventory.ts';

/**
 * Keeps an inventory as its sources are: reads them again, puts what has changed in place of what was, and
 * tells of it. Everything is put in place at once, between two events of the process.
 */
export class Upkeep {
  #inventory: Inventory;
  readonly #connections: Connections;
  readonly #events: Events;
  readonly #reloader: Reloader;
  readonly #expiry: ExpiryWatch;
  readonly #probation = new Probation();
  readonly handshakes: LastHandshakes = new LastHandshakes();
  #reloading: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(inventory: Inventory, connections: Connections, events: Events) {
    this.#inventory = inventory;
    this.#connections = connections;
    this.#events = events;
    this.#reloader = new Reloader((name, error) => events.emit('error', asOurs(name, error), { name }));
    this.#expiry = new ExpiryWatch(
      {
        expiring: (event) => events.emit('expiring', event),
        expired: (event) => events.emit('expired', event),
      },
      () => this.expirables(),
      () => this.#inventory.config.expiryWarningDays,
    );
    this.#reloader.watch(inventory.config.watch);
    this.#follow();
    // Not before whoever awaits the credentials has had time to listen.
    const { certificates, config } = inventory;
    setImmediate(() => {
      this.#announce([...certificates.values()], config.warnings);
      this.#expiry.look(this.#ruleRoots());
      this.#reportBroken();
    });
  }

  /** What holds at this moment. */
  get inventory(): Inventory {
    return this.#inventory;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Every certificate whose end matters: those presented, those above them, and the roots of certificates and rules. */
  expirables(): Expirable[] {
    const { certificates } = this.#inventory;
    return [...[...certificates.values()].flatMap(expirablesOf), ...this.#ruleRoots()];
  }

  #ruleRoots(): Expirable[] {
    return [...this.#inventory.roots].flatMap(([label, { reading }]) =>
      rootsAsExpirable(`${label}: ca`, reading.value),
    );
  }

  /** What could not be loaded is read again like what could not be renewed. */
  #reportBroken(): void {
    if (this.#closed) return;
    for (const [name, error] of this.#inventory.broken) {
      this.#reloader.refuse(certificateKey(name), error, 1);
    }
  }

  /** Intermediates and roots that have expired, or are about to. */
  endingAuthorities(): Omit<AuthorityRecord, 'used'>[] {
    const now = Date.now();
    return this.expirables().flatMap(({ name, role, certificate, spare }) => {
      if (role === 'certificate') return [];
      const passed = passedThreshold(certificate, this.#inventory.config.expiryWarningDays, now);
      const expired = passed !== undefined && passed < 0;
      if (passed === undefined || (expired && spare)) return [];
      const validTo = new Date(fieldsOf(certificate).notAfter);
      return [{ name, role, subject: subjectOf(certificate), validTo, expired }];
    });
  }

  /** How renewing a certificate stands, where it fails. */
  failureOf(name: string): Failure | undefined {
    return this.#reloader.failureOf(certificateKey(name));
  }

  failures(): (Failure & { name: string })[] {
    return this.#reloader.failures();
  }

  /** Reads everything again, or takes a new config whole; one such call after the other. */
  reload(config?: Config | string | URL): Promise<ReloadReport> {
    const reloading = this.#reloading.then(async () => {
      this.#checkOpen();
      const report = await (config === undefined ? this.#reloader.renewAll() : this.#replace(config));
      this.#checkOpen();
      return report;
    });
    this.#reloading = reloading.catch(() => {});
    return reloading;
  }

  /** Told of every connection. */
  readonly observer: Observer = {
    handshake: (handshake) => {
      this.handshakes.set(handshake);
      this.#events.emit('handshake', handshake);
    },
    failure: (failure) => {
      const hint = this.#adviseOn(failure);
      this.#events.emit('failure', hint === undefined ? failure : { ...failure, hint });
      if (hint !== undefined) {
        const { host, port } = failure;
        const message = `the connection to ${formatHost(host, port)} was refused, without a certificate: ${hint}`;
        this.#events.emit('warning', { code: 'PINNED_ELSEWHERE', message });
      }
    },
    refused: (failure) => {
      if (this.#closed || !this.#inventory.config.rollback) return;
      const previous = this.#probation.refused(failure);
      if (previous) this.#rollBack(previous, failure);
    },
    explain: (error, { host, port, resolution, proxy, ...seen }) =>
      carryDiagnosis(error, () => ({
        place: formatHost(host, port),
        secure: true,
        rule: resolution.rule,
        otherPort: explainOtherPort(this.#inventory.table, host, port),
        certificate: factsOfCertificate(this.#inventory.certificates.get(`${resolution.certificate}`)),
        tls: resolution.tls,
        proxy,
        connection: { failed: true, ...seen },
      })),
    awaits: (presented) => this.#probation.awaits(presented),
    accepted: (presented) => this.#probation.accepted(presented),
  };

  /** What is known of a server that refused a connection that no rule names. */
  #adviseOn({ alert, rule, host, port }: HandshakeFailure): string | undefined {
    if (alert === null || rule !== 'none') return undefined;
    return explainOtherPort(this.#inventory.table, host, port);
  }

  close(): void {
    this.#closed = true;
    this.#reloader.close();
    this.#expiry.close();
  }

  /** Reads every certificate and all roots again when their time comes; those that are not followed yet. */
  #follow(): void {
    const { config, origins, roots } = this.#inventory;
    for (const [name, origin] of origins) {
      const key = certificateKey(name);
      if (this.#reloader.has(key)) continue;
      const source = config.certificates.get(name)!;
      const subject: Renewable<ClientCertificate> = {
        name,
        read: (signal) => this.#read(name, source, signal),
        take: (material) => this.#take(name, material),
      };
      this.#reloader.add(key, subject, origin);
    }
    for (const [label, { ca, reading }] of roots) {
      const key = rootsKey(label);
      if (this.#reloader.has(key)) continue;
      const subject: Renewable<readonly X509Certificate[]> = {
        name: `${label}: ca`,
        read: (signal) => readRuleRoots(label, ca, this.#inventory.config.baseDirectory, signal),
        take: (found) => this.#takeRoots(label, found),
      };
      this.#reloader.add(key, subject, reading);
    }
    const { proxy } = config;
    if (typeof proxy === 'object' && isKeptElsewhere(proxy) && !this.#reloader.has(authorizationKey)) {
      const subject: Renewable<string | undefined> = {
        name: `${proxyLabel}: authorization`,
        read: (signal) => readAuthorization(proxy, this.#inventory.config.baseDirectory, signal),
        take: (text) => this.#takeAuthorization(text),
      };
      const loaded = this.#inventory.proxy as LoadedProxy;
      this.#reloader.add(authorizationKey, subject, loaded.origin);
    }
    this.#reloader.track();
  }

  async #read(name: string, source: CertificateSource, signal: AbortSignal): Promise<CertificateReading> {
    const place = { ...placeOf(this.#inventory.config), signal };
    const reading = await readCertificateSource(name, source, place);
    const { broken, config } = this.#inventory;
    // What it says for the first time, nothing can differ from.
    if (broken.has(name) && reading.trust === 'only') (config.pins.trustOnly as Set<string>).add(name);
    if ((reading.trust === 'only') === this.#inventory.config.pins.trustOnly.has(name)) return reading;
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_CONFIG_INVALID',
      `certificate "${name}": its source says another "trust" than when it was loaded`,
      { hint: 'Write "trust" on the rules that name it, or reload with a new config.' },
    );
  }

  #take(name: string, material: ClientCertificate): boolean {
    const { certificates, config } = this.#inventory;
    const previous = certificates.get(name);
    if (!previous) return this.#takeFirst(name, material);
    const refused = this.#probation.refusalOf(name)?.material;
    if (!replaces(material, previous.material, name, config.pins, refused)) return false;
    const next = { name, version: previous.version + 1, material };
    if (material.ca.length === 0) checkTrust(config, new Map(certificates).set(name, next));
    this.#swap(previous, next, () => {
      if (config.rollback) this.#probation.begin(next, previous);
    });
    this.#announce([next]);
    return true;
  }

  /** One that could not be loaded can be by now. */
  #takeFirst(name: string, material: ClientCertificate): true {
    const before = this.#inventory;
    const version = { name, version: 1, material };
    const found = new Map(before.certificates).set(name, version);
    checkTrust(before.config, found);
    const names = [...before.config.certificates.keys()].filter((each) => found.has(each));
    const certificates = new Map(names.map((each) => [each, found.get(each)!]));
    const broken = new Map(before.broken);
    broken.delete(name);
    this.#commit(withRoots({ ...before, certificates, broken }, before.roots));
    this.#announce([version]);
    return true;
  }

  /** From here on new connections present the next version; those of the one before end with their response. */
  #swap(previous: CertificateVersion, next: CertificateVersion, begin: () => void): void {
    const { certificates } = this.#inventory;
    const retire = this.#connections.prepareRenewal(next, (name) => versionOf(this.#inventory, name));
    certificates.set(next.name, next);
    begin();
    retire();
    this.#tellRotation(previous, next);
  }

  #tellRotation(previous: CertificateVersion, { name, version, material }: CertificateVersion): void {
    this.#events.emit('rotate', {
      name,
      version,
      previous: previous.material.certificate.fingerprint256,
      current: material.certificate.fingerprint256,
    });
  }

  #rollBack({ name, material }: CertificateVersion, failure: HandshakeFailure): void {
    const refused = this.#inventory.certificates.get(name)!;
    const version = refused.version + 1;
    const restored = { name, version, material };
    this.#swap(refused, restored, () => {});
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
    const { count } = this.#probation.refusalOf(name)!;
    this.#reloader.refuse(certificateKey(name), refusal(refused.material, material, name), count);
    this.#expiry.look(expirablesOf(restored));
  }

  #takeRoots(label: string, found: readonly X509Certificate[]): boolean {
    const before = this.#inventory;
    const { ca, reading } = before.roots.get(label)!;
    if (haveSame(found, reading.value)) return false;
    const roots = new Map(before.roots).set(label, { ca, reading: { ...reading, value: found } });
    this.#commit(withRoots(before, roots));
    this.#expiry.look(this.#ruleRoots());
    return true;
  }

  #takeAuthorization(authorization: string | undefined): boolean {
    const before = this.#inventory;
    const { proxy } = before;
    if (typeof proxy !== 'object' || proxy.authorization === authorization) return false;
    this.#commit({ ...before, proxy: { ...proxy, authorization } });
    return true;
  }

  async #replace(config: Config | string | URL): Promise<ReloadReport> {
    const { config: written, ...place } = await readConfig(config);
    const checked = await checkConfig(written, place);
    const started = this.#inventory;
    const loaded = await loadInventory(checked, started);
    this.#checkOpen();
    const before = this.#inventory;
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
    this.#commit(next);
    this.#checkOpen(); // a listener may have closed them
    this.#refollow(before, next);
    this.#announce(fresh, next.config.warnings);
    if (isEqual(next.config.expiryWarningDays, before.config.expiryWarningDays)) {
      this.#expiry.look(this.#ruleRoots());
    } else this.#expiry.look();
    this.#reportBroken();

    const keys = kept.map(certificateKey);
    const touched = new Set(await this.#reloader.findChanged(keys));
    const renewed = await this.#reloader.renewAll([...touched]);
    report.changed.push(...renewed.changed);
    report.failed.push(...renewed.failed);
    report.unchanged.push(...renewed.unchanged, ...kept.filter((name) => !touched.has(certificateKey(name))));
    return report;
  }

  /** Puts an inventory in place of the one before; connections that it decides in the same way stay. */
  #commit(next: Inventory): void {
    const before = this.#inventory;
    const retire = this.#connections.prepareReplacement(before, next);
    const rotated = [...next.certificates.values()].flatMap((version) => {
      const previous = before.certificates.get(version.name);
      return previous && previous !== version ? [{ previous, version }] : [];
    });
    this.#inventory = next;
    for (const { version, previous } of rotated) {
      if (next.config.rollback) this.#probation.begin(version, previous);
    }
    retire();
    for (const { version, previous } of rotated) this.#tellRotation(previous, version);
  }

  /** Follows what is new in an inventory, and leaves what is gone. */
  #refollow(before: Inventory, next: Inventory): void {
    const kept = new Set<string>();
    for (const [name, origin] of next.origins) {
      if (origin === before.origins.get(name)) kept.add(certificateKey(name));
    }
    for (const [label, { reading }] of next.roots) {
      if (reading === before.roots.get(label)?.reading) kept.add(rootsKey(label));
    }
    for (const key of this.#reloader.keys()) if (!kept.has(key)) this.#reloader.remove(key);
    for (const name of before.certificates.keys()) {
      if (next.certificates.has(name)) continue;
      this.#probation.forget(name);
      this.#expiry.forget(name);
    }
    this.#follow();
    if (!isEqual(next.config.watch, before.config.watch)) this.#reloader.watch(next.config.watch);
  }

  /** Tells what there is to know of certificates that are new here, and watches their end. */
  #announce(fresh: readonly CertificateVersion[], warnings: readonly Warning[] = []): void {
    if (this.#closed) return;
    for (const warning of warnings) this.#events.emit('warning', warning);
    for (const { name, material } of fresh) {
      for (const { code, message } of material.warnings) {
        const about = `certificate "${name}": ${message}`;
        this.#events.emit('warning', { code, message: about, certificate: name });
      }
    }
    this.#expiry.look(fresh.flatMap(expirablesOf));
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }
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
  for (const [label, { ca, reading }] of roots) {
    if (reading !== started.roots.get(label)?.reading) continue;
    roots.set(label, { ca, reading: now.roots.get(label)!.reading });
  }
  return withRoots(next, roots);
}

export function closed(): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_CLOSED', 'these credentials were closed', {
    hint: 'Load them once for the life of the process, and close them at its end.',
  });
}

/** What is followed, by key: certificates and roots have names of their own. */
const certificateKey = (name: string): string => `certificate ${name}`;
const rootsKey = (label: string): string => `roots ${label}`;
const authorizationKey = 'authorization';

/** Whether its authorization may change under a config that stays the same. */
function isKeptElsewhere({ authorization }: CheckedProxy): boolean {
  return authorization !== undefined && typeof authorization !== 'string';
}
