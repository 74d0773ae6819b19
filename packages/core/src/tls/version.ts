import { constants } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import type { Resolution, TlsVersion } from '../types.ts';
import { type ProcessTls, processTls } from './process.ts';

const order: readonly TlsVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'];

/** Negative where `a` is older than `b`, positive where it is newer. */
export function compareVersions(a: TlsVersion, b: TlsVersion): number {
  return order.indexOf(a) - order.indexOf(b);
}

/** The decision about TLS versions, and who made it. */
export type TlsDecision = Pick<Resolution, 'rule' | 'tls' | 'tlsBy'>;

/**
 * A decision about TLS versions as options of a secure context.
 *
 * At a host that no rule names, and for which the config says nothing, it is Node's. Elsewhere everything is
 * written out, so that `--tls-min-v1.0` and the like can lower nothing; what the process was hardened with
 * (`--tls-min-v1.3`, `--tls-max-v1.2`, `--tls-cipher-list`, `tls.DEFAULT_*`) holds unless the rule itself says
 * `tls`. With `legacy`, `@SECLEVEL=0` admits TLS 1.0 and 1.1, SHA-1 and small DH keys, and
 * `SSL_OP_LEGACY_SERVER_CONNECT` admits servers without RFC 5746.
 *
 * @throws ERR_CLIENTCERT_CONFIG_INVALID where config and process leave no version
 * @see https://docs.openssl.org/3.5/man3/SSL_CTX_set_security_level/
 */
export function protocolOptions(
  decision: TlsDecision,
  process: ProcessTls = processTls(),
): SecureContextOptions {
  const { tls: range, tlsBy } = decision;
  if (tlsBy === 'node') return { ciphers: process.ciphers };
  const { min, max } = tlsBy === 'rule' ? range : hardened(decision, process);
  const { defaultCoreCipherList } = constants;
  return {
    minVersion: min,
    maxVersion: max,
    ciphers: range.legacy ? `${defaultCoreCipherList}:@SECLEVEL=0` : stricterCiphers(process.ciphers),
    secureOptions: range.legacy ? constants.SSL_OP_LEGACY_SERVER_CONNECT : 0,
  };
}

/** The TLS versions that a caller asks for, in whichever of Node's two ways. */
export function versionsOf({ minVersion, maxVersion, secureProtocol }: SecureContextOptions): {
  min?: TlsVersion | undefined;
  max?: TlsVersion | undefined;
} {
  // What is no text is no way at all: Node passes it over, or refuses it beside versions.
  if (typeof secureProtocol !== 'string') return { min: minVersion, max: maxVersion };
  const method = secureProtocol.replace(/_(client|server)_method$/, '_method');
  return Object.hasOwn(methods, method) ? methods[method]! : {};
}

/** Node reads a method's name as the versions it means; no other takes versions beside it. */
export function isMethod(secureProtocol: unknown): boolean {
  return Object.hasOwn(methods, String(secureProtocol).replace(/_(client|server)_method$/, '_method'));
}

/** @see https://nodejs.org/api/tls.html#tlscreatesecurecontextoptions `secureProtocol` */
const methods: Readonly<Record<string, { min?: TlsVersion; max?: TlsVersion }>> = {
  TLS_method: {},
  SSLv23_method: { max: 'TLSv1.2' },
  TLSv1_method: { min: 'TLSv1', max: 'TLSv1' },
  TLSv1_1_method: { min: 'TLSv1.1', max: 'TLSv1.1' },
  TLSv1_2_method: { min: 'TLSv1.2', max: 'TLSv1.2' },
};

function hardened(
  { rule, tls: { min, max } }: TlsDecision,
  process: ProcessTls,
): { min: TlsVersion; max: TlsVersion } {
  // Node's own limits are no hardening: a config may go below them.
  const floor = process.min === 'TLSv1.3' && compareVersions(min, process.min) < 0 ? process.min : min;
  const ceiling = compareVersions(max, process.max) > 0 ? process.max : max;
  if (compareVersions(floor, ceiling) <= 0) return { min: floor, max: ceiling };
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    `${rule === 'none' ? 'tls' : rule}: the config allows ${min} to ${max}, and this process ${process.min} to ${process.max}`,
    {
      hint: 'Take back --tls-min-v… or --tls-max-v… (also in NODE_OPTIONS), or write "tls" on the rule itself.',
    },
  );
}

/**
 * The ciphers of the process without those that Node would not take by itself. A list of its own can leave out more
 * and never add.
 */
function stricterCiphers(list: string): string {
  const { defaultCoreCipherList } = constants;
  if (list === defaultCoreCipherList) return list;
  // It stands behind any other entry too, "DEFAULT@SECLEVEL=0": what is left of that is no empty list, which is to Node
  // that of the process, and leaves out what the entry does.
  const kept = list.replace(levels, (asked, level) => (Number(level) < defaultSecurityLevel ? '' : asked));
  return without(kept, exclusions);
}

/** A caller's ciphers without those that encrypt nothing, or show no certificate, which even `legacy` does not allow. */
export function withoutUnprotected(ciphers: string): string {
  return without(ciphers, ['!aNULL', '!eNULL']);
}

function without(ciphers: string, excluded: readonly string[]): string {
  // TLS 1.3 has suites of its own, which exclusions do not concern.
  const concerned = ciphers.split(':').some((each) => each !== '' && !each.startsWith('TLS_'));
  return concerned ? [ciphers, ...excluded].join(':') : ciphers;
}

/** What Node's list leaves out, by OpenSSL's names for it. */
const exclusions = [
  '!aNULL',
  '!eNULL',
  '!LOW',
  '!MEDIUM',
  '!EXPORT',
  '!DES',
  '!RC4',
  '!MD5',
  '!PSK',
  '!SRP',
  '!CAMELLIA',
];

/** The lowest security level that a cipher list asks for; `undefined` where it asks for none. */
export function securityLevelOf(ciphers: string): number | undefined {
  const asked = [...ciphers.matchAll(levels)].map(([, level]) => Number(level));
  return asked.length > 0 ? Math.min(...asked) : undefined;
}

const levels = /@SECLEVEL=(\d)/g;

/** OpenSSL raised its own from 1 to 2 with 3.2. */
export const defaultSecurityLevel: number = /^(1|3\.[01])\./.test(process.versions.openssl) ? 1 : 2;
