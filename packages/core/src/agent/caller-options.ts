import { checkServerIdentity, type SecureContext, type SecureContextOptions } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import { written } from '../own.ts';
import { bytesOf, describeValue } from '../tls/digest.ts';
import { compareVersions, defaultSecurityLevel, securityLevelOf, versionsOf } from '../tls/version.ts';
import type { Resolution, TlsVersion } from '../types.ts';

/** The options of a request, under those of its agent. */
export type CallerOptions = Readonly<Record<string, unknown>>;

/**
 * Every option that `tls.connect` takes and that changes what is presented, who is believed, or what is spoken:
 *
 * - `identity`: brings an identity of the caller's own. It goes into a secure context of the caller's own.
 * - `context`: goes into such a context as well; `tls.connect` ignores it beside a prebuilt one.
 * - `connection`: is said of the connection itself.
 *
 * All are part of what connections and TLS sessions are kept apart by. Not in it: where the connection goes and how
 * (`host`, `port`, `servername`, `socket`, `localAddress`, `localPort`, `family`, `hints`, `lookup`,
 * `autoSelectFamily`, `autoSelectFamilyAttemptTimeout`, `blockList`), which the server has to prove its name against
 * all the same; `path`, which is a Unix socket and never dialled with a certificate; and what concerns this end alone
 * (`timeout`, `noDelay`, `keepAlive`, `keepAliveInitialDelay`, `allowHalfOpen`, `highWaterMark`, `onread`, `signal`,
 * `enableTrace`).
 *
 * @see https://nodejs.org/api/tls.html#tlsconnectoptions-callback Node 20 to 26
 */
const spokenOptions: Readonly<Record<string, 'identity' | 'context' | 'connection'>> = {
  cert: 'identity',
  key: 'identity',
  pfx: 'identity',
  passphrase: 'identity',
  clientCertEngine: 'identity',
  privateKeyEngine: 'identity',
  privateKeyIdentifier: 'identity',
  allowPartialTrustChain: 'context', // refused: an intermediate would do as a root
  ca: 'context', // refused at trust: 'only'
  certificateCompression: 'context',
  ciphers: 'context', // refused below the security level
  crl: 'context',
  dhparam: 'context',
  ecdhCurve: 'context',
  honorCipherOrder: 'context',
  maxVersion: 'context', // refused outside of the range
  minVersion: 'context', // likewise
  secureOptions: 'context', // refused for legacy renegotiation
  secureProtocol: 'context', // read as the versions it means
  sessionIdContext: 'context',
  sessionTimeout: 'context',
  sigalgs: 'context',
  ticketKeys: 'context',
  ALPNProtocols: 'connection',
  checkServerIdentity: 'connection', // asked beside the rule
  minDHSize: 'connection', // refused below Node's own
  pskCallback: 'connection', // refused: a shared key takes the place of both certificates
  rejectUnauthorized: 'connection', // refused where it is false
  requestOCSP: 'connection',
  secureContext: 'connection', // refused where it would go past the rule
  session: 'connection', // refused: a resumed server shows no certificate
};

export const spoken: readonly string[] = Object.keys(spokenOptions);

/**
 * None of what decides over TLS comes from what every object inherits, as `tls.connect` would take it; and a host is
 * dialled, never a Unix socket (`path`). `rejectUnauthorized` and `minDHSize` have defaults of Node's.
 */
export const unsaid: Readonly<Record<string, undefined>> = Object.fromEntries(
  [...spoken, 'path']
    .filter((name) => name !== 'rejectUnauthorized' && name !== 'minDHSize')
    .map((name) => [name, undefined]),
);

const connectionOptions = spoken.filter((name) => spokenOptions[name] === 'connection');

/** Options with which a caller brings an identity of their own. */
const identityOptions = spoken.filter((name) => spokenOptions[name] === 'identity');

/** What a caller says of TLS. */
export type CallerTls = Readonly<Record<string, unknown>>;

/**
 * What the caller says of TLS, or `undefined` where they say nothing, as nearly every request does.
 *
 * @param over The agent's options, which override the request's, as in Node.
 */
export function ownOptions(options: CallerOptions, over: CallerOptions = {}): CallerTls | undefined {
  let own: Record<string, unknown> | undefined;
  for (const name of spoken) {
    const value = over[name] ?? options[name];
    if (value == null || !(Object.hasOwn(over, name) || Object.hasOwn(options, name))) continue;
    if (value === checkServerIdentity) continue; // got writes Node's own
    own ??= Object.create(null) as Record<string, unknown>;
    own[name] = copyOf(value);
  }
  return own;
}

/** Lists, what is in them, and bytes are the caller's, who may change them while the request is queued. */
function copyOf(value: unknown): unknown {
  const bytes = bytesOf(value);
  if (bytes) return Buffer.from(bytes);
  return Array.isArray(value) ? Array.from(value, copyOfMember) : value;
}

/** Of an object what Node reads of it, in whichever way it is there: by that connections are told apart. */
function copyOfMember(member: unknown): unknown {
  if (typeof member !== 'object' || member === null || bytesOf(member)) return copyOf(member);
  const copy: Record<string, unknown> = Object.create(null);
  for (const name of ['pem', 'buf', 'passphrase'] as const) {
    const value = written(member as CallerOptions, name);
    if (value !== undefined) copy[name] = copyOf(value);
  }
  return copy;
}

/** An option of the caller's that says more than its mere presence on an object that everything inherits from. */
export function ownOption(options: CallerOptions, name: string): unknown {
  const value = options[name];
  return value === undefined || Object.hasOwn(options, name) ? value : undefined;
}

/** The part of it that goes into a secure context. */
export function ownContext(own: CallerTls | undefined): SecureContextOptions | undefined {
  if (!own) return undefined;
  let context: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(own)) {
    if (spokenOptions[name] === 'connection') continue;
    context ??= Object.create(null) as Record<string, unknown>;
    context[name] = value;
  }
  return context;
}

/** The part of it that `tls.connect` takes beside a secure context. */
export function ownConnection(own: CallerTls | undefined): Record<string, unknown> {
  return Object.fromEntries(
    connectionOptions.flatMap((name) => (own?.[name] == null ? [] : [[name, own[name]]])),
  );
}

/** Whether what is presented may be the caller's own. */
export function presentsOwn(own: CallerTls): boolean {
  return own.secureContext != null || identityOptions.some((name) => own[name] != null);
}

/**
 * What else is to be kept apart by: every option with its value, secrets and long texts as digests.
 *
 * @see CVE-2026-56850 and CVE-2026-58040, where `pfx` and `checkServerIdentity` were left out of such a name
 */
export function describeOwn(own: CallerTls | undefined): string {
  if (!own) return '';
  return Object.entries(own)
    .map(([name, value]) => `:${name}=${describeValue(value)}`)
    .join('');
}

/** The options without what goes into {@link describeOwn}. */
export function withoutOwn(options: CallerOptions, own: CallerTls | undefined): CallerOptions {
  if (!own) return options;
  const rest: Record<string, unknown> = { ...options };
  for (const name of Object.keys(own)) rest[name] = undefined;
  return rest;
}

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
  const shortcut = ['allowPartialTrustChain', 'pskCallback', 'session'].find((name) => own[name]);
  if (shortcut !== undefined) {
    throw conflict(
      `the request's own "${shortcut}" would go past the verification of the server`,
      `Remove "${shortcut}" from the request.`,
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
  if (typeof secureOptions === 'number' && secureOptions & legacyOptions) {
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
  const { min, max } = versionsOf(own as SecureContextOptions);
  for (const [name, version] of [
    ['minVersion', min],
    ['maxVersion', max],
  ] as const) {
    if (version === undefined || !isVersion(version) || !isOutside(version)) continue;
    const written =
      own.secureProtocol === undefined ? `${name} "${version}"` : `secureProtocol "${own.secureProtocol}"`;
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
  const { certificate, denied, rule } = resolution;
  const goesPast = !identityOptions.includes(option) && describesServer(resolution);
  if (certificate === null && !denied && !goesPast) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    denied
      ? `${rule}: the request brings its own "${option}" for a host that is to see no certificate`
      : certificate === null
        ? `${rule}: the request brings its own "${option}", which would go past what the rule says of the server`
        : `${rule}: the request brings its own "${option}" beside certificate "${certificate}"`,
    { hint: `Remove "${option}" from the request, or the host from the config.${whoSets(option)}` },
  );
}

/** Nobody removes what they never set. */
function whoSets(option: string): string {
  return option === 'httpsAgent'
    ? ' A cookie jar (axios-cookiejar-support, http-cookie-agent) sets one: keep its cookies in interceptors instead.'
    : '';
}

function describesServer({ trust, spki, servername, tlsBy }: Resolution): boolean {
  return trust === 'only' || spki.length > 0 || servername !== null || tlsBy === 'rule';
}
