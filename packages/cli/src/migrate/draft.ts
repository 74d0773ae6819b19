import { basename, extname, isAbsolute, relative, resolve } from 'node:path';
import { variableOf } from '../other/entry.ts';
import type { Identity } from './identity.ts';
import type { Material } from './material.ts';
import { Refused } from './refused.ts';
import type { Site } from './site.ts';

type Json = Record<string, unknown>;

/** What one place got in the config. */
export interface Placed {
  readonly certificate: string;
  readonly hosts: readonly string[];
  readonly service: string | undefined;
  readonly notes: readonly string[];
  /** The environment variable that a passphrase has to be moved to. */
  readonly variable: string | undefined;
}

/** The config that the code is to load: the one that is there, with what is found beside it. */
export class Draft {
  readonly #config: Json;
  readonly #directory: string;
  /** Where programs are started: there the paths begin that the code gives to `readFileSync`. */
  readonly #startedIn: string;
  /** Where each rule comes from, as it is told. */
  readonly #origin: Map<string, string>;

  constructor(config: Json, directory: string, startedIn: string, origin: Map<string, string> = new Map()) {
    this.#config = config;
    this.#directory = directory;
    this.#startedIn = startedIn;
    this.#origin = origin;
  }

  /** One that can be thrown away. */
  copy(): Draft {
    return new Draft(structuredClone(this.#config), this.#directory, this.#startedIn, new Map(this.#origin));
  }

  get config(): Json {
    return this.#config;
  }

  /**
   * @param given Hosts of the command line, for what the code does not say.
   * @param at The place, as it is told.
   * @throws Refused where no rule can say the same
   */
  place(site: Site, given: readonly string[], at: string): Placed {
    const { identity, hosts: found, service: takes, notes } = site;
    const known = found && found.length > 0 ? found : given;
    if (known.length === 0 && takes !== 'anywhere')
      throw new Refused('the code does not say which hosts it is for', 'Say it: --host api.bank.example');
    const { name, source, variable } = this.#certificate(identity);
    const extra = ruleOf(identity);
    const hosts = this.#section('hosts');
    const value = extra ? { certificate: name, ...extra } : name;
    const taken = known.find((host) => Object.hasOwn(hosts, host) && !areSame(hosts[host], value));
    if (taken !== undefined && takes === 'never')
      throw new Refused(
        `${taken} has another rule already, from ${this.#origin.get(taken) ?? 'the config'}`,
        'Several certificates for one host: give each a service (guides/several-certificates).',
      );
    const isService = known.length === 0 || taken !== undefined;
    const rule = taken === undefined ? value : { certificate: name, ...extra, hosts: [...known] };
    const service = isService ? this.#service(name, rule) : undefined;
    this.#section('certificates')[name] = source;
    for (const host of isService ? [] : known) {
      hosts[host] = value;
      if (!this.#origin.has(host)) this.#origin.set(host, at);
    }
    const placed = { certificate: name, hosts: known, service, variable };
    return { ...placed, notes: [...notes, ...this.#notes(site, placed, taken)] };
  }

  /** One of this rule; two certificates of one name may be at different hosts. */
  #service(wanted: string, rule: unknown): string {
    const services = this.#section('services');
    for (let index = 1; ; index += 1) {
      const name = index === 1 ? wanted : `${wanted}-${index}`;
      if (Object.hasOwn(services, name) && !areSame(services[name], rule)) continue;
      services[name] = rule;
      return name;
    }
  }

  #notes({ identity }: Site, { service }: Omit<Placed, 'notes'>, taken: string | undefined): string[] {
    const notes: string[] = [];
    if (taken !== undefined)
      notes.push(
        `${taken} has another certificate already, from ${this.#origin.get(taken) ?? 'the config'}: these calls are made as the service "${service}"`,
      );
    else if (service !== undefined)
      notes.push(
        `the code does not say for which hosts: it is the service "${service}", whose certificate goes to the host that a call names; give the service its hosts, or run again with --host`,
      );
    if (identity.ca.length > 0)
      notes.push('as before, no root but ca is trusted: drop trust from the config to trust Node’s too');
    return notes;
  }

  /** The entry that has the same source, else a new one. */
  #certificate(identity: Identity): { name: string; source: Json; variable: string | undefined } {
    const certificates = this.#section('certificates');
    const { pfx, cert, key, ca, passphrase } = identity;
    const isWritten = passphrase === 'written in the code';
    const make = (variable: string): Json => ({
      ...(pfx && { pfx: this.#material(pfx) }),
      ...(cert && { cert: listOrOne(cert.map((each) => this.#material(each))) }),
      ...(key && { key: this.#material(key) }),
      ...(passphrase && {
        passphrase: isWritten
          ? { env: variable }
          : 'env' in passphrase
            ? { env: passphrase.env }
            : { file: this.#material(passphrase) },
      }),
      ...(ca.length > 0 && { ca: listOrOne(ca.map((each) => this.#material(each))), trust: 'only' }),
    });
    const wanted = nameOf(pfx ?? cert![0]!);
    for (let index = 1; ; index += 1) {
      const name = index === 1 ? wanted : `${wanted}-${index}`;
      const variable = variableOf(name);
      const source = make(variable);
      const before = Object.hasOwn(certificates, name) ? certificates[name] : undefined;
      if (before === undefined || areSame(before, source))
        return { name, source, variable: isWritten ? variable : undefined };
    }
  }

  #material(material: Material): unknown {
    if ('env' in material) return { env: material.env };
    const { file, besideCode } = material;
    if (isAbsolute(file) && !besideCode) return file;
    return relative(this.#directory, resolve(this.#startedIn, file)).replaceAll('\\', '/');
  }

  #section(name: string): Json {
    this.#config[name] ??= {};
    return this.#config[name] as Json;
  }
}

function areSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function ruleOf({ tls, servername }: Identity): Json | undefined {
  if (tls === undefined && servername === undefined) return undefined;
  return { ...(tls !== undefined && { tls }), ...(servername !== undefined && { servername }) };
}

function listOrOne(list: readonly unknown[]): unknown {
  return list.length === 1 ? list[0] : list;
}

/** As its file is called, or its variable. */
function nameOf(material: Material): string {
  if ('env' in material) return material.env.toLowerCase().replaceAll('_', '-');
  return basename(material.file, extname(material.file)).replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'certificate';
}
