import { type KeyObject, sign, verify, type X509Certificate } from 'node:crypto';
import { quote as quoteWritten } from '../quote.ts';
import { type Alias, findByName, hasFingerprint } from './alias.ts';
import type { Budget } from './budget.ts';
import { fieldsOf } from './certificate-fields.ts';
import { checkSelfSigned, isSelfSigned } from './chain.ts';
import type { FoundCertificate, FoundKey, PassedOver } from './file-contents.ts';
import { keyDetailsOf } from './key-type.ts';
import { findPairs } from './pairing.ts';
import { corrupt, Problem, quote } from './problem.ts';
import { tokenKeyOf } from './token-key.ts';
import { tokenFailed } from './token-problems.ts';

/** A leaf certificate and, unless only certificates were asked for, the key that belongs to it. */
export interface Identity {
  readonly key: FoundKey | undefined;
  readonly leaf: FoundCertificate;
  /** The certificate's own names, before those of its key. */
  readonly aliases: readonly string[];
  /** How many of them are the certificate's. */
  readonly own: number;
}

export interface Choice {
  readonly identity: Identity;
  readonly others: readonly Identity[];
  /** No other identity was in the file, opened or not. */
  readonly alone: boolean;
  /** Named by the user, rather than taken for being the only one of use. */
  readonly named: boolean;
}

interface Wanted {
  readonly alias: Alias | undefined;
  /** Certificates without a key will do. */
  readonly keyOptional: boolean;
  /** The keys that the alias left unopened. */
  readonly passedOver?: readonly PassedOver[];
}

/**
 * The identity to use: the one with this alias or fingerprint, the only one, or the only one that is valid now
 * and allowed for client authentication.
 */
export async function chooseIdentity(
  keys: readonly FoundKey[],
  certificates: readonly FoundCertificate[],
  { alias, keyOptional, passedOver = [] }: Wanted,
  budget: Budget,
): Promise<Choice> {
  const identities =
    keys.length > 0
      ? await pair(keys, certificates, budget)
      : keyOptional
        ? await leavesOf(certificates, budget)
        : [];
  if (identities.length === 0)
    throw alias !== undefined && keys.length === 0 && passedOver.length > 0
      ? explainUnknown(identities, alias, passedOver)
      : explainNone(keys, certificates);
  const choice = choose(identities, alias, certificates, passedOver);
  const { key, leaf } = choice.identity;
  if (key !== undefined && !key.intact) await proveKey(key, leaf.certificate);
  return choice;
}

/** Every certificate with its key. `checkPrivateKey` alone decides, whatever names and key ids say. */
async function pair(
  keys: readonly FoundKey[],
  certificates: readonly FoundCertificate[],
  budget: Budget,
): Promise<Identity[]> {
  const found = new Map<
    string,
    { key: FoundKey; leaf: FoundCertificate; own: Set<string>; lent: Set<string> }
  >();
  for (const { leaf, key } of await findPairs(keys, certificates, budget)) {
    await budget.turn();
    const { fingerprint256 } = leaf.certificate;
    fieldsOf(leaf.certificate); // by which one of them is chosen, all at once
    const identity = found.get(fingerprint256) ?? { key, leaf, own: new Set(), lent: new Set() };
    if (leaf.alias !== undefined) identity.own.add(leaf.alias);
    if (key.alias !== undefined) identity.lent.add(key.alias);
    found.set(fingerprint256, identity);
  }
  return [...found.values()].map(({ key, leaf, own, lent }) => ({
    key,
    leaf,
    aliases: [...new Set([...own, ...lent])],
    own: own.size,
  }));
}

/** Without keys: certificates that issued none of the others. */
async function leavesOf(certificates: readonly FoundCertificate[], budget: Budget): Promise<Identity[]> {
  for (const { certificate } of certificates) await checkSelfSigned(certificate, budget);
  const issuers = new Set(
    certificates
      .filter(({ certificate }) => !isSelfSigned(certificate))
      .map(({ certificate }) => fieldsOf(certificate).issuer),
  );
  const isIssuer = ({ certificate }: FoundCertificate): boolean => issuers.has(fieldsOf(certificate).subject);
  const distinct = [...new Map(certificates.map((each) => [each.certificate.fingerprint256, each])).values()];
  const ends = distinct.filter((each) => !isIssuer(each));
  const leaves: FoundCertificate[] = [];
  for (const each of ends) {
    await budget.turn();
    if (!each.certificate.ca) leaves.push(each);
  }
  return (leaves.length > 0 ? leaves : ends.length > 0 ? ends : distinct).map((leaf) => ({
    key: undefined,
    leaf,
    aliases: leaf.alias === undefined ? [] : [leaf.alias],
    own: 1,
  }));
}

function explainNone(keys: readonly FoundKey[], certificates: readonly FoundCertificate[]): Problem {
  if (keys.length === 0 && certificates.length === 0)
    return new Problem('CERTIFICATE_MISSING', 'holds neither a certificate nor a private key');
  if (keys.length === 0)
    return new Problem(
      'KEY_MISSING',
      `holds ${countOf(certificates)} and no private key`,
      'Name the private key as key, or export the certificate together with its private key (Windows: "Yes, export the private key", as PFX).',
    );
  if (certificates.length === 0)
    return new Problem(
      'CERTIFICATE_MISSING',
      'holds a private key and no certificate',
      'Name the certificate that was issued for this key as cert.',
    );
  const [certificate] = certificates;
  return new Problem(
    'KEY_MISMATCH',
    certificates.length === 1
      ? `the private key (${describeKey(keys[0]!)}) does not belong to the certificate ${subjectOf(certificate!.certificate)}`
      : `the private key (${describeKey(keys[0]!)}) belongs to none of the ${certificates.length} certificates: ${certificates
          .slice(0, 5)
          .map((each) => subjectOf(each.certificate))
          .join('; ')}`,
    'The key and the certificate come from different requests. Find the key that the certificate request was made with, or have the certificate issued again.',
  );
}

function countOf(certificates: readonly FoundCertificate[]): string {
  return certificates.length === 1 ? 'a certificate' : `${certificates.length} certificates`;
}

function describeKey({ privateKey }: FoundKey): string {
  const { modulusLength, namedCurve } = keyDetailsOf(privateKey);
  return [privateKey.asymmetricKeyType?.toUpperCase(), modulusLength ?? namedCurve].filter(Boolean).join(' ');
}

function choose(
  identities: readonly Identity[],
  alias: Alias | undefined,
  certificates: readonly FoundCertificate[],
  passedOver: readonly PassedOver[],
): Choice {
  const usable = identities.filter(({ leaf: { certificate } }) => isUsable(certificate));
  const named = alias !== undefined;
  const identity = named
    ? findByAlias(identities, alias, certificates, passedOver)
    : identities.length === 1
      ? identities[0]
      : usable.length === 1
        ? usable[0]
        : undefined;
  if (identity !== undefined) {
    const others = identities.filter((each) => each !== identity);
    return { identity, others, alone: others.length + passedOver.length === 0, named };
  }
  throw new Problem(
    'IDENTITY_AMBIGUOUS',
    `holds ${identities.length} identities, and ${usable.length === 0 ? 'none' : `${usable.length}`} of them ${usable.length === 1 ? 'is' : 'are'} valid now and allowed for client authentication: ${list(identities)}`,
    'Choose one by alias: its name, or its SHA-256 fingerprint.',
  );
}

function findByAlias(
  identities: readonly Identity[],
  alias: Alias,
  certificates: readonly FoundCertificate[],
  passedOver: readonly PassedOver[],
): Identity {
  const matches =
    alias.fingerprint === undefined
      ? findNamed(identities, alias, certificates)
      : identities.filter(({ leaf }) => hasFingerprint(leaf.certificate, alias));
  if (matches.length === 1) return matches[0]!;
  if (matches.length > 1) {
    // One name, several certificates: a renewal that kept key and name.
    const usable = matches.filter(({ leaf: { certificate } }) => isUsable(certificate));
    if (usable.length === 1) return usable[0]!;
    throw new Problem(
      'IDENTITY_AMBIGUOUS',
      `holds ${matches.length} identities with this alias: ${list(matches)}`,
      'Choose one by its SHA-256 fingerprint instead.',
    );
  }
  throw explainUnknown(identities, alias, passedOver);
}

/**
 * An alias is one entry: a certificate's own name goes before that of its key, which a renewal may share, also where the one
 * of that name has no key here.
 */
function findNamed(
  identities: readonly Identity[],
  alias: Alias,
  certificates: readonly FoundCertificate[],
): readonly Identity[] {
  const named = findByName(identities, alias, ({ aliases, own }) => aliases.slice(0, own));
  if (named.length > 0 || findByName(certificates, alias, (each) => [each.alias]).length > 0) return named;
  return findByName(identities, alias, ({ aliases }) => aliases);
}

function explainUnknown(
  identities: readonly Identity[],
  { name }: Alias,
  passedOver: readonly PassedOver[],
): Problem {
  const all = [...identities, ...passedOver];
  const count = all.length === 1 ? 'one identity' : `${all.length} identities`;
  return new Problem(
    'IDENTITY_NOT_FOUND',
    `holds ${count}, and none with the alias ${quoteWritten(name, 'name')}: ${list(all)}`,
    'Use one of these aliases, or a SHA-256 fingerprint, which clientcert inspect prints in full.',
  );
}

const clientAuth = '1.3.6.1.5.5.7.3.2';
const serverAuth = '1.3.6.1.5.5.7.3.1';
const anyUsage = '2.5.29.37.0';

/** Whether the extended key usage, if there is any, allows client authentication (RFC 5280 section 4.2.1.12). */
export function allowsClientAuth(certificate: X509Certificate): boolean {
  const usages = fieldsOf(certificate).extendedKeyUsage;
  return usages === undefined || usages.includes(clientAuth) || usages.includes(anyUsage);
}

/** The same of server authentication. */
export function allowsServerAuth(certificate: X509Certificate): boolean {
  const usages = fieldsOf(certificate).extendedKeyUsage;
  return usages === undefined || usages.includes(serverAuth) || usages.includes(anyUsage);
}

/** Whether it is presented before another of the same key or name: it is valid, and for clients. */
export function isUsable(certificate: X509Certificate): boolean {
  const { notBefore, notAfter } = fieldsOf(certificate);
  const now = Date.now();
  return notBefore <= now && now <= notAfter && allowsClientAuth(certificate);
}

/** The first of them: to describe one takes a while. */
function list(identities: readonly (Identity | PassedOver)[]): string {
  const lines = identities
    .slice(0, 20)
    .map((each) =>
      'leaf' in each
        ? describe(each.aliases[0], each.leaf.certificate)
        : describe(each.alias, each.certificate),
    );
  return lines.join('; ') + (identities.length > 20 ? `; and ${identities.length - 20} more` : '');
}

function describe(alias: string | undefined, certificate: X509Certificate | undefined): string {
  const name = alias === undefined ? 'without an alias' : `alias ${quote(alias)}`;
  return certificate === undefined
    ? name
    : `${name}, ${subjectOf(certificate)}, expires ${dayOf(certificate)}, SHA-256 ${certificate.fingerprint256.slice(0, 11)}…`;
}

function dayOf(certificate: X509Certificate): string {
  return new Date(fieldsOf(certificate).notAfter).toISOString().slice(0, 10);
}

/** A subject on one line, most specific part first, without anything a terminal would act on. */
export function subjectOf(certificate: X509Certificate): string {
  const isLong = fieldsOf(certificate).subject.length > longestSubject;
  return isLong ? '(a subject longer than any)' : lineOf(certificate.subject);
}

/** What takes OpenSSL and us milliseconds to write, to print the first of it. */
const longestSubject = 8192;

/** The same of a name as Node gives it. */
export function lineOf(name: string | undefined): string {
  const parts = clean(name ?? '', ', ')
    .split(', ')
    .reverse()
    .join(', ');
  return parts === '' ? '(no subject)' : parts.slice(0, 200);
}

function clean(text: string, newline = ' '): string {
  return text.replace(/\r?\n/g, newline).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?');
}

/**
 * A key that no MAC vouches for is tried once, on the thread pool: OpenSSL imports damaged numbers without a
 * word, and `checkPrivateKey` compares public ones only.
 */
async function proveKey({ privateKey }: FoundKey, certificate: X509Certificate): Promise<void> {
  const hash = hashToSign(privateKey);
  if (hash === undefined) return;
  const message = Buffer.from('clientcert');
  let cause: Error | undefined;
  const good = await new Promise<boolean>((resolve) => {
    sign(hash, message, privateKey, (error, signature) => {
      cause = error ?? undefined;
      if (error !== null) return resolve(false);
      try {
        resolve(verify(hash, message, certificate.publicKey, signature));
      } catch {
        resolve(false);
      }
    });
  });
  const token = tokenKeyOf(privateKey);
  if (!good && token !== undefined) {
    const problem = tokenFailed(token.label, cause);
    throw token.access.unproved?.(problem) ?? problem;
  }
  if (!good)
    throw corrupt('holds a damaged private key: what it signs does not verify with its own certificate');
}

function hashToSign(key: KeyObject): string | null | undefined {
  const type = key.asymmetricKeyType;
  // An RSA-PSS key may be tied to one hash. Of others the details are not asked for: a key keeps them for good.
  if (type === 'rsa-pss') return key.asymmetricKeyDetails?.hashAlgorithm ?? 'sha256';
  if (type === 'ed25519' || type === 'ed448' || /^(?:ml|slh)-dsa/.test(`${type}`)) return null;
  return type === 'rsa' || type === 'ec' || type === 'dsa' ? 'sha256' : undefined;
}
