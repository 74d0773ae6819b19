import { Input, isRecord } from './input.ts';
import { withOwnVariables } from './own-variables.ts';
import type { Secrets } from './secrets.ts';

type Json = Readonly<Record<string, unknown>>;
/** In lists, so that what is written twice is seen. */
export type Entries = readonly (readonly [name: string, value: unknown])[];

/** What can be edited of a config: as rows of tables. */
export interface Draft {
  readonly certificates: Entries;
  readonly hosts: Entries;
  readonly services: Entries;
  /** `undefined` for none. */
  readonly default?: unknown;
}

const SECTIONS = ['certificates', 'hosts', 'services'] as const;

/** A config as a draft, without its secrets. */
export function draftOf(config: Json, secrets: Secrets): Draft {
  const entries = (section: (typeof SECTIONS)[number]) =>
    entriesOf(secrets.conceal(config[section], section));
  return {
    certificates: entries('certificates'),
    hosts: entries('hosts'),
    services: entries('services'),
    ...(config.default !== undefined && { default: secrets.conceal(config.default, 'default') }),
  };
}

/** A draft as the page sends it. */
export function readDraft(value: unknown): Draft {
  const input = new Input(value);
  const entries = (section: string): Entries =>
    input.list(section).map((entry) => {
      const [name, held] = Array.isArray(entry) ? (entry as unknown[]) : [];
      return [typeof name === 'string' ? name : '', held];
    });
  const fallback = input.get('default');
  return {
    certificates: entries('certificates'),
    hosts: entries('hosts'),
    services: entries('services'),
    ...(fallback !== undefined && fallback !== null && { default: fallback }),
  };
}

/** Where one name stands twice, which an object could not say. */
export function repeatedIn(draft: Draft): { path: string[]; message: string }[] {
  return SECTIONS.flatMap((section) => {
    const names = draft[section].map(([name]) => name);
    const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index));
    return [...twice].map((name) => ({
      path: [section, name],
      message: `the key ${JSON.stringify(name)} is written twice`,
    }));
  });
}

/** The config that a draft comes to: what it does not show stays as it is. */
export function compose(draft: Draft, config: Json, secrets: Secrets): Record<string, unknown> {
  const composed: Record<string, unknown> = { ...config };
  for (const section of SECTIONS) {
    const held = secrets.reveal(Object.fromEntries(draft[section]), section) as Json;
    if (Object.keys(held).length > 0 || config[section] !== undefined) composed[section] = held;
  }
  if (draft.default === undefined) delete composed.default;
  else composed.default = secrets.reveal(draft.default, 'default');
  return composed;
}

/**
 * A draft with the certificates and rules of another config. What is there stays: a certificate of the same name that is
 * another gets a number, and a host that has a rule keeps it.
 *
 * @returns With what was left out, and with variables that are called otherwise, because another certificate reads them.
 */
export function merge(draft: Draft, config: Json): { draft: Draft; left: string[]; renamed: string[] } {
  const left: string[] = [];
  const variables: string[] = [];
  const certificates = new Map(draft.certificates);
  const renamed = new Map<string, string>();
  for (const [name, source] of entriesOf(config.certificates)) {
    let free = name;
    for (let count = 2; certificates.has(free) && !same(certificates.get(free), source); count++)
      free = `${name}-${count}`;
    if (!certificates.has(free)) {
      const own = withOwnVariables(source, [...certificates]);
      certificates.set(free, own.source);
      for (const [from, to] of own.renamed)
        variables.push(`${free} reads ${to}, as ${from} is of another certificate`);
    }
    if (free !== name) renamed.set(name, free);
  }
  const rule = (held: unknown): unknown => {
    if (typeof held === 'string') return renamed.get(held) ?? held;
    return isRecord(held) && typeof held.certificate === 'string'
      ? { ...held, certificate: renamed.get(held.certificate) ?? held.certificate }
      : held;
  };
  const join = (section: 'hosts' | 'services', what: string) => {
    const rules = new Map(draft[section]);
    for (const [name, held] of entriesOf(config[section])) {
      if (!rules.has(name)) rules.set(name, rule(held));
      else if (!same(rules.get(name), rule(held))) left.push(`${what} ${name} has a rule already`);
    }
    return [...rules];
  };
  const hosts = join('hosts', 'the host');
  const services = join('services', 'the service');
  const fallback = config.default === undefined ? draft.default : (draft.default ?? rule(config.default));
  if (config.default !== undefined && !same(fallback, rule(config.default)))
    left.push('there is a default already');
  for (const key of Object.keys(config))
    if (!['$schema', 'default', ...SECTIONS].includes(key))
      left.push(`"${key}" is to be written into the file`);
  return {
    draft: {
      certificates: [...certificates],
      hosts,
      services,
      ...(fallback !== undefined && { default: fallback }),
    },
    left,
    renamed: variables,
  };
}

function entriesOf(value: unknown): [string, unknown][] {
  return isRecord(value) ? Object.entries(value) : [];
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
