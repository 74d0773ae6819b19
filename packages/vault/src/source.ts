import { X509Certificate } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ClientCertificateError, type FileSource, type SourceCall } from '@clientcert/core';
import { quote } from '@clientcert/core/adapter';
import { type Answer, failure } from './api.ts';
import { type CheckedOptions, checkOptions, secondsOf, type VaultOptions } from './options.ts';
import { createRequest, kindOf } from './request.ts';
import { Session, soon } from './session.ts';

/** What stands in a config as a certificate: each version is yielded when it has been issued. */
export type VaultSource = (call: SourceCall) => AsyncIterable<FileSource>;

/**
 * A certificate from the PKI engine of HashiCorp Vault or OpenBao, as a source of a config. The key is made here, once for
 * each version, and never leaves the process; Vault signs a request for it. The next one is had when two thirds of the
 * lifetime are over, up to a tenth of that sooner. The token is renewed, or had anew by logging in again.
 *
 * Each `Credentials` that the source stands in has a session and certificates of its own.
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
export function fromVault(options: VaultOptions): VaultSource {
  const checked = checkOptions(options);
  let issuedBefore = false;
  return async function* ({ signal }) {
    const session = new Session(checked, signal);
    for (;;) {
      const { source, lifetime } = await issue(checked, session);
      // Later, what is shorter is better than nothing: an authority near its end issues no further.
      if (!issuedBefore) checkLifetime(checked, lifetime);
      issuedBefore = true;
      const renewAt = Date.now() + soon((lifetime * 2) / 3);
      yield source;
      await untilThen(renewAt, session, signal);
    }
  };
}

/** Waits, and looks after the token meanwhile. */
async function untilThen(renewAt: number, session: Session, signal: AbortSignal): Promise<void> {
  for (;;) {
    const now = Date.now();
    if (now >= renewAt) return;
    if (now >= session.renewAt) await session.tend();
    // In steps: timers do not run while a machine sleeps, and none is longer than 24 days.
    const wait = Math.min(renewAt - now, session.renewAt - now, longestStep);
    await pause(Math.max(wait, 50), undefined, { ref: false, signal });
  }
}

/** Milliseconds. */
const longestStep = 60_000;

async function issue(
  { path, role, commonName, names, ttl, keyType }: CheckedOptions,
  session: Session,
): Promise<{ source: FileSource; lifetime: number }> {
  const { key, csr } = await createRequest(keyType, commonName, names);
  const of = (kind: string) => names.filter((name) => kindOf(name) === kind).join(',');
  const what = `role ${quote(role, 'chosen')}`;
  const answer = await session.call({
    path,
    what,
    body: {
      csr,
      common_name: commonName,
      // Where the role takes them from here, and not from the request.
      alt_names: of('host'),
      ip_sans: of('ip'),
      uri_sans: of('uri'),
      ...(ttl !== undefined && { ttl: String(ttl) }),
    },
  });
  const chain = chainOf(answer, what);
  const { validTo } = parseCertificate(chain[0]!, what);
  const lifetime = Date.parse(validTo) - Date.now();
  if (!(lifetime > 0))
    throw failure(
      `${what}: what was issued has expired already, on ${new Date(validTo).toISOString()}`,
      'Compare the clock of this machine with that of Vault.',
    );
  return { source: { cert: chain.join('\n'), key }, lifetime };
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
function checkLifetime({ role, ttl }: CheckedOptions, lifetime: number): void {
  const asked = ttl === undefined ? undefined : secondsOf(ttl);
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
