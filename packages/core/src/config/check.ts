import { entriesInTurns, inTurns, takeTurn } from '../load/turn.ts';
import { findConflicts } from '../pin/conflict.ts';
import { formatPath, type Issue } from '../pin/issue.ts';
import type { HostPattern } from '../pin/pattern.ts';
import { findPublicSuffixes } from '../pin/public-suffix.ts';
import { type PinRule, type Pins, rulesOf } from '../pin/rule.ts';
import { parseOrigin } from '../pin/target.ts';
import type { CertificateSource, Config, LoadProgress, Warning, WatchOptions } from '../types.ts';
import { checkCertificates } from './certificates.ts';
import { configErrorOfMany } from './config-error.ts';
import { findMalformed } from './malformed.ts';
import { type CheckedProxy, checkProxy } from './proxy.ts';
import { checkRules } from './rules.ts';
import { copyOwn, isRecord, SECTIONS } from './shape.ts';

/** A config without errors. It holds passphrases: keep it private. */
export interface CheckedConfig {
  /** By name, in the order in which they were written; paths are as written. */
  readonly certificates: ReadonlyMap<string, CertificateSource>;
  readonly pins: Pins;
  /** The rules that have a `ca`: it is to be read before the table is built. */
  readonly authorities: readonly (PinRule & { readonly ca: NonNullable<PinRule['ca']> })[];
  readonly proxy: CheckedProxy | 'env' | false | undefined;
  readonly watch: { readonly pollInterval: number; readonly settle: number } | false;
  /** As it is written; what it means for a certificate, `thresholdsOf` says. */
  readonly expiryWarningDays: Config['expiryWarningDays'];
  readonly allowBroken: boolean;
  readonly rollback: boolean;
  readonly onProgress: ((progress: LoadProgress) => void) | undefined;
  /** What relative paths are relative to; absolute. */
  readonly baseDirectory: string;
  /** The file it was read from. */
  readonly path: string | undefined;
  readonly warnings: readonly Warning[];
}

export interface CheckConfigOptions {
  /** What relative paths are relative to: the working directory unless written. */
  baseDirectory?: string | undefined;
  /** The file it was read from, for messages. */
  path?: string | undefined;
}

/**
 * Checks a config whole, and brings its rules into the form that a table is built from. No file is read.
 *
 * @throws `ERR_CLIENTCERT_CONFIG_INVALID`, or where all issues are of one more specific kind its code
 *   (`ERR_CLIENTCERT_HOST_INVALID`, `ERR_CLIENTCERT_RULE_CONFLICT`, `ERR_CLIENTCERT_CERTIFICATE_UNKNOWN`,
 *   `ERR_CLIENTCERT_VERIFICATION_OFF`); `issues` lists each of them with its path.
 */
export async function checkConfig(input: unknown, options: CheckConfigOptions = {}): Promise<CheckedConfig> {
  const name = options.path ?? 'the config';
  // Both modules are needed once, when a config is loaded: importing them with the package would cost every start, and
  // in one go they hold the event loop.
  const { safeParse } = await import('valibot');
  await takeTurn();
  const schemas = await import('./schema.ts');
  await takeTurn();
  const copy = await copyOwn(input);
  const malformed = await findMalformed(copy, { safeParse, ...schemas });
  if (malformed.length > 0 && !isRecord(copy)) throw await configErrorOfMany(malformed, name);

  // What is well-formed is looked at all the same, so that one report names everything.
  const config = (await withoutBroken(copy as Record<string, unknown>, malformed)) as Config;
  const known = namesOf(copy as Record<string, unknown>);
  const sources = await checkCertificates(config);
  const rules = await checkRules(config, known);
  const proxy = checkProxy(config, known);
  const conflicts = await findConflicts(rules.pins, shownTo(proxy.proxy));
  const suffixes = await checkSuffixes(rules.pins);
  const issues = [
    ...malformed,
    ...sources.issues,
    ...rules.issues,
    ...proxy.issues,
    ...suffixes,
    ...conflicts.errors,
  ];
  if (issues.length > 0) throw await configErrorOfMany(issues, name);
  return {
    certificates: sources.certificates,
    pins: { ...rules.pins, trustOnly: sources.trustOnly },
    authorities: rulesOf(rules.pins).filter(
      (rule): rule is CheckedConfig['authorities'][number] => rule.ca !== undefined,
    ),
    proxy: proxy.proxy,
    watch: checkWatch(config.watch ?? true),
    expiryWarningDays: config.expiryWarningDays,
    allowBroken: config.allowBroken ?? false,
    rollback: config.rollback ?? false,
    onProgress: config.onProgress,
    baseDirectory: options.baseDirectory ?? process.cwd(),
    path: options.path,
    warnings: [
      ...rules.warnings,
      ...conflicts.warnings,
      ...findUnused(sources.certificates, rules.pins, proxy.proxy),
    ],
  };
}

/** A proxy that a certificate of its own is presented to, as the host that it is. */
function shownTo(proxy: CheckedConfig['proxy']): HostPattern | undefined {
  if (typeof proxy !== 'object' || proxy.certificate === undefined) return undefined;
  const { host, port, secure } = parseOrigin(proxy.url);
  return secure ? { host, port, wildcard: false } : undefined;
}

function checkWatch(watch: boolean | WatchOptions): CheckedConfig['watch'] {
  if (watch === false) return false;
  const written = watch === true ? undefined : watch;
  return { pollInterval: written?.pollInterval ?? 30, settle: written?.settle ?? 200 };
}

/** The certificates that the config names, the malformed ones included; `undefined` where it cannot be told. */
function namesOf({ certificates }: Record<string, unknown>): ReadonlySet<string> | undefined {
  if (certificates === undefined) return new Set();
  return isRecord(certificates) ? new Set(Object.keys(certificates)) : undefined;
}

/** A wildcard directly over a public suffix, with what it would mean. */
async function checkSuffixes(pins: Pins): Promise<Issue[]> {
  const places = [
    ...pins.hosts.map(({ pattern, path }) => ({ pattern, path })),
    ...pins.services.flatMap(({ hosts, path }) =>
      (hosts ?? []).map((pattern, index) => ({ pattern, path: [...path, 'hosts', index] })),
    ),
  ].filter(({ pattern }) => pattern.wildcard);
  const suffixes = await findPublicSuffixes(places.map(({ pattern }) => pattern));
  return places
    .filter(({ pattern }) => suffixes.has(pattern))
    .map(({ pattern, path }) => ({
      code: 'ERR_CLIENTCERT_HOST_INVALID',
      path,
      message: `anyone can have a host under "${pattern.host}", a public suffix: name the domain, such as "*.bank.${pattern.host}"`,
    }));
}

function findUnused(
  certificates: ReadonlyMap<string, unknown>,
  pins: Pins,
  proxy: CheckedConfig['proxy'],
): Warning[] {
  const used = new Set(rulesOf(pins).map(({ certificate }) => certificate));
  if (typeof proxy === 'object') used.add(proxy.certificate);
  return [...certificates.keys()]
    .filter((name) => !used.has(name))
    .map((name) => ({
      code: 'CERTIFICATE_UNUSED',
      message: `${formatPath(['certificates', name])} is named by no rule, so no call presents it: pin it under \`hosts\` or \`services\`, unless it is for secureServer() alone`,
    }));
}

/** The config without the options that are malformed: at the top level, and below it each named entry. */
async function withoutBroken(
  config: Record<string, unknown>,
  issues: readonly Issue[],
): Promise<Record<string, unknown>> {
  const kept: Record<string, unknown> = Object.assign(Object.create(null), config);
  const broken = new Map<string, Set<unknown>>();
  await inTurns(issues, ({ path: [key, name] }) => {
    const isEntry = name !== undefined && SECTIONS.some((each) => each === key) && isRecord(config[`${key}`]);
    if (!isEntry) delete kept[`${key}`];
    else broken.set(key as string, (broken.get(key as string) ?? new Set()).add(name));
  });
  for (const [key, names] of broken) {
    const section = kept[key];
    if (section === undefined) continue;
    const rest: Record<string, unknown> = Object.create(null);
    await entriesInTurns(section as Record<string, unknown>, (name, entry) => {
      if (!names.has(name)) rest[name] = entry;
    });
    kept[key] = rest;
  }
  return kept;
}
