import { quote, show } from '@clientcert/core/adapter';
import { UsageError } from '../command.ts';
import { isHost } from '../host.ts';
import { type Entry, type Findings, type Omitted, type Place, type Secret, variableOf } from './entry.ts';
import { isJson } from './settings.ts';

/** A config, and what a person has to do to it. */
export interface Imported {
  readonly config: object;
  /** The environment variables that have to hold passphrases or keys. */
  readonly variables: readonly string[];
  readonly omitted: readonly Omitted[];
  /** What was carried over, and is not quite what it was. */
  readonly notes?: readonly string[];
}

/**
 * The config for what was found in another tool's settings.
 *
 * @param rebase Makes a path relative to where the config will be.
 */
export function assemble(found: Findings, rebase: (path: string) => string): Imported {
  const certificates = new Map<string, object>();
  const known = new Map<string, string>();
  const rules = { hosts: new Map<string, unknown>(), services: new Map<string, unknown>() };
  const taken = new Set<string>();
  let fallback: unknown;
  const variables = new Variables();
  const numbering = new Numbering('-');

  for (const entry of found.entries) {
    const places = JSON.stringify({ ...entry, name: '', hosts: [], service: '', rule: {} });
    let name = known.get(`${entry.name ?? ''}${places}`) ?? known.get(places);
    if (name === undefined && (entry.pfx ?? entry.cert) !== undefined) {
      name = numbering.of(nameOf(entry), certificates);
      known.set(entry.name === undefined ? places : `${entry.name}${places}`, name);
      certificates.set(name, sourceOf(entry, name, variables, rebase));
    }
    const trusted = name === undefined ? trustOf(entry, entry.service ?? '', variables, rebase) : {};
    const options = { ...trusted, ...entry.rule };
    const plain = Object.keys(options).length === 0;
    if (name === undefined && plain) continue;
    const rule = plain ? name : { ...(name !== undefined && { certificate: name }), ...options };
    const refused = (host: string) =>
      found.leave(
        `${name === undefined ? 'what is said' : `certificate "${name}"`} for ${host}`,
        'an earlier entry has that host, which gets one certificate',
      );
    for (const host of entry.hosts) {
      if (host === '*') {
        if (fallback === undefined) fallback = rule;
        else if (!same(fallback, rule)) refused('every host');
        continue;
      }
      const target = host.includes(':') && !host.endsWith(']') ? host : `${host}:443`;
      if (!taken.has(target)) rules.hosts.set(host, rule);
      else if (!same(rules.hosts.get(host), rule)) refused(host);
      taken.add(target);
    }
    if (entry.service !== undefined) rules.services.set(entry.service, rule);
    if (entry.hosts.length > 0 || entry.service !== undefined) continue;
    const lost = Object.keys(options).map((option) => `"${option}"`);
    found.leave(
      [...(name === undefined ? [] : [`where certificate "${name}" goes`]), ...lost].join(', '),
      'no host is named: say it with --host, or write it under hosts',
    );
  }
  const { ca, ...options } = found.options;
  if (ca !== undefined) fallback = withRoots(fallback, certificates, rules, placesOf(ca, rebase));
  return {
    config: withoutEmpty({
      certificates: Object.fromEntries(certificates),
      hosts: Object.fromEntries(rules.hosts),
      services: Object.fromEntries(rules.services),
      default: fallback,
      ...options,
    }),
    variables: variables.names,
    omitted: found.omitted,
    notes: found.notes,
  };
}

/** Adds hosts that a person named: `HOST` where there is one certificate, else `HOST=NAME`. */
export function addHosts(found: Findings, given: readonly string[]): void {
  for (const each of given) {
    const [, host = '', name] = /^([^=]+)(?:=(.+))?$/.exec(each) ?? [];
    if (host !== '' && !isHost(host))
      throw new UsageError(`--host takes a host, or host:port, and not ${quote(host, 'host')}`);
    const fits = found.entries.flatMap((entry, index) =>
      name === undefined || name === entry.name || name === entry.service ? [index] : [],
    );
    const [index] = fits;
    if (host === '' || index === undefined || fits.length > 1) {
      const shown = name === undefined ? show(each, 'host') : `${host}=${show(name, 'name')}`;
      const names = found.entries.flatMap(({ name, service }) => name ?? service ?? []);
      throw new UsageError(
        index === undefined
          ? `--host ${shown} names nothing that is in the file`
          : `--host ${shown} does not say which of ${found.entries.length} goes there`,
        `Write --host HOST=NAME${names.length > 0 ? `; the names are ${names.join(', ')}` : ''}.`,
      );
    }
    const entry = found.entries[index]!;
    found.entries[index] = { ...entry, hosts: [...entry.hosts, host] };
  }
}

/** Roots for all hosts: where a rule names a certificate its own are trusted, so they stand in each place. */
function withRoots(
  fallback: unknown,
  certificates: Map<string, object>,
  rules: { hosts: Map<string, unknown>; services: Map<string, unknown> },
  ca: unknown,
): unknown {
  for (const [name, source] of certificates) certificates.set(name, { ca, ...source });
  for (const map of [rules.hosts, rules.services]) {
    for (const [key, rule] of map)
      if (isJson(rule) && !('certificate' in rule)) map.set(key, { ca, ...rule });
  }
  return fallback ?? { ca };
}

function sourceOf(
  entry: Entry,
  name: string,
  variables: Variables,
  rebase: (path: string) => string,
): object {
  const { pfx, cert, key, alias } = entry;
  return {
    ...(pfx !== undefined ? { pfx: secretPlace(pfx, name, variables, rebase) } : {}),
    ...(cert !== undefined ? { cert: secretPlace(cert, name, variables, rebase) } : {}),
    ...(key !== undefined && { key: secretPlace(key, name, variables, rebase) }),
    ...secret('passphrase', entry.passphrase, name, variables, rebase),
    ...secret('keyPassphrase', entry.keyPassphrase, name, variables, rebase),
    ...(alias !== undefined && { alias }),
    ...trustOf(entry, name, variables, rebase),
  };
}

function trustOf(
  { ca, caPassphrase, trust }: Entry,
  name: string,
  variables: Variables,
  rebase: (path: string) => string,
): object {
  if (ca === undefined || ca.length === 0) return {};
  const held = placesOf(ca, rebase);
  return {
    ca:
      caPassphrase === undefined
        ? held
        : { file: held, ...secret('passphrase', caPassphrase, `${name} roots`, variables, rebase) },
    ...(trust !== undefined && { trust }),
  };
}

function placesOf(places: readonly Place[], rebase: (path: string) => string): unknown {
  const all = places.map((place) => publicPlace(place, rebase));
  return all.length === 1 ? all[0] : all;
}

function publicPlace(place: Place, rebase: (path: string) => string): unknown {
  if ('path' in place) return rebase(place.path);
  return 'text' in place ? place.text : place;
}

/** A key that stands in the settings is a secret as a passphrase is. */
function secretPlace(
  place: Place,
  name: string,
  variables: Variables,
  rebase: (path: string) => string,
): unknown {
  if ('text' in place && /PRIVATE KEY/.test(place.text)) return { env: variables.take(name, 'KEY') };
  if ('env' in place) variables.add(place.env);
  return publicPlace(place, rebase);
}

function secret(
  option: 'passphrase' | 'keyPassphrase',
  given: Secret | undefined,
  name: string,
  variables: Variables,
  rebase: (path: string) => string,
): object {
  if (given === undefined) return {};
  if (given === 'written')
    return {
      [option]: { env: variables.take(name, option === 'passphrase' ? 'PASSPHRASE' : 'KEY_PASSPHRASE') },
    };
  if ('file' in given) return { [option]: { file: rebase(given.file) } };
  variables.add(given.env);
  return { [option]: given };
}

/** The variables that a config needs, each of which stands for one thing. */
export class Variables {
  readonly #names = new Set<string>();
  readonly #free = new Numbering('_');

  get names(): string[] {
    return [...this.#names];
  }

  add(name: string): void {
    this.#names.add(name);
  }

  take(name: string, what: 'PASSPHRASE' | 'KEY' | 'KEY_PASSPHRASE'): string {
    const free = this.#free.of(variableOf(name, what), this.#names);
    this.#names.add(free);
    return free;
  }
}

/** Tells those apart that would be called the same. */
class Numbering {
  readonly #joint: string;
  readonly #last = new Map<string, number>();

  constructor(joint: string) {
    this.#joint = joint;
  }

  of(wanted: string, taken: { has(name: string): boolean }): string {
    // From where the last one was found: thousands may be called the same.
    for (let count = this.#last.get(wanted) ?? 1; ; count++) {
      const free = count === 1 ? wanted : `${wanted}${this.#joint}${count}`;
      if (taken.has(free)) continue;
      this.#last.set(wanted, count);
      return free;
    }
  }
}

function nameOf({ name, service, hosts, pfx, cert }: Entry): string {
  const place = pfx ?? cert!;
  const file =
    'path' in place
      ? place.path
          .split(/[/\\]/)
          .at(-1)!
          .replace(/\.[^.]+$/, '')
      : hosts[0]?.replace(/(?<!:):(?:\d+|\*)$/, '');
  return (name ?? service ?? file ?? '').trim().replace(/^\*(?=$)/, '') || 'certificate';
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

export function withoutEmpty(config: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(config).filter(
      ([, value]) => value !== undefined && (!isJson(value) || Object.keys(value).length > 0),
    ),
  );
}
