import type { SecureContextOptions } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import { compareVersions } from '../tls/version.ts';
import type { Resolution, TlsVersion } from '../types.ts';

/** The TLS options of a request, under those of its agent. */
export type CallerOptions = Readonly<Record<string, unknown>>;

/** Options with which a caller brings an identity of their own. */
export const identityOptions = [
  'cert',
  'key',
  'pfx',
  'passphrase',
  'clientCertEngine',
  'privateKeyEngine',
  'privateKeyIdentifier',
] as const;

/** Options that go into a secure context, and that `tls.connect` ignores beside a prebuilt one. */
const contextOptions = [
  ...identityOptions,
  'allowPartialTrustChain',
  'ca',
  'ciphers',
  'crl',
  'dhparam',
  'ecdhCurve',
  'honorCipherOrder',
  'maxVersion',
  'minVersion',
  'secureOptions',
  'secureProtocol',
  'sessionIdContext',
  'sessionTimeout',
  'sigalgs',
  'ticketKeys',
] as const;

const namedOptions = [...contextOptions, 'secureContext', 'rejectUnauthorized'] as const;

/**
 * What the caller says of TLS, or `undefined` where they say nothing, as nearly every request does.
 *
 * @param over The agent's options, which override the request's, as in Node.
 */
export function ownOptions(options: CallerOptions, over: CallerOptions): CallerOptions | undefined {
  let own: Record<string, unknown> | undefined;
  for (const name of namedOptions) {
    const value = over[name] ?? options[name];
    if (value == null || !(Object.hasOwn(over, name) || Object.hasOwn(options, name))) continue;
    own ??= {};
    own[name] = value;
  }
  return own;
}

/** The part of it that goes into a secure context. */
export function ownContext(own: CallerOptions | undefined): SecureContextOptions | undefined {
  if (!own) return undefined;
  const { secureContext: _, rejectUnauthorized: __, ...context } = own;
  return Object.keys(context).length > 0 ? context : undefined;
}

/**
 * Refuses what a rule does not allow a caller: an identity of their own where the rule decides which is
 * presented, and whatever is weaker than the rule. A host that no rule names is theirs.
 *
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT, ERR_CLIENTCERT_VERIFICATION_OFF
 */
export function checkCaller(resolution: Resolution, options: CallerOptions): void {
  const { rule, tls } = resolution;
  if (rule === 'none') return;
  const conflict = (what: string, hint: string) =>
    new ClientCertificateError('ERR_CLIENTCERT_AGENT_CONFLICT', `${rule}: ${what}`, { hint });

  const identity = ['secureContext', ...identityOptions].find((name) => options[name] != null);
  if (identity !== undefined) refuseOwnIdentity(resolution, identity);
  if (options.rejectUnauthorized === false && !resolution.acceptsAnyServer) {
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_VERIFICATION_OFF',
      `${rule}: the request switches off verification of the server`,
      { hint: 'Give the server’s root as "ca" of the rule instead: then it can be verified.' },
    );
  }
  if (tls.legacy) return;
  const { minVersion, ciphers, secureOptions } = options;
  if (typeof minVersion === 'string' && compareVersions(minVersion as TlsVersion, tls.min) < 0) {
    throw conflict(
      `the request asks for minVersion "${minVersion}", the rule for ${tls.min} or newer`,
      'Write tls: { min, legacy: true } on the rule.',
    );
  }
  if (typeof ciphers === 'string' && /@SECLEVEL=0/i.test(ciphers)) {
    throw conflict('the request lowers the security level to 0', 'Write tls: { legacy: true } on the rule.');
  }
  if (typeof secureOptions === 'number' && secureOptions & legacyOptions) {
    throw conflict('the request allows legacy renegotiation', 'Write tls: { legacy: true } on the rule.');
  }
}

/**
 * Refuses an identity of the caller's own (an option, an agent, a dispatcher) where a rule says which
 * certificate is presented, or that none is.
 *
 * @param option What the caller calls it, e.g. `httpsAgent`.
 * @throws ERR_CLIENTCERT_AGENT_CONFLICT
 */
export function refuseOwnIdentity({ certificate, denied, rule }: Resolution, option: string): void {
  if (certificate === null && !denied) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    denied
      ? `${rule}: the request brings its own "${option}" for a host that is to see no certificate`
      : `${rule}: the request brings its own "${option}" beside certificate "${certificate}"`,
    { hint: `Remove "${option}" from the request, or the host from the config.` },
  );
}

/** SSL_OP_LEGACY_SERVER_CONNECT and SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION. */
const legacyOptions = 0x4 | 0x40000;
