import type { X509Certificate } from 'node:crypto';
import type { Warning } from '../types.ts';
import { fieldsOf } from './certificate-fields.ts';
import { type Chain, isIssuedByRoot } from './chain.ts';
import { allowsClientAuth, type Choice, lineOf, subjectOf } from './identity.ts';
import { keyDetailsOf, keyTypeOf, publicKeyOf } from './key-type.ts';
import { type ExpiryThresholds, thresholdsOf } from './lifetime.ts';

const day = 86_400_000;

/** What the owner of the leaf and of the certificates that are sent with it should know. */
export function certificateWarnings(
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
  expiryWarningDays: ExpiryThresholds,
): Warning[] {
  return [
    ...dateWarnings(leaf, expiryWarningDays, 'the certificate'),
    ...chain.flatMap((each) => dateWarnings(each, expiryWarningDays, `the intermediate ${subjectOf(each)}`)),
    ...usageWarnings(leaf),
    ...keyWarnings(leaf),
    ...[leaf, ...chain].flatMap(signatureWarnings),
  ];
}

function dateWarnings(certificate: X509Certificate, thresholds: ExpiryThresholds, what: string): Warning[] {
  const lifetime = fieldsOf(certificate);
  const { notBefore, notAfter } = lifetime;
  const now = Date.now();
  if (now > notAfter)
    return [
      { code: 'EXPIRED', message: `${what} expired on ${dateOf(notAfter)}, ${daysOf(now - notAfter)} ago` },
    ];
  if (now < notBefore)
    return [{ code: 'NOT_YET_VALID', message: `${what} is not valid before ${dateOf(notBefore)}` }];
  const left = notAfter - now;
  return left < thresholdsOf(lifetime, thresholds)[0]! * day
    ? [{ code: 'EXPIRING', message: `${what} expires on ${dateOf(notAfter)}, in ${daysOf(left)}` }]
    : [];
}

function dateOf(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function daysOf(span: number): string {
  const days = Math.floor(span / day);
  if (days === 0) return 'less than a day';
  return days === 1 ? '1 day' : `${days} days`;
}

const digitalSignature = 0x80;

function usageWarnings(leaf: X509Certificate): Warning[] {
  const { keyUsage } = fieldsOf(leaf);
  if (!allowsClientAuth(leaf))
    return [
      {
        code: 'NO_CLIENT_AUTH',
        message:
          'the extended key usage does not include client authentication: most servers refuse the certificate',
      },
    ];
  if (keyUsage !== undefined && (keyUsage & digitalSignature) === 0)
    return [
      {
        code: 'NO_CLIENT_AUTH',
        message: 'the key usage does not include digital signatures: most servers refuse the certificate',
      },
    ];
  return [];
}

/** Named curves that TLS 1.3 signs with (RFC 8446 section 4.2.3), by OpenSSL's names. */
const tls13Curves = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

function keyWarnings(leaf: X509Certificate): Warning[] {
  const { explicitCurve } = fieldsOf(leaf);
  const key = publicKeyOf(leaf);
  const { modulusLength = Number.POSITIVE_INFINITY, namedCurve } = key ? keyDetailsOf(key) : {};
  const type = keyTypeOf(leaf);
  const warnings: Warning[] = [];
  if (modulusLength < 2048)
    warnings.push({
      code: 'WEAK_KEY',
      message: `the key is ${type.toUpperCase()} with ${modulusLength} bits: Node 24 and later refuse to use it ("ee key too small"), and so do most servers`,
    });
  const unfit = unfitFor(type, namedCurve, explicitCurve);
  if (unfit !== undefined) warnings.push({ code: 'KEY_NOT_PRESENTABLE', message: unfit });
  return warnings;
}

function unfitFor(type: string, curve: string | undefined, explicitCurve: boolean): string | undefined {
  if (explicitCurve)
    return 'the EC key spells its curve out instead of naming it: OpenSSL and most servers refuse such certificates';
  if (type === 'dsa') return 'DSA keys are presented in TLS 1.2 only; TLS 1.3 has no signature for them';
  if (type === 'ec' && curve !== undefined && !tls13Curves.has(curve))
    return curve.startsWith('brainpool')
      ? `keys on ${curve} are presented in TLS 1.2 only on Node 20, and few servers accept them`
      : `keys on ${curve} are presented in TLS 1.2 only; TLS 1.3 has no signature for them`;
  // Of other types it is not known here what which OpenSSL and which server can do with them.
  return /^(?:x25519|x448|ml-kem)/.test(type)
    ? `keys of the type ${type} cannot sign, so no TLS version presents the certificate`
    : undefined;
}

/** Signature algorithms (RFC 3279, RFC 8017) whose hash is broken. */
const weakSignatures: Record<string, string> = {
  '1.2.840.113549.1.1.2': 'MD2',
  '1.2.840.113549.1.1.3': 'MD4',
  '1.2.840.113549.1.1.4': 'MD5',
  '1.2.840.113549.1.1.5': 'SHA-1',
  '1.3.14.3.2.29': 'SHA-1',
  '1.2.840.10040.4.3': 'SHA-1',
  '1.2.840.10045.4.1': 'SHA-1',
};

function signatureWarnings(certificate: X509Certificate): Warning[] {
  const hash = weakSignatures[fieldsOf(certificate).signature];
  return hash === undefined
    ? []
    : [
        {
          code: 'WEAK_SIGNATURE',
          message: `${subjectOf(certificate)} is signed with ${hash}: Node 20 refuses to use it ("ca md too weak"), and so do most servers`,
        },
      ];
}

/** What was done about chain and identity, and what is missing. */
export function chainWarnings(
  leaf: X509Certificate,
  chain: Chain,
  pile: readonly X509Certificate[],
  ordered: boolean,
  { alone }: Choice,
): Warning[] {
  const warnings: Warning[] = [];
  const { intermediates, roots, open } = chain;
  // Other identities bring chains of their own.
  const unrelated = alone ? chain.unrelated : [];
  // Without its root a chain is as it should be sent; a leaf alone may not be, and roots it does not lead to are odd.
  if (open !== undefined && !isIssuedByRoot(open) && (intermediates.length === 0 || roots.length > 0))
    warnings.push({
      code: 'CHAIN_INCOMPLETE',
      message: `the issuer of ${subjectOf(open)}, ${lineOf(open.issuer)}, is not in the file: if it is an intermediate, servers that do not have it themselves refuse the certificate`,
    });
  if (ordered && alone && !isInOrder(leaf, intermediates, pile))
    warnings.push({
      code: 'CHAIN_REORDERED',
      message: 'the certificates were not in the order in which they are sent, and have been sorted',
    });
  if (unrelated.length > 0)
    warnings.push({
      code: 'UNRELATED_DROPPED',
      message: `not sent, because they do not belong to the chain: ${unrelated.slice(0, 5).map(subjectOf).join('; ')}${unrelated.length > 5 ? `; and ${unrelated.length - 5} more` : ''}`,
    });
  return warnings;
}

function isInOrder(
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
  pile: readonly X509Certificate[],
): boolean {
  const places = new Map(pile.map(({ fingerprint256 }, index) => [fingerprint256, index] as const).reverse());
  const positions = [leaf, ...chain].map(({ fingerprint256 }) => places.get(fingerprint256) ?? -1);
  // Certificates that came from `ca` are not in the pile.
  const own = positions.filter((position) => position >= 0);
  return own[0] === 0 && own.every((position, index) => index === 0 || position > own[index - 1]!);
}

export function identityWarnings({ identity, others, named }: Choice): Warning[] {
  return named || others.length === 0
    ? []
    : [
        {
          code: 'IDENTITY_CHOSEN',
          message: `the file holds ${others.length + 1} identities; ${subjectOf(identity.leaf.certificate)} was taken, because it is the only one that is valid now and allowed for client authentication. Name it by alias to make this certain`,
        },
      ];
}

export function fileWarnings(
  legacy: readonly string[],
  passphrase: { given: boolean; used: boolean },
): Warning[] {
  const warnings: Warning[] = [];
  if (legacy.length > 0)
    warnings.push({
      code: 'LEGACY_ENCRYPTION',
      message: `encrypted with ${[...new Set(legacy)].join(' and ')}, which Node cannot open by itself; clientcert reads it as it is`,
    });
  if (passphrase.given && !passphrase.used)
    warnings.push({ code: 'PASSPHRASE_UNUSED', message: 'a passphrase was given, and nothing needed it' });
  return warnings;
}

/**
 * Whether others than the owner may read a file with an unprotected key, or put another in its place. Windows keeps
 * permissions elsewhere.
 */
export function modeWarnings(label: string, mode: number | undefined, plain: boolean): Warning[] {
  if (mode === undefined || process.platform === 'win32') return [];
  const warnings: Warning[] = [];
  if (plain && (mode & 0o044) !== 0)
    warnings.push({
      code: 'KEY_FILE_READABLE',
      message: `${label} holds an unencrypted private key and is readable by ${who(mode, 0o004)}: chmod 600`,
    });
  // What is encrypted has to be opened by the same passphrase again; a group may well be the user's own.
  if ((mode & (plain ? 0o022 : 0o002)) !== 0)
    warnings.push({
      code: 'KEY_FILE_WRITABLE',
      message: `${label} holds a private key and may be overwritten by ${who(mode, 0o002)}, with another identity: chmod 600`,
    });
  return warnings;
}

function who(mode: number, others: number): string {
  return (mode & others) === 0 ? 'its group' : 'everyone';
}
