import type { X509Certificate } from 'node:crypto';
import { ClientCertificateError } from '../errors.ts';
import { copyOf } from '../load/stored-certificate.ts';
import { quote } from '../quote.ts';
import type { Resolution, Target } from '../types.ts';
import { didYouMean } from './did-you-mean.ts';
import { findRank } from './lookup.ts';
import { compileResolution, type RootsOf } from './merge-rules.ts';
import { type PinRule, rulesOf } from './rule.ts';
import { checkService } from './service-name.ts';
import { type Entry, entryOf, findEntry, locate, type ServiceEntry, type Table } from './table.ts';
import { type Destination, parseTarget } from './target.ts';

/**
 * Which certificate goes to a target, over which TLS versions, trusting whom. Sync and without I/O.
 *
 * @throws `ERR_CLIENTCERT_HOST_INVALID`, `ERR_CLIENTCERT_SERVICE_UNKNOWN`
 */
export function resolve(table: Table, target: Target): Resolution {
  const { host, port, secure, service, origin } = parseTarget(target);
  if (secure) return resolveHost(table, host, port, service, origin);
  if (typeof service === 'string') findService(table, service);
  return resolutionOf(table, table.none);
}

/**
 * The decision for a host and port as they are dialled, in the same time however many rules there are.
 *
 * The first that applies wins: the request's `false`, the service's own rule, the exact host and port, the exact
 * host on any port, a wildcard with the port, a wildcard on any port, the default, none.
 *
 * @param text The host as it is dialled, in any spelling.
 * @param as The service as which the call is made; `false` for no certificate.
 * @param origin The origin that the caller's own request named (from `parseOrigin`); `undefined` where it is this
 *   very host and port, `null` where it is known to be another.
 * @throws `ERR_CLIENTCERT_HOST_INVALID`, `ERR_CLIENTCERT_SERVICE_UNKNOWN`
 */
export function resolveHost(
  table: Table,
  text: string,
  port: number,
  as?: string | false | undefined,
  origin?: Destination | null | undefined,
): Resolution {
  const located = locate(table, text);
  const entry = findEntry(table, located, port);
  if (as === undefined) return resolutionOf(table, entry);
  if (as === false) return withheldOf(table, entry);
  const service = findService(table, as);
  const match = matchService(service, entry, located.host, port, origin);
  if (match === 'applies') return refinedOf(table, entry, service);
  const isMeant = match === 'denied' && service.hosts === undefined;
  return isMeant && service.rule.required
    ? refinedOf(table, entry, service, true)
    : resolutionOf(table, entry);
}

/**
 * The decision for a host and port with a further rule laid over the host's own, as that of a service is.
 *
 * @param roots The certificates of that rule's `ca`.
 */
export function resolveUnder(
  table: Table,
  rule: PinRule,
  roots: readonly X509Certificate[],
  host: string,
  port: number,
): Resolution {
  const entry = findEntry(table, locate(table, host), port);
  const rootsOf: RootsOf = (ca) => (ca === rule.ca ? roots : table.roots(ca));
  return compileResolution(
    { pins: table.pins, roots: rootsOf },
    { label: rule.label, host: entry.rule, service: rule, withheld: false },
  );
}

/**
 * The rules of a service, by its name.
 *
 * @throws `ERR_CLIENTCERT_SERVICE_UNKNOWN` with the nearest names.
 */
export function findService(table: Table, name: string): ServiceEntry {
  checkService(name);
  const service = table.services.get(name);
  if (service !== undefined) return service;
  const near = didYouMean(name, table.services.keys());
  const isCertificate = rulesOf(table.pins).some(({ certificate }) => certificate === name);
  // What is near to a name was meant as that name.
  const shown = quote(name, near === '' && !isCertificate ? 'name' : 'chosen');
  if (isCertificate) {
    const message = `${shown} is a certificate and no service: a call is made as a service, or is decided by its host`;
    const hint = `Leave it out where the host's own rule names ${shown}, or add a service: services: { ${shown}: ${shown} }.`;
    throw new ClientCertificateError('ERR_CLIENTCERT_SERVICE_UNKNOWN', message, { hint });
  }
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_SERVICE_UNKNOWN',
    `no service is called ${shown}${near === '' ? '' : `: ${near}`}`,
    { hint: 'Add it under `services`, or leave the service out to be decided by host alone.' },
  );
}

/** A decision as a caller gets it: they could write into the bytes of certificates that others share. */
export function handOut(resolution: Resolution): Resolution {
  if (resolution.ca.length === 0) return resolution;
  return Object.freeze({ ...resolution, ca: Object.freeze(resolution.ca.map(copyOf)) });
}

/** Whether a service's rule applies, or what keeps it from applying. */
export type ServiceMatch = 'applies' | 'elsewhere' | 'other-origin' | 'denied';

export function matchService(
  service: ServiceEntry,
  entry: Entry,
  host: string,
  port: number,
  origin: Destination | null | undefined,
): ServiceMatch {
  const denied = entry.rule.certificate === false;
  if (service.hosts === undefined) {
    if (origin === null) return 'other-origin';
    if (origin !== undefined && !isAt(origin, host, port)) return 'other-origin';
    return denied ? 'denied' : 'applies';
  }
  const rank = findRank(service.hosts, host, port);
  if (rank === undefined) return 'elsewhere';
  // Only a wildcard of the service gets here with a more specific `false`: the rest is refused at load time.
  return denied && entry.rank < rank ? 'denied' : 'applies';
}

function isAt(origin: Destination, host: string, port: number): boolean {
  return origin.secure && origin.port === port && origin.host === host;
}

function resolutionOf(table: Table, entry: Entry): Resolution {
  const decided = entryOf(table, entry);
  decided.resolution ??= compile(table, entry.rule.label, entry, undefined);
  return decided.resolution;
}

function withheldOf(table: Table, entry: Entry): Resolution {
  const decided = entryOf(table, entry);
  decided.withheld ??= compile(table, 'request', entry, undefined, true);
  return decided.withheld;
}

/** @param isUnmet Where the host is never presented a certificate, and the service says `required`: nobody connects. */
function refinedOf(table: Table, entry: Entry, service: ServiceEntry, isUnmet = false): Resolution {
  const decided = entryOf(table, entry);
  const known = decided.refined?.get(service);
  if (known !== undefined) return known;
  const resolution = isUnmet
    ? Object.freeze({ ...resolutionOf(table, entry), required: true })
    : compile(table, service.rule.label, entry, service);
  decided.refined ??= new Map();
  decided.refined.set(service, resolution);
  return resolution;
}

function compile(
  table: Table,
  label: string,
  entry: Entry,
  service: ServiceEntry | undefined,
  withheld = false,
): Resolution {
  return compileResolution(table, { label, host: entry.rule, service: service?.rule, withheld });
}
