import type { X509Certificate } from 'node:crypto';
import type { CheckedConfig } from '../config/check.ts';
import { again, ClientCertificateError } from '../errors.ts';
import { authorityWarnings } from '../load/authority.ts';
import { createBudget } from '../load/budget.ts';
import { lentRoots } from '../pin/lent-roots.ts';
import { isExclusive, type RootsOf } from '../pin/merge-rules.ts';
import { type PinRule, type Pins, rulesOf } from '../pin/rule.ts';
import { buildTable, replaceRoots, type Table } from '../pin/table.ts';
import { eachOf } from '../rotate/concurrency.ts';
import { isEqual } from '../rotate/config-equality.ts';
import { withDeadline } from '../rotate/deadline.ts';
import { Feed } from '../rotate/feed.ts';
import type { Reading } from '../rotate/renewal.ts';
import { replaces } from '../rotate/replacement.ts';
import type { CertificateVersion } from '../tls/context.ts';
import { bundleMissing } from '../tls/server-id.ts';
import type { CaMaterial, ClientCertificate, Warning } from '../types.ts';
import {
  closeFeeds,
  type Origin,
  placeOf,
  provenanceOf,
  proxyLabel,
  readAuthorization,
  readCertificateSource,
  readRuleRoots,
} from './sources.ts';

/** A config with everything it names read: certificates, roots, the proxy's authorization. */
export interface Inventory {
  readonly config: CheckedConfig;
  /** Replaced one by one as they are renewed. */
  readonly certificates: Map<string, CertificateVersion>;
  /** Those that could not be read, with `allowBroken`: whatever needs one fails with its error. */
  readonly broken: ReadonlyMap<string, ClientCertificateError>;
  /** Where each certificate was read, and when to read it again. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** The roots of each rule that has some, by {@link placeOfRule}; those of the proxy under `proxy`. */
  readonly roots: ReadonlyMap<string, RuleRoots>;
  readonly table: Table;
  readonly proxy: LoadedProxy | 'env' | false | undefined;
}

export interface RuleRoots {
  /** What messages call the rule. Several may be called alike, where what may be a secret is not shown. */
  readonly label: string;
  readonly ca: readonly CaMaterial[];
  readonly reading: Reading<readonly X509Certificate[]>;
}

export interface LoadedProxy {
  readonly url: URL;
  readonly certificate: string | undefined;
  readonly ca: readonly X509Certificate[];
  readonly authorization: string | undefined;
  /** Where the authorization was read. */
  readonly origin: Origin;
}

/** How many certificates are read at a time: enough to fill the thread pool, few enough to stay small. */
const concurrency = 8;

/**
 * Reads all that a config names. The first failure in the config's order is thrown; where there are more, its
 * message counts them and its cause holds them all.
 *
 * @param earlier What is in use so far: certificates and roots whose source is the same are taken from it unread.
 * @param until Ends the reading; it is then rejected with the signal's reason.
 */
export async function loadInventory(
  written: CheckedConfig,
  earlier?: Inventory,
  until?: AbortSignal,
): Promise<Inventory> {
  const trustOnly = new Set(written.pins.trustOnly);
  const config = { ...written, pins: { ...written.pins, trustOnly } };
  const kept = earlier?.config.baseDirectory === config.baseDirectory ? earlier : undefined;
  const loaded = await loadCertificates(config, trustOnly, kept, earlier, until);
  try {
    return await complete(config, loaded, kept, earlier, until);
  } catch (error) {
    closeFeeds(loaded.origins, kept?.origins);
    throw error;
  }
}

/** Puts what else a config names beside its certificates. */
async function complete(
  config: CheckedConfig,
  loaded: LoadedCertificates,
  kept: Inventory | undefined,
  earlier: Inventory | undefined,
  until: AbortSignal | undefined,
): Promise<Inventory> {
  const { roots, failures } = await loadRoots(config, kept, until);
  until?.throwIfAborted();
  const tolerated = config.allowBroken && loaded.certificates.size > 0;
  throwFailures([...loaded.thrown, ...(tolerated ? [] : loaded.failures.values()), ...failures]);
  checkTrust(config, loaded.certificates);
  const names = [...config.certificates.keys()];
  return {
    config: {
      ...config,
      warnings: [...config.warnings, ...(await warnOfRoots(config.pins, roots, loaded.certificates))],
    },
    certificates: new Map(
      names.flatMap((name) => {
        const version = loaded.certificates.get(name);
        return version ? [[name, version]] : [];
      }),
    ),
    broken: loaded.failures,
    origins: new Map(names.map((name) => [name, loaded.origins.get(name) ?? { files: [] }])),
    roots,
    table: await buildTable(config.pins, rootsIn(roots)),
    proxy: await loadProxy(config, roots, earlier, until),
  };
}

/** The certificate of a rule or decision: it may have none, and one may be called "false" or "null". */
export function namedBy(
  named: { readonly certificate?: string | false | null | undefined } | undefined,
  certificates: ReadonlyMap<string, CertificateVersion>,
): CertificateVersion | undefined {
  return typeof named?.certificate === 'string' ? certificates.get(named.certificate) : undefined;
}

/**
 * The certificate of this name as it is now.
 *
 * @throws the error with which it could not be read
 */
export function versionOf({ certificates, broken }: Inventory, name: string): CertificateVersion {
  const version = certificates.get(name);
  if (version) return version;
  throw again(broken.get(name));
}

interface LoadedCertificates extends Pick<Inventory, 'certificates' | 'origins'> {
  readonly failures: Inventory['broken'];
  /** What the caller's `onProgress` has thrown, which is no certificate's fault. */
  readonly thrown: readonly unknown[];
}

/**
 * @param trustOnly Filled with the certificates whose source says so.
 * @param kept What is taken over unread where its source is the same.
 * @param earlier What each certificate is the next version of.
 */
async function loadCertificates(
  config: CheckedConfig,
  trustOnly: Set<string>,
  kept: Inventory | undefined,
  earlier: Inventory | undefined,
  until: AbortSignal | undefined,
): Promise<LoadedCertificates> {
  const certificates = new Map<string, CertificateVersion>();
  const origins = new Map<string, Origin>();
  const failures: unknown[] = [];
  const place = placeOf(config);
  const sources = [...config.certificates].filter(([name, source]) => {
    const known = kept?.certificates.get(name);
    if (!kept || !known || !isEqual(source, kept.config.certificates.get(name))) return true;
    certificates.set(name, known);
    origins.set(name, kept.origins.get(name)!);
    if (kept.config.pins.trustOnly.has(name)) trustOnly.add(name);
    return false;
  });
  const thrown: unknown[] = [];
  const tell = (name: string, loaded: number) => {
    try {
      config.onProgress?.({ loaded, total: sources.length, name });
    } catch (error) {
      thrown.push(error);
    }
  };
  let loaded = 0;
  await eachOf(sources, concurrency, async ([name, source], index) => {
    const from = provenanceOf(source);
    try {
      const read = (signal?: AbortSignal) => readCertificateSource(name, from, { ...place, signal });
      // Nobody is waited for for ever, but a person who is asked for a passphrase at the first load.
      const asks =
        typeof source === 'object' && [source.passphrase, source.keyPassphrase, source.pin].some(isFunction);
      const reading = asks && !earlier ? read() : withDeadline(name, read, until).value;
      const { value: material, trust, ...origin } = await reading;
      if (trust === 'only') trustOnly.add(name);
      certificates.set(name, succeed(name, material, config.pins, earlier?.certificates.get(name)));
      origins.set(name, { ...origin, from });
      loaded += 1;
      tell(name, loaded);
    } catch (error) {
      if (from instanceof Feed) from.close();
      failures[index] = error;
    }
  });
  const broken = sources.flatMap(([name], index): [string, ClientCertificateError][] =>
    failures[index] === undefined ? [] : [[name, failures[index] as ClientCertificateError]],
  );
  return { certificates, origins, failures: new Map(broken), thrown };
}

async function loadRoots(
  config: CheckedConfig,
  kept: Inventory | undefined,
  until: AbortSignal | undefined,
): Promise<{ roots: Map<string, RuleRoots>; failures: unknown[] }> {
  const roots = new Map<string, RuleRoots>();
  const failures: unknown[] = [];
  await eachOf(listAuthorities(config), concurrency, async ({ place, label, ca }, index) => {
    const known = kept?.roots.get(place);
    const read = (signal: AbortSignal) => readRuleRoots(label, ca, config.baseDirectory, signal);
    try {
      const reading =
        known && isEqual(known.ca, ca)
          ? known.reading
          : await withDeadline(`${label}: ca`, read, until).value;
      roots.set(place, { label, ca, reading });
    } catch (error) {
      failures[index] = error;
    }
  });
  return { roots, failures };
}

/** What a certificate's own source says is trusted where its rule is, so that its roots count as well. */
async function warnOfRoots(
  pins: Pins,
  roots: ReadonlyMap<string, RuleRoots>,
  certificates: ReadonlyMap<string, CertificateVersion>,
): Promise<Warning[]> {
  if (roots.size === 0) return [];
  const rules = new Map(rulesOf(pins).map((rule) => [placeOfRule(rule), rule]));
  const warnings: Warning[] = [];
  for (const [place, { label, reading }] of roots) {
    const rule = rules.get(place);
    // By the roots of a trust domain a server is verified, and by no others.
    const ofDomain = rule?.server !== undefined;
    const pile = ofDomain ? [] : (namedBy(rule, certificates)?.material.ca ?? []);
    const only = ofDomain || isExclusive(pins, rule);
    warnings.push(
      ...(await authorityWarnings(`${label}: ca`, reading.value, { pile, only }, createBudget())),
    );
  }
  return warnings;
}

/** A rule's place in the config, of which there is no other. */
function placeOfRule({ path }: PinRule): string {
  return JSON.stringify(path);
}

interface Authority {
  readonly place: string;
  readonly label: string;
  readonly ca: readonly CaMaterial[];
}

function listAuthorities({ authorities, proxy }: CheckedConfig): readonly Authority[] {
  const ca = typeof proxy === 'object' ? proxy.ca : undefined;
  const ofRules = authorities.map((rule) => ({ place: placeOfRule(rule), label: rule.label, ca: rule.ca }));
  return ca ? [...ofRules, { place: proxyLabel, label: proxyLabel, ca }] : ofRules;
}

/** The same with other roots: the decisions and the proxy follow. What is the same in both stays the same object. */
export function withRoots(inventory: Inventory, roots: Inventory['roots']): Inventory {
  const { proxy, table } = inventory;
  const ca = roots.get(proxyLabel)?.reading.value;
  return {
    ...inventory,
    roots,
    table: replaceRoots(table, rootsIn(roots)),
    proxy: typeof proxy === 'object' && ca && ca !== proxy.ca ? { ...proxy, ca } : proxy,
  };
}

/** The roots of a rule, by what it wrote. */
function rootsIn(roots: ReadonlyMap<string, RuleRoots>): RootsOf {
  let byMaterials: ReadonlyMap<readonly CaMaterial[], readonly X509Certificate[]> | undefined;
  return (ca) => {
    // When the first decision needs it: where many rules have one file, they are read one after the other.
    byMaterials ??= new Map([...roots.values()].map(({ ca, reading }) => [ca, reading.value]));
    return byMaterials.get(ca) ?? [];
  };
}

/** The version after the one in use, or that one where nothing has changed. */
function succeed(
  name: string,
  material: ClientCertificate,
  pins: Pins,
  current: CertificateVersion | undefined,
): CertificateVersion {
  if (!current) return { name, version: 1, material };
  return replaces(material, current.material, name, pins)
    ? { name, version: current.version + 1, material }
    : current;
}

/**
 * `trust: 'only'` without a root would trust no server at all, and neither would `server` without those of its trust
 * domain. A function may bring these later.
 *
 * @param certificates Those that are looked at, with the rules that name them.
 * @throws ERR_CLIENTCERT_CONFIG_INVALID, ERR_CLIENTCERT_BUNDLE_MISSING
 */
export function checkTrust(
  { certificates: sources, pins }: CheckedConfig,
  certificates: ReadonlyMap<string, CertificateVersion>,
): void {
  const isRootless = (version: CertificateVersion | undefined) => version?.material.ca.length === 0;
  const bringsBundles = (name: unknown) =>
    typeof name === 'string' && certificates.get(name)?.material.bundles !== undefined;
  const places = [
    ...[...pins.trustOnly]
      .filter((name) => sources.has(name) && isRootless(certificates.get(name)) && !bringsBundles(name))
      .map((name) => `certificate "${name}"`),
    ...rulesOf(pins)
      .filter(({ server, ca }) => server === undefined && ca === undefined)
      .filter(
        ({ trust, certificate }) =>
          trust === 'only' || (bringsBundles(certificate) && pins.trustOnly.has(certificate as string)),
      )
      .filter((rule) => isRootless(namedBy(rule, certificates)))
      .map(({ label }) => label),
  ];
  throwFailures([
    ...places.map(
      (place) =>
        new ClientCertificateError(
          'ERR_CLIENTCERT_CONFIG_INVALID',
          `${place}: trust "only" and no root to trust: every connection would fail`,
          { hint: 'Give the root of the server as "ca", or leave out "trust".' },
        ),
    ),
    ...rulesOf(pins).flatMap((rule) =>
      typeof rule.certificate === 'string' && typeof sources.get(rule.certificate) === 'object'
        ? findUnverifiable(rule, certificates)
        : [],
    ),
  ]);
}

/** The rules whose server nobody vouches for at this moment, each with why calls to it fail. */
export function unverifiable({ config, certificates }: Inventory): { rule: string; message: string }[] {
  return rulesOf(config.pins).flatMap((rule) =>
    findUnverifiable(rule, certificates).map(({ message }) => ({ rule: rule.label, message })),
  );
}

/** A rule whose certificate is of no help to verify the server that it names. */
function findUnverifiable(
  { server, ca, label: rule, certificate }: PinRule,
  certificates: ReadonlyMap<string, CertificateVersion>,
): ClientCertificateError[] {
  if (server === undefined || ca !== undefined || !certificate || !certificates.has(certificate)) return [];
  const decision = { rule, server, ca: [], authorities: [certificate] };
  const { roots } = lentRoots(decision, (name) => certificates.get(name)?.material);
  return roots.length > 0 ? [] : [bundleMissing(decision)];
}

async function loadProxy(
  { proxy, baseDirectory }: CheckedConfig,
  roots: ReadonlyMap<string, RuleRoots>,
  earlier: Inventory | undefined,
  until: AbortSignal | undefined,
): Promise<Inventory['proxy']> {
  if (typeof proxy !== 'object') return proxy;
  const { url, certificate } = proxy;
  const read = (signal?: AbortSignal) => readAuthorization(proxy, baseDirectory, signal);
  const asks = isFunction(proxy.authorization);
  const { value: authorization, ...origin } = await (asks && !earlier
    ? read()
    : withDeadline(`${proxyLabel}: authorization`, read, until).value);
  const loaded = { url, certificate, ca: roots.get(proxyLabel)?.reading.value ?? [], authorization, origin };
  return isEqual(loaded, earlier?.proxy) ? earlier?.proxy : loaded;
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** The cause holds all of them. */
function shorten(messages: readonly string[]): string {
  const shown = messages.slice(0, mostShown);
  return [...shown, ...(shown.length < messages.length ? ['…'] : [])].join('; ');
}

const mostShown = 20;

/** @param found In the config's order, with gaps where nothing failed. */
function throwFailures(found: readonly unknown[]): void {
  const failures = found.filter((failure) => failure !== undefined);
  const [first, ...others] = failures;
  if (first === undefined) return;
  if (others.length === 0 || !(first instanceof ClientCertificateError)) throw first;
  throw new ClientCertificateError(
    first.code,
    `${first.message} (and ${others.length} more: ${shorten(others.map((other) => (other as Error).message))})`,
    { hint: first.hint, cause: new AggregateError(failures) },
  );
}
