import { X509Certificate } from 'node:crypto';
import { ClientCertificateError } from '@clientcert/core';
import { quote } from '@clientcert/core/adapter';
import {
  clientExtensions,
  createKey,
  createRequest,
  failure,
  type Issued,
  isFor,
  keyPem,
  kindOf,
  commonName as nameOf,
  pem,
  type RenewedSource,
  renewing,
} from '@clientcert/core/enrolment';
import type { Answer } from './api.ts';
import { type CheckedOptions, checkOptions, type VaultOptions } from './options.ts';
import { Session } from './session.ts';

/**
 * A certificate from the PKI engine of HashiCorp Vault or OpenBao, as a source of a config. The key is made here, once for
 * each version, and never leaves the process; Vault signs a request for it. The next one is had when two thirds of the
 * lifetime are over, up to a tenth of that sooner. The token is renewed, or had anew by logging in again.
 *
 * All `Credentials` that the source stands in share the certificate; each has a session of its own.
 *
 * @throws ERR_CLIENTCERT_CONFIG_INVALID for options that cannot be right. What Vault refuses, `loadCredentials` rejects
 *   with; later it is an `error` event, and Vault is asked again.
 * @see https://developer.hashicorp.com/vault/api-docs/secret/pki#sign-certificate
 *
 * @example
 * import { fromVault, loadCredentials } from '@clientcert/vault';
 *
 * const credentials = await loadCredentials({
 *   certificates: {
 *     bank: fromVault({
 *       address: 'https://vault.example:8200',
 *       login: { method: 'kubernetes', role: 'my-service' },
 *       role: 'bank-client',
 *       commonName: 'my-service.example',
 *       ttl: '72h',
 *     }),
 *   },
 *   hosts: { 'api.bank.example': 'bank' },
 * });
 */
export function fromVault(options: VaultOptions): RenewedSource {
  const checked = checkOptions(options);
  let issuedBefore = false;
  const open = ({ signal }: { signal: AbortSignal }) => {
    const session = new Session(checked, signal);
    return {
      get tendAt() {
        return session.renewAt;
      },
      tend: () => session.tend(),
      async issue(): Promise<Issued> {
        const { issued, lifetime } = await issue(checked, session);
        // Later, what is shorter is better than nothing: an authority near its end issues no further.
        if (!issuedBefore) checkLifetime(checked, lifetime);
        issuedBefore = true;
        return issued;
      },
    };
  };
  return renewing(open, checked.renewing, (found) => isFor(found, checked.commonName, checked.names));
}

async function issue(
  { path, role, commonName, names, ttl, keyType }: CheckedOptions,
  session: Session,
): Promise<{ issued: Issued; lifetime: number }> {
  const key = await createKey(keyType);
  const request = createRequest(key, nameOf(commonName), clientExtensions(names));
  const of = (...kinds: string[]) => names.filter((name) => kinds.includes(kindOf(name))).join(',');
  const what = `role ${quote(role, 'chosen')}`;
  const answer = await session.call({
    path,
    what,
    body: {
      csr: pem('CERTIFICATE REQUEST', request),
      common_name: commonName,
      // Where the role takes them from here, and not from the request.
      alt_names: of('host', 'email'),
      ip_sans: of('ip'),
      uri_sans: of('uri'),
      ...(ttl !== undefined && { ttl }),
    },
  });
  const chain = chainOf(answer, what);
  const { validTo } = parseCertificate(chain[0]!, what);
  const lifetime = Date.parse(validTo) - Date.now();
  if (!(lifetime > 0))
    throw failure(
      `${what}: what was issued has expired already, on ${validTo}`,
      'Compare the clock of this machine with that of Vault.',
    );
  return {
    issued: { cert: chain.join('\n'), key: keyPem(key) },
    lifetime,
  };
}

/** The certificate, and those of its issuers. */
function chainOf({ data }: Answer, what: string): string[] {
  const { certificate, ca_chain: chain, issuing_ca: issuer } = data ?? {};
  const issuers = Array.isArray(chain) && chain.length > 0 ? chain : [issuer];
  const texts = [certificate, ...issuers].filter((each) => typeof each === 'string' && each !== '');
  if (typeof certificate !== 'string' || texts[0] !== certificate)
    throw failure(`${what}: the answer holds no certificate`, 'Is "mount" that of a PKI engine?');
  return texts as string[];
}

function parseCertificate(pem: string, what: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw failure(`${what}: what was issued cannot be read`, 'Its error is the cause.', cause);
  }
}

/** Vault shortens what is longer than role, mount or authority allow, and says so in a warning that nobody reads. */
function checkLifetime({ role, lifetime: asked }: CheckedOptions, lifetime: number): void {
  const given = lifetime / 1000;
  // A minute for clocks that differ.
  if (asked === undefined || given >= asked * 0.9 - 60) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_CONFIG_INVALID',
    `role ${quote(role, 'chosen')}: a lifetime of ${Math.round(asked)} seconds was asked for, and ${Math.round(given)} were given`,
    {
      hint: 'Ask for less, or raise max_ttl of the role or of the mount. No certificate outlives its authority.',
    },
  );
}
