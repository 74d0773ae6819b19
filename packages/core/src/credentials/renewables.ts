import type { X509Certificate } from 'node:crypto';
import type { CheckedProxy } from '../config/proxy.ts';
import { ClientCertificateError } from '../errors.ts';
import { Feed } from '../rotate/feed.ts';
import type { Reading, Renewable } from '../rotate/renewal.ts';
import { haveSame, lendSame, presentsSame, replaces, trustingAs } from '../rotate/replacement.ts';
import type { CertificateVersion } from '../tls/context.ts';
import type { CaMaterial, ClientCertificate } from '../types.ts';
import type { CurrentInventory } from './current-inventory.ts';
import { checkTrust, type Inventory, type LoadedProxy, withRoots } from './inventory.ts';
import {
  type CertificateReading,
  type Origin,
  type Provenance,
  placeOf,
  provenanceOf,
  proxyLabel,
  readAuthorization,
  readCertificateSource,
  readRuleRoots,
} from './sources.ts';

/** What renewables need of whoever keeps the inventory. */
export interface Keeper {
  readonly current: CurrentInventory;
  /** Tells of certificates that are new. */
  announce(fresh: readonly CertificateVersion[]): void;
  /** Tells of roots of a rule, under its name, whose end is near. */
  announceRoots(name: string, roots: readonly X509Certificate[]): void;
}

interface Followed {
  /** Under which it is renewed: certificates and roots have names of their own. */
  readonly key: string;
  // biome-ignore lint/suspicious/noExplicitAny: each reads and takes a value of its own type
  readonly subject: Renewable<any>;
  readonly origin: Origin;
}

/** All that is read again while the process runs: certificates, roots of rules and of the proxy, its authorization. */
export function* renewablesOf(
  { config, origins, roots, proxy }: Inventory,
  keeper: Keeper,
): Iterable<Followed> {
  for (const [name, origin] of origins) {
    const from = origin.from ?? provenanceOf(config.certificates.get(name)!);
    yield { key: certificateKey(name), subject: new RenewableCertificate(name, from, keeper), origin };
  }
  for (const [place, { label, ca, reading }] of roots) {
    yield { key: rootsKey(place), subject: new RenewableRoots(place, label, ca, keeper), origin: reading };
  }
  if (typeof config.proxy === 'object' && isKeptElsewhere(config.proxy)) {
    const { origin } = proxy as LoadedProxy;
    yield { key: 'authorization', subject: new RenewableAuthorization(config.proxy, keeper), origin };
  }
}

/** The keys of what an inventory took over unread from the one before. */
export function keysTakenOver(before: Inventory, next: Inventory): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const [name, origin] of next.origins) {
    if (origin === before.origins.get(name)) keys.add(certificateKey(name));
  }
  for (const [place, { reading }] of next.roots) {
    if (reading === before.roots.get(place)?.reading) keys.add(rootsKey(place));
  }
  return keys;
}

export const certificateKey = (name: string): string => `certificate ${name}`;
const rootsKey = (place: string): string => `roots ${place}`;

class RenewableCertificate implements Renewable<CertificateReading> {
  readonly name: string;
  readonly feed: Feed | undefined;
  readonly #from: Provenance;
  readonly #keeper: Keeper;

  constructor(name: string, from: Provenance, keeper: Keeper) {
    this.name = name;
    this.feed = from instanceof Feed ? from : undefined;
    this.#from = from;
    this.#keeper = keeper;
  }

  async read(signal: AbortSignal): Promise<Reading<CertificateReading>> {
    const place = { ...placeOf(this.#keeper.current.inventory.config), signal };
    const reading = await readCertificateSource(this.name, this.#from, place);
    return { ...reading, value: reading };
  }

  take({ value: material, trust }: CertificateReading): boolean {
    const { name } = this;
    const { current } = this.#keeper;
    const { certificates, config } = current.inventory;
    const previous = certificates.get(name);
    if (!previous) return this.#takeFirst(material, trust);
    if ((trust === 'only') !== config.pins.trustOnly.has(name)) throw otherTrust(name);
    const refused = current.probation.refusalOf(name)?.material;
    if (refused && presentsSame(material, refused)) {
      // It is not taken again, and whom to trust its source says all the same.
      const trusting = trustingAs(previous.material, material);
      if (!lendSame(trusting, previous.material)) this.#takeNext(previous, trusting);
    }
    if (!replaces(material, certificates.get(name)!.material, name, config.pins, refused)) return false;
    this.#takeNext(certificates.get(name)!, material);
    return true;
  }

  #takeNext(previous: CertificateVersion, material: ClientCertificate): void {
    const { current, announce } = this.#keeper;
    const { name, version } = previous;
    const next = { name, version: version + 1, material };
    checkTrust(current.inventory.config, new Map([[name, next]]));
    current.renew(previous, next);
    announce([next]);
  }

  /** One that could not be loaded can be by now. */
  #takeFirst(material: ClientCertificate, trust: 'only' | undefined): true {
    const { name } = this;
    const { current, announce } = this.#keeper;
    const before = current.inventory;
    const version = { name, version: 1, material };
    // What its source says for the first time, nothing can differ from, but the config itself.
    const trustOnly = before.config.pins.trustOnly as Set<string>;
    const isSaid = trustOnly.has(name);
    if (isSaid && trust !== 'only') throw otherTrust(name);
    if (trust === 'only') trustOnly.add(name);
    try {
      checkTrust(before.config, new Map([[name, version]]));
    } catch (error) {
      if (!isSaid) trustOnly.delete(name);
      throw error;
    }
    const found = new Map(before.certificates).set(name, version);
    const names = [...before.config.certificates.keys()].filter((each) => found.has(each));
    const certificates = new Map(names.map((each) => [each, found.get(each)!]));
    const broken = new Map(before.broken);
    broken.delete(name);
    current.replace(withRoots({ ...before, certificates, broken }, before.roots));
    announce([version]);
    return true;
  }
}

function otherTrust(name: string): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    `certificate "${name}": its source says another "trust" than when it was loaded`,
    { hint: 'Write "trust" on the rules that name it, or reload with a new config.' },
  );
}

/** The roots of a rule, or of the proxy. */
class RenewableRoots implements Renewable<readonly X509Certificate[]> {
  readonly #place: string;
  readonly #label: string;
  readonly #ca: readonly CaMaterial[];
  readonly #keeper: Keeper;

  constructor(place: string, label: string, ca: readonly CaMaterial[], keeper: Keeper) {
    this.#place = place;
    this.#label = label;
    this.#ca = ca;
    this.#keeper = keeper;
  }

  get name(): string {
    return `${this.#label}: ca`;
  }

  read(signal: AbortSignal): Promise<Reading<readonly X509Certificate[]>> {
    const { baseDirectory } = this.#keeper.current.inventory.config;
    return readRuleRoots(this.#label, this.#ca, baseDirectory, signal);
  }

  take(found: readonly X509Certificate[]): boolean {
    const { current, announceRoots } = this.#keeper;
    const before = current.inventory;
    const known = before.roots.get(this.#place)!;
    const { reading } = known;
    if (haveSame(found, reading.value)) return false;
    const roots = new Map(before.roots).set(this.#place, { ...known, reading: { ...reading, value: found } });
    current.replace(withRoots(before, roots));
    announceRoots(this.name, found);
    return true;
  }
}

/** What is said to the proxy. */
class RenewableAuthorization implements Renewable<string | undefined> {
  readonly name = `${proxyLabel}: authorization`;
  readonly #proxy: CheckedProxy;
  readonly #keeper: Keeper;

  constructor(proxy: CheckedProxy, keeper: Keeper) {
    this.#proxy = proxy;
    this.#keeper = keeper;
  }

  read(signal: AbortSignal): Promise<Reading<string | undefined>> {
    return readAuthorization(this.#proxy, this.#keeper.current.inventory.config.baseDirectory, signal);
  }

  take(authorization: string | undefined): boolean {
    const { current } = this.#keeper;
    const before = current.inventory;
    const { proxy } = before;
    if (typeof proxy !== 'object' || proxy.authorization === authorization) return false;
    current.replace({ ...before, proxy: { ...proxy, authorization } });
    return true;
  }
}

/** Whether its authorization may change under a config that stays the same. */
function isKeptElsewhere({ authorization }: CheckedProxy): boolean {
  return authorization !== undefined && typeof authorization !== 'string';
}
