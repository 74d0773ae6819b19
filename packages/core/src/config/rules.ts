import { isIP } from 'node:net';
import { entriesInTurns, inTurns } from '../load/turn.ts';
import { normaliseHost } from '../pin/host.ts';
import { formatPath, type Issue } from '../pin/issue.ts';
import { type HostPattern, parsePattern } from '../pin/pattern.ts';
import { type HostRule, type PinRule, type Pins, type ServiceRule, SILENT } from '../pin/rule.ts';
import type { Config, HostPin, ServicePin, TlsRange, Warning } from '../types.ts';
import { checkCertificateName, checkName } from './names.ts';
import { toList } from './proxy.ts';
import { checkServer } from './server.ts';
import { checkSpki } from './spki.ts';
import { checkTls } from './tls.ts';

export interface CheckedRules {
  readonly pins: Pins;
  readonly issues: readonly Issue[];
  readonly warnings: readonly Warning[];
}

interface Notes {
  /** The certificates there are; `undefined` where that cannot be told. */
  readonly known: ReadonlySet<string> | undefined;
  readonly issues: Issue[];
  readonly warnings: Warning[];
}

type Path = readonly (string | number)[];

/** Reads every rule of a config. A rule with an error is left out, so that the others can still be compared. */
export async function checkRules(
  config: Config,
  known: ReadonlySet<string> | undefined,
): Promise<CheckedRules> {
  const notes: Notes = { known, issues: [], warnings: [] };
  const tls = config.tls === undefined ? undefined : note(notes, checkTls(config.tls, ['tls']));
  if (tls?.legacy) {
    notes.warnings.push({
      code: 'LEGACY_TLS',
      message: 'tls: legacy TLS is allowed for every host: pin it to the hosts that need it',
    });
  }
  const hosts: HostRule[] = [];
  await entriesInTurns(config.hosts ?? {}, (host, pin) => {
    const rule = checkHostRule(notes, host, pin);
    if (rule !== undefined) hosts.push(rule);
  });
  const services: ServiceRule[] = [];
  await entriesInTurns(config.services ?? {}, async (name, pin) => {
    const rule = await checkService(notes, name, pin);
    if (rule !== undefined) services.push(rule);
  });
  const pins: Pins = {
    hosts,
    services,
    default: checkDefault(notes, config.default),
    tls: tls ?? DEFAULT_TLS,
    saysTls: tls !== undefined,
    trustOnly: new Set(),
  };
  return { pins, issues: notes.issues, warnings: notes.warnings };
}

/** What Node itself allows, whatever the process was started with. */
const DEFAULT_TLS: TlsRange = Object.freeze({ min: 'TLSv1.2', max: 'TLSv1.3', legacy: false });

function checkHostRule(notes: Notes, host: string, pin: HostPin): HostRule | undefined {
  const path = ['hosts', host];
  const rule = checkRule(notes, path, pin);
  const denies = rule?.certificate === false;
  const pattern = checkPattern(notes, path, host, denies ? '*' : 443);
  if (rule === undefined || pattern === undefined) return undefined;
  checkRequired(notes, rule);
  checkRoots(notes, rule);
  return { ...rule, pattern };
}

async function checkService(notes: Notes, name: string, pin: ServicePin): Promise<ServiceRule | undefined> {
  const path = ['services', name];
  notes.issues.push(...checkName(path, name));
  const rule = checkRule(notes, path, pin);
  if (rule === undefined) return undefined;
  const written = typeof pin === 'object' ? pin.hosts : undefined;
  const hosts: HostPattern[] = [];
  await inTurns(written ?? [], (host, index) => {
    const pattern = checkPattern(notes, [...path, 'hosts', index], host, 443);
    if (pattern !== undefined) hosts.push(pattern);
  });
  if (rule.dangerouslyAcceptAnyServer === true && rule.certificate === undefined) {
    const message =
      'the host\'s certificate would go to an unverified server: say certificate: false, or "and-present-certificate"';
    fail(notes, [...path, 'dangerouslyAcceptAnyServer'], message, 'ERR_CLIENTCERT_VERIFICATION_OFF');
  }
  if (rule.certificate === false) checkRequired(notes, rule);
  if (hosts.length < (written?.length ?? 0)) return undefined;
  return { ...rule, name, hosts: written && hosts };
}

function checkDefault(notes: Notes, pin: HostPin | undefined): PinRule | undefined {
  if (pin === undefined || pin === false) return undefined;
  const rule = checkRule(notes, ['default'], pin);
  if (rule === undefined) return undefined;
  checkRequired(notes, rule);
  checkRoots(notes, rule);
  // It names no host, so it keeps no service from presenting its own.
  return rule.certificate === false ? { ...rule, certificate: undefined } : rule;
}

function checkRequired(notes: Notes, { path, required, certificate }: PinRule): void {
  if (!required || typeof certificate === 'string') return;
  fail(notes, [...path, 'required'], 'there is no certificate to require: name one, or leave it out');
}

/** Whom to trust for a server's id, Node does not know; what a service does not bring, the rule of the host may. */
function checkRoots(notes: Notes, { path, server, ca, certificate }: PinRule): void {
  if (server === undefined || ca !== undefined || typeof certificate === 'string') return;
  const message =
    'there are no roots to verify it by: add `ca`, or a certificate whose source says `bundles`';
  fail(notes, [...path, 'server'], message);
}

/** What host rules and service rules have in common; `undefined` where it cannot be used. */
function checkRule(notes: Notes, path: Path, pin: HostPin | ServicePin): PinRule | undefined {
  const label = formatPath(path);
  const before = notes.issues.length;
  if (pin === false) return { ...SILENT, label, path, certificate: false };
  if (typeof pin === 'string') {
    notes.issues.push(...checkCertificateName(path, pin, notes.known));
    return { ...SILENT, label, path, certificate: pin };
  }
  const { certificate, trust, required, dangerouslyAcceptAnyServer: anyServer, allowDowngrade } = pin;
  const says = Object.entries(pin).filter(([key, value]) => key !== 'hosts' && value !== undefined);
  if (says.length === 0) fail(notes, path, 'says nothing: name a certificate, or write false for none');
  if (typeof certificate === 'string') {
    notes.issues.push(...checkCertificateName([...path, 'certificate'], certificate, notes.known));
  }
  const tls = pin.tls === undefined ? undefined : note(notes, checkTls(pin.tls, [...path, 'tls']));
  const spki = pin.spki === undefined ? undefined : note(notes, checkSpki(pin.spki, [...path, 'spki']));
  if (spki?.length === 1) {
    notes.warnings.push({
      code: 'SPKI_NO_BACKUP',
      message: `${label} pins a single server key: add the pin of a backup key, or the next key of the server locks you out`,
    });
  }
  const servername = pin.servername === undefined ? undefined : checkServername(notes, path, pin.servername);
  const server =
    pin.server === undefined ? undefined : note(notes, checkServer(pin.server, [...path, 'server']));
  const ca = toList(pin.ca);
  if (trust === 'only' && ca === undefined && typeof certificate !== 'string') {
    fail(notes, [...path, 'trust'], 'trusts only extra roots and there are none: add `ca`');
  }
  checkVerification(notes, path, pin);
  if (notes.issues.length > before) return undefined;
  return {
    label,
    path,
    certificate,
    tls,
    ca,
    trust,
    spki,
    servername,
    server,
    resume: pin.resume,
    required,
    dangerouslyAcceptAnyServer: anyServer,
    allowDowngrade,
  };
}

/** SNI carries DNS names alone (RFC 6066, section 3). */
function checkServername(notes: Notes, path: Path, text: string): string | undefined {
  const host = normaliseHost(text);
  if (host !== undefined && isIP(host) === 0 && !host.includes('*')) return host;
  const message = 'must be a host name: TLS sends no address, and nothing but a name';
  fail(notes, [...path, 'servername'], message, 'ERR_CLIENTCERT_HOST_INVALID');
  return undefined;
}

function checkVerification(
  notes: Notes,
  path: Path,
  pin: Exclude<HostPin | ServicePin, string | false>,
): void {
  const { certificate, dangerouslyAcceptAnyServer: anyServer } = pin;
  if (anyServer === undefined || anyServer === false) return;
  const place = [...path, 'dangerouslyAcceptAnyServer'];
  if (typeof certificate === 'string' && anyServer === true) {
    const message =
      'the certificate would be presented to an unverified server: trust its root with `ca`, or say "and-present-certificate"';
    fail(notes, place, message, 'ERR_CLIENTCERT_VERIFICATION_OFF');
    return;
  }
  const contrary = (['ca', 'trust', 'spki', 'server'] as const).find((key) => pin[key] !== undefined);
  if (contrary !== undefined) {
    fail(notes, place, `turns off the verification that \`${contrary}\` is for: remove one of the two`);
    return;
  }
  notes.warnings.push({
    code: 'SERVER_UNVERIFIED',
    message: `${formatPath(path)} accepts any server: whoever answers reads and changes what is sent`,
  });
}

function checkPattern(notes: Notes, path: Path, text: string, port: number | '*'): HostPattern | undefined {
  const { pattern, problem } = parsePattern(text, port);
  if (problem !== undefined) fail(notes, path, problem, 'ERR_CLIENTCERT_HOST_INVALID');
  return pattern;
}

function fail(
  notes: Notes,
  path: Path,
  message: string,
  code: Issue['code'] = 'ERR_CLIENTCERT_CONFIG_INVALID',
): void {
  notes.issues.push({ code, path, message });
}

/** Keeps the issues of a check and hands on its value. */
function note<Value>(
  notes: Notes,
  checked: { value: Value } | { issues: readonly Issue[] },
): Value | undefined {
  if ('value' in checked) return checked.value;
  // One by one: a call takes no hundred thousand arguments.
  for (const issue of checked.issues) notes.issues.push(issue);
  return undefined;
}
