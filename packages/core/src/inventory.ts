import type { X509Certificate } from 'node:crypto';
import type { CheckedConfig } from './config/check.ts';
import type { CheckedProxy } from './config/proxy.ts';
import { ClientCertificateError } from './errors.ts';
import { readRoots, readSource } from './load/index.ts';
import { resolvePassphrase } from './load/passphrase.ts';
import { createSurroundings } from './load/source.ts';
import { buildTable, type Table } from './pin/table.ts';
import type { CertificateVersion } from './tls/context.ts';
import type { CertificateSource } from './types.ts';

/** A config with everything it names read: certificates, roots, the proxy's authorization. */
export interface Inventory {
  readonly config: CheckedConfig;
  /** By name; a renewed one takes the place of the old. */
  readonly certificates: Map<string, CertificateVersion>;
  readonly table: Table;
  readonly proxy: LoadedProxy | 'env' | false | undefined;
}

export interface LoadedProxy {
  readonly url: URL;
  readonly certificate: string | undefined;
  readonly ca: readonly X509Certificate[];
  readonly authorization: string | undefined;
}

/** How many certificates are read at a time: enough to fill the thread pool, few enough to stay small. */
const concurrency = 8;

/**
 * Reads all that a config names. The first failure in the config's order is thrown; where there are more, its
 * message counts them and its cause holds them all.
 */
export async function loadInventory(config: CheckedConfig): Promise<Inventory> {
  const place = { baseDirectory: config.baseDirectory };
  const certificates = new Map<string, CertificateVersion>();
  const failures: unknown[] = [];
  const sources = [...config.certificates];
  await eachOf(sources, async ([name, source]) => {
    try {
      certificates.set(name, await readVersion(config, name, source, 1));
      config.onProgress?.({ loaded: certificates.size, total: sources.length, name });
    } catch (error) {
      failures[sources.findIndex(([candidate]) => candidate === name)] = error;
    }
  });
  const roots = new Map<unknown, readonly X509Certificate[]>();
  await eachOf(config.authorities, async ({ ca, label }, index) => {
    try {
      roots.set(ca, await readRoots(ca, { ...place, name: `${label}: ca` }));
    } catch (error) {
      failures[sources.length + index] = error;
    }
  });
  throwFailures(failures.filter((failure) => failure !== undefined));
  throwFailures(findUntrusting(config, certificates));
  return {
    config,
    certificates,
    table: buildTable(config.pins, (ca) => roots.get(ca) ?? []),
    proxy: typeof config.proxy === 'object' ? await loadProxy(config.proxy, place) : config.proxy,
  };
}

/** Reads one certificate, as a version of what stands under its name. */
export async function readVersion(
  { baseDirectory, expiryWarningDays }: CheckedConfig,
  name: string,
  source: CertificateSource,
  version: number,
): Promise<CertificateVersion> {
  const { certificate, files } = await readSource(source, { baseDirectory, expiryWarningDays, name });
  return { name, version, material: certificate, files: files.map(({ path }) => path) };
}

/** `trust: 'only'` without a root would trust no server at all. */
function findUntrusting(
  { certificates: sources, pins }: CheckedConfig,
  certificates: ReadonlyMap<string, CertificateVersion>,
): ClientCertificateError[] {
  const rootless = (name: unknown) => (certificates.get(`${name}`)?.material.ca.length ?? 0) === 0;
  const rules = [...pins.hosts, ...pins.services, ...(pins.default ? [pins.default] : [])];
  const places = [
    ...[...pins.trustOnly]
      .filter((name) => sources.has(name) && rootless(name))
      .map((name) => `certificate "${name}"`),
    ...rules
      .filter(({ trust, ca, certificate }) => trust === 'only' && !ca && rootless(certificate))
      .map(({ label }) => label),
  ];
  return places.map(
    (place) =>
      new ClientCertificateError(
        'ERR_CLIENTCERT_CONFIG_INVALID',
        `${place}: trust "only" and no root to trust: every connection would fail`,
        { hint: 'Give the root of the server as "ca", or leave out "trust".' },
      ),
  );
}

async function loadProxy(proxy: CheckedProxy, place: { baseDirectory: string }): Promise<LoadedProxy> {
  return {
    url: proxy.url,
    certificate: proxy.certificate,
    ca: proxy.ca ? await readRoots(proxy.ca, { ...place, name: 'proxy: ca' }) : [],
    authorization: (await resolvePassphrase(proxy.authorization, createSurroundings(place.baseDirectory)))
      .text,
  };
}

function throwFailures(failures: readonly unknown[]): void {
  const [first, ...others] = failures;
  if (first === undefined) return;
  if (others.length === 0 || !(first instanceof ClientCertificateError)) throw first;
  throw new ClientCertificateError(
    first.code,
    `${first.message} (and ${others.length} more: ${others.map((other) => (other as Error).message).join('; ')})`,
    { hint: first.hint, cause: new AggregateError(failures) },
  );
}

/** Runs `work` over all items, a few at a time. */
export async function eachOf<Item>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const run = async () => {
    for (let index = next++; index < items.length; index = next++) await work(items[index]!, index);
  };
  await Promise.all(Array.from({ length: concurrency }, run));
}
