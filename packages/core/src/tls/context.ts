import type { KeyObject } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import { explainAs, Problem } from '../load/problem.ts';
import { StoredCertificate, tokenKeyIn } from '../load/stored-certificate.ts';
import type { TokenKeyOptions } from '../load/token-key.ts';
import type { ClientCertificate, Resolution, TlsRange } from '../types.ts';
import { createTrustingContext, pemOf, type Trust } from './trust.ts';
import { isMethod, protocolOptions, type TlsDecision, versionsOf, withoutUnprotected } from './version.ts';

/** One loaded certificate under its name; a renewed one is a new version. */
export interface CertificateVersion {
  readonly name: string;
  readonly version: number;
  readonly material: ClientCertificate;
}

/**
 * The secure context for one resolution: built from key and chain, never from `pfx`, so that every Node
 * behaves alike and nothing is decrypted twice.
 *
 * @param presented The certificate to present, or `null` for none.
 * @param overrides What the caller of a request asked for beside it.
 * @throws ERR_CLIENTCERT_CERTIFICATE_REFUSED where this Node's OpenSSL does not take the certificate;
 *   ERR_CLIENTCERT_AGENT_CONFLICT where it does not take an option of the caller's
 */
export function createContext(
  resolution: Resolution,
  presented: CertificateVersion | null,
  trust: Trust,
  overrides: SecureContextOptions = nothing,
): SecureContext {
  const only = resolution.trust === 'only';
  const options = protocolsFor(resolution, overrides);
  if (only) options.ca = pemOf(trust, []);
  try {
    const create = (identity: Identity | undefined) =>
      createTrustingContext(Object.assign(options, identity), only ? undefined : trust);
    return presented ? withIdentity(presented.material, create) : create(undefined);
  } catch (error) {
    if (presented && error instanceof Problem) throw refusedWith(presented, error);
    if (resolution.rule === 'none') throw error; // the caller's, as everything there
    const option = findRefused(resolution, overrides);
    if (option !== undefined) throw notTaken(resolution.rule, option, error);
    throw presented ? refusedWith(presented, error) : error;
  }
}

/** Without a prototype: what every object may inherit is nobody's request. */
const nothing: SecureContextOptions = Object.freeze(Object.create(null));

/** What was decided of TLS versions, under what a caller asks for, who was allowed to ask. */
function protocolsFor(decision: TlsDecision, overrides: SecureContextOptions): SecureContextOptions {
  const decided = protocolOptions(decision);
  // Node reads options that are not there, and would find a polluted `Object.prototype.ca`.
  const options: SecureContextOptions = Object.assign(Object.create(null), decided, overrides);
  const { secureOptions, ciphers } = overrides;
  // What is no number, or no text, Node refuses.
  if (typeof secureOptions === 'number') options.secureOptions = secureOptions | (decided.secureOptions ?? 0);
  if (decision.rule !== 'none' && typeof ciphers === 'string') {
    // An empty list is to Node that of the process, which may allow more than what was decided.
    options.ciphers = ciphers === '' ? decided.ciphers : withoutUnprotected(ciphers);
  }
  // Node takes a method's name and versions for a contradiction. Where both are the caller's they are one.
  const { minVersion, maxVersion, secureProtocol } = overrides;
  // What is no text Node passes over, or refuses beside versions.
  if (decision.tlsBy === 'node' || typeof secureProtocol !== 'string') return options;
  options.minVersion = minVersion;
  options.maxVersion = maxVersion;
  if (!isMethod(secureProtocol) || minVersion !== undefined || maxVersion !== undefined) return options;
  const { min = decided.minVersion, max = decided.maxVersion } = versionsOf(overrides);
  return Object.assign(options, { secureProtocol: undefined, minVersion: min, maxVersion: max });
}

/** The option of a caller's that OpenSSL does not take by itself. */
function findRefused(decision: TlsDecision, overrides: SecureContextOptions): string | undefined {
  return Object.entries(overrides).find(([name, value]) => {
    if (identityParts.has(name)) return false;
    try {
      createSecureContext(protocolsFor(decision, Object.assign(Object.create(null), { [name]: value })));
      return false;
    } catch {
      return true;
    }
  })?.[0];
}

/** They make sense together only. */
const identityParts: ReadonlySet<string> = new Set(['cert', 'key', 'pfx', 'passphrase']);

function notTaken(rule: string, option: string, cause: unknown): ClientCertificateError {
  return new ClientCertificateError(
    'ERR_CLIENTCERT_AGENT_CONFLICT',
    `${rule}: OpenSSL ${process.versions.openssl} in Node ${process.version} does not take the request's own "${option}"`,
    { cause, hint: `Correct "${option}", or remove it from the request: the rule goes without.` },
  );
}

/** @throws ERR_CLIENTCERT_CERTIFICATE_REFUSED where this Node's OpenSSL does not take the certificate in this range. */
export function checkPresentable(name: string, material: ClientCertificate, range: TlsRange): void {
  try {
    const decision = { rule: name, tls: range, tlsBy: 'rule' } as const;
    const options = Object.assign(Object.create(null), protocolOptions(decision));
    withIdentity(material, (identity) => createSecureContext(Object.assign(options, identity)));
  } catch (error) {
    throw refusedWith({ name, material }, error);
  }
}

/** Key and chain, as `createSecureContext` takes them. */
export type Identity = TokenKeyOptions & { readonly cert: string };

/** Has something made of key and chain, at once: what an engine is told of a key does not stay. */
export function withIdentity<Made>(material: ClientCertificate, make: (identity: Identity) => Made): Made {
  const isStored = material instanceof StoredCertificate;
  const cert = isStored
    ? material.certPem
    : [material.certificate, ...material.chain].map((link) => link.toString()).join('');
  const token = tokenKeyIn(material);
  if (token !== undefined) return token.access.use((key) => make({ ...key, cert }));
  return make({ key: isStored ? material.keyPem() : exportKey(material.privateKey), cert });
}

/** PEM, because `createSecureContext` takes no `KeyObject`. */
function exportKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

const weaknesses: Readonly<Record<string, string>> = {
  ERR_SSL_EE_KEY_TOO_SMALL: 'its key is too small',
  ERR_SSL_CA_KEY_TOO_SMALL: 'a key in its chain is too small',
  ERR_SSL_CA_MD_TOO_WEAK: 'it is signed with a digest that is too weak',
};

function weaknessIn(error: unknown): string | undefined {
  return weaknesses[(error as NodeJS.ErrnoException).code ?? ''];
}

/** A token may be away by now, or want another PIN. */
export function refusedWith(
  { name, material }: Pick<CertificateVersion, 'name' | 'material'>,
  error: unknown,
): ClientCertificateError {
  const token = tokenKeyIn(material);
  if (token === undefined || weaknessIn(error) !== undefined) return refusal(name, error);
  const label = `certificate "${name}" (${token.label})`;
  const problem = error instanceof Problem ? error : token.access.failed(error);
  if (problem !== undefined) return explainAs(label, problem);
  return new ClientCertificateError(
    'ERR_CLIENTCERT_TOKEN_FAILED',
    `${label}: the token does not hand over its key any longer`,
    { cause: error, hint: 'Is it plugged in, and can it be reached?' },
  );
}

function refusal(name: string, cause: unknown): ClientCertificateError {
  const weakness = weaknessIn(cause);
  return new ClientCertificateError(
    'ERR_CLIENTCERT_CERTIFICATE_REFUSED',
    `certificate "${name}": OpenSSL ${process.versions.openssl} in Node ${process.version} does not present it${weakness ? `: ${weakness}` : ''}`,
    {
      cause,
      hint: weakness
        ? 'Ask its issuer for a stronger one, or opt the host into old cryptography: tls: { legacy: true } on its rule.'
        : 'Look at it with: clientcert inspect FILE',
    },
  );
}
