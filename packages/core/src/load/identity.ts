import { type KeyObject, sign, verify, type X509Certificate } from 'node:crypto';
import { anatomyOf } from './anatomy.ts';
import type { Budget } from './budget.ts';
import { checkSelfSigned, isSelfSigned } from './chain.ts';
import type { FoundCertificate, FoundKey } from './holdings.ts';
import { findPairs } from './pairing.ts';
import { corrupt, Problem } from './problem.ts';

/** A leaf certificate and, unless only certificates were asked for, the key that belongs to it. */
export interface Identity {
  readonly key: FoundKey | undefined;
  readonly leaf: FoundCertificate;
  readonly aliases: readonly string[];
}

export interface Choice {
  readonly identity: Identity;
  readonly others: readonly Identity[];
  /** Named by the user, rather than taken for being the only one of use. */
  readonly named: boolean;
}

/**
 * The identity to use: the one with this alias or fingerprint, the only one, or the only one that is valid now
 * and allowed for client authentication.
 */
export async function chooseIdentity(
  keys: readonly FoundKey[],
  certificates: readonly FoundCertificate[],
  { alias, keyOptional }: { alias: string | undefined; keyOptional: boolean },
  budget: Budget,
): Promise<Choice> {
  const identities =
    keys.length > 0
      ? await pair(keys, certificates, budget)
      : keyOptional
        ? await leavesOf(certificates, budget)
        : [];
  if (identities.length === 0) throw explainNone(keys, certificates);
  const choice = choose(identities, alias);
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
  const identities = new Map<string, Identity>();
  for (const { leaf, key } of await findPairs(keys, certificates, budget)) {
    const { fingerprint256 } = leaf.certificate;
    const known = identities.get(fingerprint256);
    budget.work(known?.aliases.length ?? 0);
    await budget.turn();
    const aliases = [leaf.alias, key.alias, ...(known?.aliases ?? [])];
    identities.set(fingerprint256, {
      key: known?.key ?? key,
      leaf,
      aliases: [...new Set(aliases.filter((name) => name !== undefined))],
    });
  }
  return [...identities.values()];
}

/** Without keys: certificates that issued none of the others. */
async function leavesOf(certificates: readonly FoundCertificate[], budget: Budget): Promise<Identity[]> {
  for (const { certificate } of certificates) await checkSelfSigned(certificate, budget);
  const issuers = new Set(
    certificates
      .filter(({ certificate }) => !isSelfSigned(certificate))
      .map(({ certificate }) => anatomyOf(certificate).issuer.toString('latin1')),
  );
  const isIssuer = ({ certificate }: FoundCertificate): boolean =>
    issuers.has(anatomyOf(certificate).subject.toString('latin1'));
  const distinct = [...new Map(certificates.map((each) => [each.certificate.fingerprint256, each])).values()];
  const ends = distinct.filter((each) => !isIssuer(each));
  const leaves = ends.filter(({ certificate }) => !certificate.ca);
  return (leaves.length > 0 ? leaves : ends.length > 0 ? ends : distinct).map((leaf) => ({
    key: undefined,
    leaf,
    aliases: leaf.alias === undefined ? [] : [leaf.alias],
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
  const { modulusLength, namedCurve } = privateKey.asymmetricKeyDetails ?? {};
  return [privateKey.asymmetricKeyType?.toUpperCase(), modulusLength ?? namedCurve].filter(Boolean).join(' ');
}

function choose(identities: readonly Identity[], alias: string | undefined): Choice {
  const usable = identities.filter(({ leaf: { certificate } }) => isUsable(certificate));
  const named = alias !== undefined;
  const identity = named
    ? findByAlias(identities, alias)
    : identities.length === 1
      ? identities[0]
      : usable.length === 1
        ? usable[0]
        : undefined;
  if (identity !== undefined)
    return { identity, others: identities.filter((each) => each !== identity), named };
  throw new Problem(
    'IDENTITY_AMBIGUOUS',
    `holds ${identities.length} identities, and ${usable.length === 0 ? 'none' : `${usable.length}`} of them ${usable.length === 1 ? 'is' : 'are'} valid now and allowed for client authentication: ${list(identities)}`,
    'Choose one by alias: its name, or its SHA-256 fingerprint.',
  );
}

/** An alias as Java compares it, without case; or a SHA-256 fingerprint, with or without colons. */
function findByAlias(identities: readonly Identity[], alias: string): Identity {
  const hex = alias
    .replace(/^sha-?256[:=\s/]*/i, '')
    .replace(/[\s:-]/g, '')
    .toUpperCase();
  const fingerprint = /^[0-9A-F]{64}$/.test(hex) ? hex : undefined;
  const matches =
    fingerprint === undefined
      ? byName(identities, alias)
      : identities.filter(({ leaf }) => leaf.certificate.fingerprint256.replaceAll(':', '') === fingerprint);
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
  throw new Problem(
    'IDENTITY_NOT_FOUND',
    `holds no identity with the alias ${quote(alias)}; it holds ${list(identities)}`,
    'Use one of these aliases, or a SHA-256 fingerprint.',
  );
}

function byName(identities: readonly Identity[], alias: string): readonly Identity[] {
  const exact = identities.filter(({ aliases }) => aliases.includes(alias));
  if (exact.length > 0) return exact;
  const folded = alias.toLowerCase();
  return identities.filter(({ aliases }) => aliases.some((name) => name.toLowerCase() === folded));
}

const clientAuth = '1.3.6.1.5.5.7.3.2';
const anyUsage = '2.5.29.37.0';

/** Whether the extended key usage, if there is any, allows client authentication (RFC 5280 section 4.2.1.12). */
export function allowsClientAuth(certificate: X509Certificate): boolean {
  const usages = anatomyOf(certificate).extendedKeyUsage;
  return usages === undefined || usages.includes(clientAuth) || usages.includes(anyUsage);
}

function isUsable(certificate: X509Certificate): boolean {
  const { notBefore, notAfter } = anatomyOf(certificate);
  const now = Date.now();
  return notBefore <= now && now <= notAfter && allowsClientAuth(certificate);
}

function list(identities: readonly Identity[]): string {
  const lines = identities
    .slice(0, 20)
    .map(
      ({ leaf: { certificate }, aliases }) =>
        `${aliases.length === 0 ? 'no alias' : `alias ${quote(aliases[0]!)}`}, ${subjectOf(certificate)}, expires ${dayOf(certificate)}, SHA-256 ${certificate.fingerprint256.slice(0, 11)}…`,
    );
  return lines.join('; ') + (identities.length > 20 ? `; and ${identities.length - 20} more` : '');
}

function quote(name: string): string {
  return `"${clean(name).slice(0, 80)}"`;
}

function dayOf(certificate: X509Certificate): string {
  const { notAfter } = anatomyOf(certificate);
  return Number.isNaN(notAfter) ? 'at an unreadable date' : new Date(notAfter).toISOString().slice(0, 10);
}

/** A subject on one line, most specific part first, without anything a terminal would act on. */
export function subjectOf(certificate: X509Certificate): string {
  const parts = clean(certificate.subject ?? '', ', ')
    .split(', ')
    .reverse()
    .join(', ');
  return parts === '' ? '(no subject)' : parts.slice(0, 200);
}

function clean(text: string, newline = ' '): string {
  return text.replace(/\r?\n/g, newline).replace(/[\p{Cc}\p{Cf}]/gu, '?');
}

/**
 * A key that no MAC vouches for is tried once, on the thread pool: OpenSSL imports damaged numbers without a
 * word, and `checkPrivateKey` compares public ones only.
 */
async function proveKey({ privateKey }: FoundKey, certificate: X509Certificate): Promise<void> {
  const hash = hashToSign(privateKey);
  if (hash === undefined) return;
  const message = Buffer.from('clientcert');
  const good = await new Promise<boolean>((resolve) => {
    sign(hash, message, privateKey, (error, signature) => {
      if (error !== null) return resolve(false);
      try {
        resolve(verify(hash, message, certificate.publicKey, signature));
      } catch {
        resolve(false);
      }
    });
  });
  if (!good)
    throw corrupt('holds a damaged private key: what it signs does not verify with its own certificate');
}

function hashToSign({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): string | null | undefined {
  // An RSA-PSS key may be tied to one hash.
  if (type === 'rsa-pss') return details?.hashAlgorithm ?? 'sha256';
  if (type === 'ed25519' || type === 'ed448') return null;
  return type === 'rsa' || type === 'ec' || type === 'dsa' ? 'sha256' : undefined;
}
