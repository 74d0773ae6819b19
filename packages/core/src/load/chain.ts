import type { X509Certificate } from 'node:crypto';
import { anatomyOf } from './anatomy.ts';

/** What a pile of certificates means for one leaf. */
export interface Chain {
  /** From the leaf's issuer upwards, without the root. */
  readonly intermediates: X509Certificate[];
  /** Every self-signed root in the pile, whether the chain leads to it or not. */
  readonly roots: X509Certificate[];
  /** The chain ends at a self-signed certificate that was found. */
  readonly complete: boolean;
  /** The last certificate of the chain whose issuer was not found; undefined where it is complete. */
  readonly open: X509Certificate | undefined;
  /** Neither in the chain nor its root. */
  readonly unrelated: X509Certificate[];
}

/**
 * Builds the chain of `leaf` from `pile`, which may hold it too, in any order and more than once. `extra`
 * certificates fill gaps, and are otherwise left alone.
 */
export function buildChain(
  leaf: X509Certificate,
  pile: readonly X509Certificate[],
  extra: readonly X509Certificate[] = [],
): Chain {
  const others = (certificates: readonly X509Certificate[]): X509Certificate[] =>
    withoutDuplicates(certificates).filter(({ fingerprint256 }) => fingerprint256 !== leaf.fingerprint256);
  const own = others(pile);
  const candidates = others([...pile, ...extra]);
  const bySubject = new Map<string, X509Certificate[]>();
  for (const candidate of candidates) {
    const { subject } = anatomyOf(candidate);
    const same = bySubject.get(subject);
    if (same === undefined) bySubject.set(subject, [candidate]);
    else same.push(candidate);
  }
  const intermediates: X509Certificate[] = [];
  const used = new Set<X509Certificate>();
  let top = leaf;
  while (!isSelfSigned(top)) {
    const issuer = findIssuer(top, bySubject, used);
    if (issuer === undefined) break;
    used.add(issuer);
    top = issuer;
    if (!isSelfSigned(issuer)) intermediates.push(issuer);
  }
  const complete = isSelfSigned(top);
  return {
    intermediates,
    roots: own.filter(isRoot),
    complete,
    open: complete ? undefined : top,
    unrelated: own.filter((candidate) => !used.has(candidate)),
  };
}

export function withoutDuplicates(certificates: readonly X509Certificate[]): X509Certificate[] {
  return [...new Map(certificates.map((each) => [each.fingerprint256, each])).values()];
}

const selfSigned = new WeakMap<X509Certificate, boolean>();

/** Whether a certificate is its own issuer, by name and by signature. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  let known = selfSigned.get(certificate);
  if (known === undefined) {
    const { subject, issuer } = anatomyOf(certificate);
    known = subject === issuer && signed(certificate, certificate);
    selfSigned.set(certificate, known);
  }
  return known;
}

/** Whether a certificate is an authority that issued itself. Version 1 has no extension to say that it is one. */
export function isRoot(certificate: X509Certificate): boolean {
  return isSelfSigned(certificate) && (certificate.ca || anatomyOf(certificate).version === 1);
}

/** Of several issuers with one name and key (cross-signed, renewed), the one that stays valid longest. */
function findIssuer(
  certificate: X509Certificate,
  bySubject: ReadonlyMap<string, readonly X509Certificate[]>,
  used: ReadonlySet<X509Certificate>,
): X509Certificate | undefined {
  const named = bySubject.get(anatomyOf(certificate).issuer) ?? [];
  return named
    .filter((candidate) => !used.has(candidate) && signed(certificate, candidate))
    .sort(
      (a, b) =>
        Number(isSelfSigned(b)) - Number(isSelfSigned(a)) || anatomyOf(b).notAfter - anatomyOf(a).notAfter,
    )[0];
}

function signed(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key type or curve that this Node cannot verify with: the name has to do.
    return certificate.checkIssued(issuer);
  }
}
