import { checkServerIdentity, type SecureContextOptions } from 'node:tls';
import { copyOfBytes } from '../load/handed-over.ts';
import { written } from '../own.ts';
import { bytesOf, describeValue } from '../tls/digest.ts';

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
  pfx: 'identity', // refused at trust: 'only': it may hold roots
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
export const identityOptions: readonly string[] = spoken.filter((name) => spokenOptions[name] === 'identity');

/** What a caller says of TLS. */
export type CallerTls = Readonly<Record<string, unknown>>;

/**
 * What the caller says of TLS, or `undefined` where they say nothing, as nearly every request does.
 *
 * @param over The agent's options, which override the request's, as in Node.
 */
export function ownOptions(options: CallerOptions, over?: CallerOptions): CallerTls | undefined {
  let own: Record<string, unknown> | undefined;
  for (const name of spoken) {
    const value = (over && ownOption(over, name)) ?? ownOption(options, name);
    if (value == null || value === checkServerIdentity) continue; // got writes Node's own
    own ??= Object.create(null) as Record<string, unknown>;
    own[name] = copyOf(value);
  }
  return own;
}

/** Lists, what is in them, and bytes are the caller's, who may change them while the request is queued. */
function copyOf(value: unknown): unknown {
  const bytes = bytesOf(value);
  if (bytes) return copyOfBytes(bytes);
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

/**
 * The options without what goes into {@link describeOwn}, and without symbols: by one of these Node, from 24 on, numbers the
 * requests that check the server themselves, none of which would be served by the connection of the one before.
 */
export function withoutOwn(options: CallerOptions, own: CallerTls | undefined): CallerOptions {
  if (!own) return options;
  const rest: Record<string, unknown> = Object.fromEntries(Object.entries(options));
  for (const name of Object.keys(own)) rest[name] = undefined;
  return rest;
}
