import type { KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { ClientCertificateError } from '../errors.ts';
import type { ClientCertificate, Resolution, TlsRange } from '../types.ts';
import { createTrustingContext } from './trust.ts';
import { protocolOptions } from './version.ts';

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
 * @throws ERR_CLIENTCERT_CERTIFICATE_REFUSED where this Node's OpenSSL does not take the certificate.
 */
export function createContext(
  resolution: Resolution,
  presented: CertificateVersion | null,
  roots: readonly X509Certificate[],
  overrides: SecureContextOptions = {},
): SecureContext {
  const only = resolution.trust === 'only';
  // Without a prototype: Node reads options that are not there, and finds a polluted `Object.prototype.ca`.
  const options: SecureContextOptions = Object.assign(
    Object.create(null),
    protocolOptions(resolution.tls),
    overrides,
  );
  if (only) options.ca = [overrides.ca ?? [], roots.map((root) => root.toString())].flat();
  if (presented) Object.assign(options, identityOf(presented.material));
  try {
    return createTrustingContext(options, only ? [] : roots);
  } catch (error) {
    throw presented ? refusal(presented.name, error) : error;
  }
}

/** @throws ERR_CLIENTCERT_CERTIFICATE_REFUSED where this Node's OpenSSL does not take the certificate in this range. */
export function checkPresentable(name: string, material: ClientCertificate, range: TlsRange): void {
  try {
    createSecureContext(Object.assign(Object.create(null), protocolOptions(range), identityOf(material)));
  } catch (error) {
    throw refusal(name, error);
  }
}

function identityOf({ privateKey, certificate, chain }: ClientCertificate): SecureContextOptions {
  return {
    key: exportKey(privateKey),
    cert: [certificate, ...chain].map((link) => link.toString()).join(''),
  };
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

function refusal(name: string, cause: unknown): ClientCertificateError {
  const weakness = weaknesses[(cause as NodeJS.ErrnoException).code ?? ''];
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
