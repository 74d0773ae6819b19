import type { SecureContext, SecureContextOptions } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import { compareVersions, defaultSecurityLevel, securityLevelOf, versionsOf } from '../tls/version.ts';
import type { Resolution, TlsVersion } from '../types.ts';
import { type CallerTls, identityOptions } from './caller-options.ts';

/**
 * Refuses what a rule does not allow a caller: an identity of their own where the rule decides which is
 * presented, and whatever is weaker than the rule. To be stricter is theirs, and so is all at a host that no rule
 * names, but for the TLS versions that the config allows everywhere.
 *
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT, ERR_CLIENTCERT_VERIFICATION_OFF
 */
export function checkCaller(resolution: Resolution, own: CallerTls): void {
  const { rule, tls, trust, acceptsAnyServer } = resolution;
  const conflict = (what: string, hint: string) =>
    new ClientCertificateError(
      'ERR_CLIENTCERT_AGENT_CONFLICT',
      `${rule === 'none' ? 'tls' : rule}: ${what}`,
      {
        hint,
      },
    );
  checkVersions(resolution, own, conflict);
  if (rule === 'none') return;

  const identity = ['secureContext', ...identityOptions].find((name) => own[name] !== undefined);
  if (identity !== undefined) refuseOwnIdentity(resolution, identity);
  if (own.rejectUnauthorized === false && !acceptsAnyServer) {
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_VERIFICATION_OFF',
      `${rule}: the request switches off verification of the server`,
      { hint: 'Give the server’s root as "ca" of the rule instead: then it can be verified.' },
    );
  }
  if (own.ca !== undefined && trust === 'only') {
    throw conflict(
      'the request brings roots of its own ("ca"), and the rule trusts only its own',
      'Remove "ca" from the request, or add that root to "ca" of the rule.',
    );
  }
  // Node takes the further certificates of a PFX for roots.
  if (own.pfx !== undefined && trust === 'only') {
    throw conflict(
      'the request brings a "pfx", which may hold roots, and the rule trusts only its own',
      'Give what is in it as "cert" and "key", or as a certificate of the config.',
    );
  }
  const shortcut = ['allowPartialTrustChain', 'pskCallback', 'session'].find((name) => own[name]);
  if (shortcut !== undefined) {
    throw conflict(
      `the request's own "${shortcut}" would go past the verification of the server`,
      `Remove "${shortcut}" from the request.`,
    );
  }
  // Called when the handshake is over, where an exception is nobody's.
  if (own.checkServerIdentity !== undefined && typeof own.checkServerIdentity !== 'function') {
    throw conflict(
      `the request's own "checkServerIdentity" is no function`,
      'Remove it from the request: the rule says who the server has to be.',
    );
  }
  if (tls.legacy) return;
  const { ciphers, secureOptions, minDHSize } = own;
  if (
    typeof ciphers === 'string' &&
    (securityLevelOf(ciphers) ?? defaultSecurityLevel) < defaultSecurityLevel
  ) {
    throw conflict(
      `the request lowers the security level to ${securityLevelOf(ciphers)}`,
      'Write tls: { legacy: true } on the rule.',
    );
  }
  // Node makes a number of what is none, where `honorCipherOrder` adds to it.
  if (Number(secureOptions) & legacyOptions) {
    throw conflict('the request allows legacy renegotiation', 'Write tls: { legacy: true } on the rule.');
  }
  if (typeof minDHSize === 'number' && minDHSize < leastDHSize) {
    throw conflict(
      `the request allows DH keys of ${minDHSize} bits`,
      `Leave "minDHSize" at ${leastDHSize} or more, or write tls: { legacy: true } on the rule.`,
    );
  }
}

/** SSL_OP_LEGACY_SERVER_CONNECT and SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION. */
const legacyOptions = 0x4 | 0x40000;

/** Node's own. */
const leastDHSize = 1024;

/** A caller's TLS versions lie within those of the rule, or of the whole config. */
function checkVersions(
  { tls, tlsBy }: Resolution,
  own: CallerTls,
  conflict: (what: string, hint: string) => ClientCertificateError,
): void {
  if (tlsBy === 'node') return;
  const allowed = tls.min === tls.max ? tls.min : `${tls.min} to ${tls.max}`;
  const hint = `Ask for a version within ${allowed}, or change "tls" of the ${tlsBy === 'config' ? 'config' : 'rule'}${tls.legacy ? '' : '; below TLS 1.2: { min, legacy: true }'}.`;
  const isOutside = (version: TlsVersion) =>
    compareVersions(version, tls.min) < 0 || compareVersions(version, tls.max) > 0;
  // Node and OpenSSL read a text up to there, and so another than is looked at here.
  const cut = ['secureProtocol', 'ciphers'].find((name) => {
    const text = own[name];
    return typeof text === 'string' && text.includes('\0');
  });
  if (cut !== undefined) throw conflict(`the request's own "${cut}" holds a NUL character`, hint);
  const { min, max } = versionsOf(own as SecureContextOptions);
  for (const [name, version] of [
    ['minVersion', min],
    ['maxVersion', max],
  ] as const) {
    if (version === undefined || !isVersion(version) || !isOutside(version)) continue;
    const written =
      typeof own.secureProtocol === 'string'
        ? `secureProtocol "${own.secureProtocol}"`
        : `${name} "${version}"`;
    throw conflict(`the request asks for ${written}, the config for ${allowed}`, hint);
  }
  if (own.secureContext === undefined) return;
  const native = (own.secureContext as SecureContext).context as NativeContext | undefined;
  const lowest = native?.getMinProto?.() ?? 0;
  const highest = native?.getMaxProto?.() ?? 0;
  if (lowest >= numbers[tls.min] && highest !== 0 && highest <= numbers[tls.max]) return;
  throw conflict(`the request's own "secureContext" allows other TLS versions than ${allowed}`, hint);
}

function isVersion(version: unknown): version is TlsVersion {
  return Object.hasOwn(numbers, version as string);
}

/** As on the wire (RFC 8446, section 4.1.2), and as OpenSSL counts them. */
const numbers: Readonly<Record<TlsVersion, number>> = {
  TLSv1: 0x301,
  'TLSv1.1': 0x302,
  'TLSv1.2': 0x303,
  'TLSv1.3': 0x304,
};

/** What is inside a `SecureContext`. Not documented; where it is missing no version can be told. */
interface NativeContext {
  getMinProto?(): number;
  getMaxProto?(): number;
}

/**
 * Refuses an identity of the caller's own (an option, an agent, a dispatcher) where a rule says which
 * certificate is presented, or that none is; and what goes past the rule as a whole, where it says whom to trust or
 * what to speak.
 *
 * @param option What the caller calls it, e.g. `httpsAgent`.
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT
 */
export function refuseOwnIdentity(resolution: Resolution, option: string): void {
  const { certificate, denied } = resolution;
  const rule = resolution.rule === 'none' ? 'tls' : resolution.rule;
  const goesPast = !identityOptions.includes(option) && describesServer(resolution);
  if (certificate === null && !denied && !goesPast) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    denied
      ? `${rule}: the request brings its own "${option}" for a host that is to see no certificate`
      : certificate === null
        ? `${rule}: the request brings its own "${option}", which would go past what the rule says of the server`
        : `${rule}: the request brings its own "${option}" beside certificate "${certificate}"`,
    {
      hint: `Remove "${option}" from the request, or ${rule === 'tls' ? '"tls"' : 'the host'} from the config.${whoSets(option)}`,
    },
  );
}

/** Nobody removes what they never set. */
function whoSets(option: string): string {
  return option === 'httpsAgent'
    ? ' A cookie jar (axios-cookiejar-support, http-cookie-agent) sets one: keep its cookies in interceptors instead.'
    : '';
}

/** `required`, too, is said of it: that it asks. */
function describesServer({ trust, spki, servername, server, required, tlsBy }: Resolution): boolean {
  const saysTls = tlsBy === 'rule' || tlsBy === 'config';
  const saysWho = trust === 'only' || spki.length > 0 || servername !== null || server !== null;
  return saysWho || required || saysTls;
}
