import { X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import type { Warning } from '../types.ts';
import type { Budget } from './budget.ts';
import { fieldsOf } from './certificate-fields.ts';
import { extraRoots } from './extra-roots.ts';
import { lineOf, subjectOf } from './identity.ts';

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
export async function authorityWarnings(
  label: string,
  given: readonly X509Certificate[],
  { pile = [], used = [], only = false }: Beside,
  budget: Budget,
): Promise<Warning[]> {
  const helpful = new Set(used.map(({ fingerprint256 }) => fingerprint256));
  const bySubject = new Map<string, X509Certificate>();
  for (const each of [...pile, ...given]) {
    await budget.turn();
    bySubject.set(fieldsOf(each).subject, each);
  }
  const ends: X509Certificate[] = [];
  for (const each of given) {
    await budget.turn();
    const end = helpful.has(each.fingerprint256) ? undefined : findEnd(each, bySubject);
    if (end !== undefined) ends.push(end);
  }
  if (ends.length === 0) return [];
  const known = only ? new Set<string>() : await rootNames(budget);
  const rootless = new Map(
    ends.filter((end) => !known.has(fieldsOf(end).issuer)).map((end) => [end.fingerprint256, end]),
  );
  const warnings: Warning[] = [];
  for (const end of [...rootless.values()].slice(0, mostWarnings)) {
    await budget.turn();
    warnings.push({
      code: 'CA_WITHOUT_ROOT',
      message: `${label}: ${subjectOf(end)} is ${end.ca ? 'an intermediate' : "a server's certificate, not an authority's"}, and the root above it (${lineOf(end.issuer)}) is neither there nor one of Node's: no server is trusted by it. Add the root`,
    });
  }
  const further = rootless.size - warnings.length;
  if (further > 0)
    warnings.push({ code: 'CA_WITHOUT_ROOT', message: `${label}: the same holds for ${further} more` });
  return warnings;
}

/** Each is a line that a process prints. */
const mostWarnings = 10;

/** The last above a certificate whose issuer is missing, by names alone; undefined where a root is reached. */
function findEnd(
  certificate: X509Certificate,
  bySubject: ReadonlyMap<string, X509Certificate>,
): X509Certificate | undefined {
  let top = certificate;
  for (let depth = 0; depth < deepest; depth++) {
    const { subject, issuer } = fieldsOf(top);
    if (subject === issuer) return undefined;
    const above = bySubject.get(issuer);
    if (above === undefined) return top;
    top = above;
  }
  return undefined;
}

/** Longer chains, and rings of authorities that certify each other, are not followed. */
const deepest = 32;

/** Subjects of the roots that Node trusts, as far as it tells them. */
async function rootNames(budget: Budget): Promise<ReadonlySet<string>> {
  const { getCACertificates } = tls as { getCACertificates?: (type: 'default') => readonly string[] };
  const roots = getCACertificates?.('default') ?? [...tls.rootCertificates, ...extraRoots()];
  const names = new Set<string>();
  for (const root of roots) {
    await budget.turn();
    for (const name of subjectIn(root)) names.add(name);
  }
  return names;
}

function subjectIn(pem: string): readonly string[] {
  const known = subjects.get(pem);
  if (known) return known;
  const found = readSubject(pem);
  subjects.set(pem, found);
  return found;
}

/** By their PEM: Node's roots are asked for by each rule that has a `ca` without a root, and there may be thousands. */
const subjects = new Map<string, readonly string[]>();

function readSubject(pem: string): string[] {
  try {
    return [fieldsOf(new X509Certificate(pem)).subject];
  } catch {
    // One that Node passed over as well.
    return [];
  }
}
