import { latePattern } from '../late-pattern.ts';
import type { Issue } from '../pin/issue.ts';
import { formatPattern, parsePattern } from '../pin/pattern.ts';
import { isPlausible, quote } from '../quote.ts';
import type { CertificateSource, Config, HostPin, ServicePin } from '../types.ts';
import { configError } from './config-error.ts';
import { findJsonMistake } from './json.ts';

/**
 * Mendix's settings as they stand in a runtime configuration, each as the text that is written there or as the list
 * or object that it means.
 */
export interface MendixSettings {
  /** Paths separated by commas, backslashes not doubled. */
  ClientCertificates?: string | readonly string[] | undefined;
  /** In the same order; with a single certificate the whole text, commas included. */
  ClientCertificatePasswords?: string | readonly string[] | undefined;
  /** `{"Module.WebService": "D:\\App\\Mx1.pfx", "www.example.com": "D:\\App\\Mx2.pfx"}`, an empty path for none. */
  ClientCertificateUsages?: string | Readonly<Record<string, string>> | undefined;
  /** Names of web services and hosts that never get a certificate, separated by commas. */
  NoClientCertificateUsages?: string | readonly string[] | undefined;
  /** Paths separated by commas. */
  CACertificates?: string | readonly string[] | undefined;
}

/**
 * The config that a Mendix app's settings amount to. The settings may also stand among environment variables,
 * under their own names or after `MXRUNTIME_`.
 *
 * The name of a web service becomes a service, that of a host a host on any port, and a name that could be either
 * both; a URL is an error. A single certificate is the default unless a usage names it; an empty path denies, as
 * `NoClientCertificateUsages` does. `CACertificates` are trusted on every connection.
 *
 * @throws `ERR_CLIENTCERT_CONFIG_INVALID` where the settings do not fit together.
 * @see https://docs.mendix.com/howto/integration/use-a-client-certificate/
 * @example
 * import { fromMendixSettings, loadCredentials } from '@clientcert/core';
 * const credentials = await loadCredentials(
 *   fromMendixSettings({
 *     ClientCertificates: String.raw`D:\App\Mx1.pfx, D:\App\Mx2.pfx`,
 *     ClientCertificatePasswords: process.env.MX_PASSWORDS,
 *     ClientCertificateUsages: String.raw`{"Billing.Invoices": "D:\\App\\Mx1.pfx", "api.bank.example": "D:\\App\\Mx2.pfx"}`,
 *   }),
 * );
 */
export function fromMendixSettings(settings: MendixSettings | NodeJS.ProcessEnv = process.env): Config {
  const issues: Issue[] = [];
  const given = (name: Setting) => own(settings, name) ?? own(settings, `MXRUNTIME_${name}`);
  const paths = readList('ClientCertificates', given('ClientCertificates'), issues);
  const ca = readList('CACertificates', given('CACertificates'), issues);
  const denied = readList('NoClientCertificateUsages', given('NoClientCertificateUsages'), issues);
  const passwords = readPasswords(given('ClientCertificatePasswords'), paths, issues);
  const usages = readUsages(given('ClientCertificateUsages'), issues);
  if (paths.length + ca.length + denied.length + usages.length === 0 && issues.length === 0) {
    issues.push(wrong('ClientCertificates', 'is not set'));
  }
  // An empty path says what NoClientCertificateUsages says, and nothing of the hosts that it does not name.
  const assigns = usages.some(([, path]) => path !== '');
  if (paths.length > 1 && !assigns && issues.length === 0) issues.push(usagesNeeded(paths));

  const names = nameCertificates(paths);
  if (names.size < paths.length) issues.push(wrong('ClientCertificates', 'names a file twice'));
  const rules: Rules = { hosts: new Map(), services: new Map() };
  for (const [identifier, path] of usages) {
    const name = path === '' ? false : names.get(comparable(path));
    if (name === undefined) issues.push(notListed(identifier, path, paths));
    else issues.push(...addUsage(rules, 'ClientCertificateUsages', identifier, name));
  }
  for (const identifier of denied) {
    issues.push(...addUsage(rules, 'NoClientCertificateUsages', identifier, false));
  }
  if (issues.length > 0) throw configError(issues, "Mendix's settings");

  const certificates = [...names.values()].map((name, index): [string, CertificateSource] => [
    name,
    { pfx: paths[index]!, passphrase: passwords[index], ...(ca.length > 0 ? { ca } : {}) },
  ]);
  const [only] = names.values();
  const fallback = !assigns && only !== undefined ? only : ca.length > 0 ? { ca } : undefined;
  const withRoots = (rule: string | false) =>
    rule === false && ca.length > 0 ? { certificate: rule, ca } : rule;
  return {
    certificates: Object.fromEntries(certificates),
    hosts: Object.fromEntries(
      [...rules.hosts].map(([host, rule]): [string, HostPin] => [host, withRoots(rule)]),
    ),
    services: Object.fromEntries(
      [...rules.services].map(([service, rule]): [string, ServicePin] => [service, withRoots(rule)]),
    ),
    default: fallback,
  };
}

type Setting = keyof MendixSettings;

interface Rules {
  readonly hosts: Map<string, string | false>;
  readonly services: Map<string, string | false>;
}

function own(settings: object, name: string): unknown {
  const value: unknown = Object.hasOwn(settings, name) ? Reflect.get(settings, name) : undefined;
  return value === '' ? undefined : value;
}

function readList(setting: Setting, value: unknown, issues: Issue[]): string[] {
  if (value === undefined || value === null) return [];
  const items: unknown[] | undefined =
    typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : undefined;
  if (items?.every((item) => typeof item === 'string')) {
    return items.map((item) => item.trim()).filter((item) => item !== '');
  }
  issues.push(wrong(setting, 'is neither a text with commas nor a list of texts'));
  return [];
}

/** The passphrases in the order of the certificates, out of sight of whoever prints the config. */
function readPasswords(
  value: unknown,
  paths: readonly string[],
  issues: Issue[],
): ((() => string) | undefined)[] {
  if (value === undefined || value === null) return [];
  const whole = typeof value === 'string' && paths.length === 1 ? [value] : value;
  const items: unknown = typeof whole === 'string' ? whole.split(',') : whole;
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'string')) {
    issues.push(wrong('ClientCertificatePasswords', 'is neither a text with commas nor a list of texts'));
    return [];
  }
  if (items.length !== paths.length) {
    issues.push(
      wrong(
        'ClientCertificatePasswords',
        `has ${items.length} entries for ${paths.length} in ClientCertificates: there is one for each, in the same order (a password with a comma needs the settings as a list)`,
      ),
    );
    return [];
  }
  // Blanks around a comma are punctuation; in a list they belong to the password.
  return items.map((item: string) => {
    const password = Array.isArray(value) ? item : item.trim();
    return password === '' ? undefined : () => password;
  });
}

function readUsages(value: unknown, issues: Issue[]): [string, string][] {
  const parsed = typeof value === 'string' ? parseUsages(value, issues) : value;
  if (parsed === undefined || parsed === null) return [];
  if (typeof parsed !== 'object' || Array.isArray(parsed)) {
    issues.push(wrong('ClientCertificateUsages', `is not written as ${EXAMPLE}`));
    return [];
  }
  return Object.entries(parsed).flatMap(([identifier, path]: [string, unknown]): [string, string][] => {
    if (typeof path === 'string' && !CONTROL().test(path)) return [[identifier.trim(), path.trim()]];
    const problem =
      typeof path === 'string' ? `has a control character in its path: ${DOUBLED}` : 'has no path';
    issues.push(wrong('ClientCertificateUsages', problem, identifier));
    return [];
  });
}

const CONTROL = latePattern(String.raw`\p{Cc}`);

const EXAMPLE = String.raw`{"Module.WebService": "D:\\App\\Mx1.pfx", "www.example.com": "D:\\App\\Mx2.pfx"}`;
const DOUBLED = 'backslashes are doubled in this setting';

function parseUsages(text: string, issues: Issue[]): unknown {
  const mistake = findJsonMistake(text);
  if (mistake === undefined) return JSON.parse(text);
  const single = /(^|[^\\])\\([^"\\/bfnrtu]|u(?![\da-fA-F]{4}))/.test(text) ? `: ${DOUBLED}` : '';
  issues.push(
    wrong(
      'ClientCertificateUsages',
      `line ${mistake.line}, column ${mistake.column}: ${single === '' ? mistake.message : `a backslash stands alone${single}`}; it is written as ${EXAMPLE}`,
    ),
  );
  return undefined;
}

/** A name for each path: what the file is called, and a number where two are called the same. */
function nameCertificates(paths: readonly string[]): Map<string, string> {
  const names = new Map<string, string>();
  const taken = new Set<string>();
  const numbers = new Map<string, number>();
  for (const path of paths) {
    const last = path.split(/[/\\]/).at(-1)!;
    // What is no path may be a password, and a name is shown.
    const file = (isPlausible(path, 'path') && last.replace(/\.[^.]+$/, '')) || 'certificate';
    // From where the last one was found: thousands may be called the same.
    let count = numbers.get(file) ?? 1;
    const numbered = () => (count === 1 ? file : `${file}-${count}`);
    while (taken.has(numbered())) count++;
    numbers.set(file, count);
    const name = numbered();
    taken.add(name);
    names.set(comparable(path), name);
  }
  return names;
}

/** Paths are the same with either slash, and on a Windows drive in either case. */
function comparable(path: string): string {
  const slashed = path.trim().replace(/[\\/]+/g, '/');
  return /^[a-z]:/i.test(slashed) ? slashed.toLowerCase() : slashed;
}

/** Module and service are Mendix identifiers: letters, digits and underscores, and one dot between them. */
const SERVICE = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)?$/;

function addUsage(rules: Rules, setting: Setting, identifier: string, rule: string | false): Issue[] {
  if (identifier === '') return [wrong(setting, 'has an empty name')];
  const { pattern, problem } = parsePattern(identifier, '*');
  // Mendix compares names of web services and of hosts: a URL would be neither, and stand for nothing.
  if (pattern === undefined && /[/\\?#@:*]/.test(identifier)) return [wrong(setting, problem, identifier)];
  const places: [Map<string, string | false>, string][] = [];
  if (pattern !== undefined) places.push([rules.hosts, formatPattern(pattern)]);
  if (pattern === undefined || SERVICE.test(identifier)) places.push([rules.services, identifier]);
  const contradicts = places.some(([held, key]) => held.has(key) && held.get(key) !== rule);
  if (contradicts)
    return [
      wrong(setting, 'is given a certificate in one place and another, or none, in a second', identifier),
    ];
  for (const [held, key] of places) held.set(key, rule);
  return [];
}

function usagesNeeded(paths: readonly string[]): Issue {
  const [first, second] = paths.map((path) =>
    JSON.stringify(isPlausible(path, 'path') ? path : 'client.pfx'),
  );
  const example = `{"Module.WebService": ${first}, "www.example.com": ${second}}`;
  return wrong(
    'ClientCertificateUsages',
    `is needed to tell which of the ${paths.length} certificates goes where, by the names of web services and hosts: ${example}`,
  );
}

/** So many are read by somebody. */
const MOST_LISTED = 8;

function notListed(identifier: string, path: string, paths: readonly string[]): Issue {
  const listed = paths.slice(0, MOST_LISTED).map((each) => quote(each, 'path'));
  const more = paths.length - listed.length;
  if (more > 0) listed.push(`and ${more} more`);
  return wrong(
    'ClientCertificateUsages',
    `names ${quote(path, 'path')}, which is not in ClientCertificates (${listed.join(', ') || 'empty'})`,
    identifier,
  );
}

function wrong(setting: Setting, message: string, ...rest: string[]): Issue {
  return { code: 'ERR_CLIENTCERT_CONFIG_INVALID', path: [setting, ...rest], message };
}
