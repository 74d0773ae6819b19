import { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import type { Warning } from '../types.ts';
import { anatomyOf } from './anatomy.ts';
import { buildChain, isSelfSigned } from './chain.ts';
import { subjectOf } from './identity.ts';

/** What else there is for certificates that were given as `ca`. */
interface Beside {
  /** Further certificates, which may hold their roots. */
  readonly pile?: readonly X509Certificate[];
  /** Those that fill a gap in a chain that is sent, and so are of use whatever they are trusted for. */
  readonly used?: readonly X509Certificate[];
  /** Node's own roots are not trusted. */
  readonly only?: boolean;
}

/**
 * Certificates given as `ca` by which nothing is trusted: OpenSSL follows a chain up to a certificate that issued
 * itself, so an intermediate, or a server's own certificate, counts for nothing without its root (verify(1),
 * `X509_V_FLAG_PARTIAL_CHAIN`, which Node leaves off).
 *
 * @param label What the message calls them, e.g. `hosts["api.bank.example"]: ca`.
 */
export function authorityWarnings(
  label: string,
  given: readonly X509Certificate[],
  { pile = [], used = [], only = false }: Beside = {},
): Warning[] {
  const helpful = new Set(used.map(({ fingerprint256 }) => fingerprint256));
  const loose = given.filter((each) => !isSelfSigned(each) && !helpful.has(each.fingerprint256));
  const ends = loose
    .map((each) => buildChain(each, [...given, ...pile]).open)
    .filter((end) => end !== undefined);
  if (ends.length === 0) return [];
  const known = only ? new Set<string>() : rootNames();
  if (known === undefined) return [];
  const rootless = new Map(
    ends.filter((end) => !known.has(anatomyOf(end).issuer)).map((end) => [end.fingerprint256, end]),
  );
  return [...rootless.values()].map((end) => ({
    code: 'CA_WITHOUT_ROOT' as const,
    message: `${label}: ${subjectOf(end)} is ${end.ca ? 'an intermediate' : "a server's certificate, not an authority's"}, and the root above it (${issuerOf(end)}) is neither there nor one of Node's: no server is trusted by it. Add the root`,
  }));
}

function issuerOf({ issuer }: X509Certificate): string {
  return subjectOf({ subject: issuer } as X509Certificate);
}

/** Subjects of the roots that Node trusts; undefined where it does not tell all of them. */
function rootNames(): ReadonlySet<string> | undefined {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => readonly string[] };
  if (getCACertificates === undefined && process.env.NODE_EXTRA_CA_CERTS !== undefined) return undefined;
  const roots = getCACertificates?.('default') ?? tls.rootCertificates;
  return new Set(roots.map((pem) => anatomyOf(new X509Certificate(pem)).subject));
}
