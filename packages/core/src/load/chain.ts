import type { X509Certificate } from 'node:crypto';
import type { Budget } from './budget.ts';
import { fieldsOf } from './certificate-fields.ts';
import { powerCost } from './key-size.ts';
import { keyDetailsOf } from './key-type.ts';
import { corrupt } from './problem.ts';
import { inTurns } from './turn.ts';

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
export async function buildChain(
  leaf: X509Certificate,
  pile: readonly X509Certificate[],
  extra: readonly X509Certificate[],
  budget: Budget,
): Promise<Chain> {
  const others = async (certificates: readonly X509Certificate[]): Promise<X509Certificate[]> =>
    (await withoutDuplicates(certificates)).filter(
      ({ fingerprint256 }) => fingerprint256 !== leaf.fingerprint256,
    );
  const own = await others(pile);
  const candidates = await others([...pile, ...extra]);
  const bySubject = new Map<string, X509Certificate[]>();
  for (const candidate of candidates) {
    await budget.turn();
    const { subject } = fieldsOf(candidate);
    const same = bySubject.get(subject);
    if (same === undefined) bySubject.set(subject, [candidate]);
    else same.push(candidate);
  }
  const intermediates: X509Certificate[] = [];
  const used = new Set<X509Certificate>();
  const inFile = new Set(own);
  let top = leaf;
  while (!(await checkSelfSigned(top, budget))) {
    const issuer = await findIssuer(top, bySubject, { used, inFile }, budget);
    if (issuer === undefined) break;
    if (used.size === longest) throw corrupt(`holds a chain of more than ${longest} certificates`);
    used.add(issuer);
    top = issuer;
    if (!isSelfSigned(issuer)) intermediates.push(issuer);
  }
  const roots = await rootsAmong(own, budget);
  const complete = isSelfSigned(top);
  return {
    intermediates,
    roots,
    complete,
    open: complete ? undefined : top,
    unrelated: own.filter((candidate) => !used.has(candidate)),
  };
}

/** The authorities among these that issued themselves. */
export async function rootsAmong(
  certificates: readonly X509Certificate[],
  budget: Budget,
): Promise<X509Certificate[]> {
  const roots: X509Certificate[] = [];
  for (const candidate of certificates) {
    await checkSelfSigned(candidate, budget);
    await budget.turn();
    if (isRoot(candidate)) roots.push(candidate);
  }
  return roots;
}

/** The first of each. In turns: each is hashed for it. */
export async function withoutDuplicates(
  certificates: readonly X509Certificate[],
): Promise<X509Certificate[]> {
  const distinct = new Map<string, X509Certificate>();
  await inTurns(certificates, (each) => {
    fieldsOf(each); // what cannot be read is told of by whoever reads it, and not when it is in use
    const { fingerprint256 } = each;
    if (!distinct.has(fingerprint256)) distinct.set(fingerprint256, each);
  });
  return [...distinct.values()];
}

const selfSigned = new WeakMap<X509Certificate, boolean>();

/** Finds out what {@link isSelfSigned} answers at once from then on. */
export async function checkSelfSigned(certificate: X509Certificate, budget: Budget): Promise<boolean> {
  if (!selfSigned.has(certificate)) {
    await budget.turn();
    const { subject, issuer } = fieldsOf(certificate);
    if (subject === issuer) budget.work(costOf(certificate));
  }
  return isSelfSigned(certificate);
}

/** Whether a certificate is its own issuer, by name and by signature. */
export function isSelfSigned(certificate: X509Certificate): boolean {
  let known = selfSigned.get(certificate);
  if (known === undefined) {
    const { subject, issuer } = fieldsOf(certificate);
    known = subject === issuer && signed(certificate, certificate);
    selfSigned.set(certificate, known);
  }
  return known;
}

/** Whether a certificate is an authority that issued itself. Version 1 has no extension to say that it is one. */
function isRoot(certificate: X509Certificate): boolean {
  return isSelfSigned(certificate) && (certificate.ca || fieldsOf(certificate).version === 1);
}

/**
 * Whether an issuer that is not at hand is plainly a root: the certificate says that it issued itself, or its own name
 * ends as those of roots do, e.g. "Example Root CA G2". "Root Intermediate 1" and "Root Insurance CA" may be anything.
 */
export function isIssuedByRoot(certificate: X509Certificate): boolean {
  return fieldsOf(certificate).issuedByRoot || nameOfRoot.test(certificate.issuer ?? '');
}

const nameOfRoot =
  /^(?:CN|OU)=(?!.*\b(?:sub|intermediate|issuing))(?:.*\W)?root(?:[ -]+(?:CA|certificate|certification|authority|RSA|ECC|[A-Z]{0,4}\d{1,4}|I{1,3}|IV|V))*$/im;

/**
 * Of several issuers with one name and key (cross-signed, renewed), the one that stays valid longest, of those that are. Where the file leads
 * on to an older root, which may be all that a server knows, no other root that is only trusted ends the chain before it.
 */
async function findIssuer(
  certificate: X509Certificate,
  bySubject: ReadonlyMap<string, readonly X509Certificate[]>,
  { used, inFile }: Readonly<Record<'used' | 'inFile', ReadonlySet<X509Certificate>>>,
  budget: Budget,
): Promise<X509Certificate | undefined> {
  const issuers: X509Certificate[] = [];
  for (const candidate of bySubject.get(fieldsOf(certificate).issuer) ?? []) {
    if (used.has(candidate)) continue;
    budget.work(costOf(candidate));
    await budget.turn();
    if (signed(certificate, candidate)) issuers.push(candidate);
  }
  for (const issuer of issuers) await checkSelfSigned(issuer, budget);
  const leadsOn = issuers.some((each) => inFile.has(each) && fieldsOf(each).notAfter > Date.now());
  return issuers
    .filter((each) => !leadsOn || inFile.has(each) || !isSelfSigned(each))
    .sort(
      (a, b) =>
        Number(isSelfSigned(b)) - Number(isSelfSigned(a)) ||
        Number(hasBegun(b)) - Number(hasBegun(a)) ||
        fieldsOf(b).notAfter - fieldsOf(a).notAfter,
    )[0];
}

function hasBegun(certificate: X509Certificate): boolean {
  return fieldsOf(certificate).notBefore <= Date.now();
}

/** More certificates than any peer follows: OpenSSL stops after 100, others after ten. */
const longest = 32;

/** What verifying a signature of this certificate's key costs; an RSA exponent may be as long as the modulus. */
function costOf(certificate: X509Certificate): number {
  try {
    const key = certificate.publicKey;
    const { modulusLength, publicExponent, namedCurve } = keyDetailsOf(key);
    if (modulusLength === undefined) return quickKinds[namedCurve ?? `${key.asymmetricKeyType}`] ?? slowest;
    // The exponents of DSA are as long as its hash.
    return 100 + powerCost(modulusLength, publicExponent?.toString(2).length ?? 256);
  } catch {
    return 100;
  }
}

/** The usual curves, with what it takes to ask an old OpenSSL which it is, and other keys that take less than the rest. */
const quickKinds: Readonly<Record<string, number>> = {
  prime256v1: 500,
  secp384r1: 1000,
  secp521r1: 2000,
  ed25519: 200,
  ed448: 300,
  'ml-dsa-44': 300,
  'ml-dsa-65': 300,
  'ml-dsa-87': 300,
};
/** Binary curves of 571 bits, and SLH-DSA with SHAKE. */
const slowest = 3500;

function signed(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key type or curve that this Node cannot verify with: the name has to do.
    return certificate.checkIssued(issuer);
  }
}
