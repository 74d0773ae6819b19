import type { X509Certificate } from 'node:crypto';
import type { CheckedConfig } from '../config/check.ts';
import type { CertificateFacts } from '../diagnose/facts.ts';
import { fieldsOf } from '../load/certificate-fields.ts';
import { isIssuedByRoot } from '../load/chain.ts';
import { describeSource } from '../load/index.ts';
import { thresholdsOf } from '../load/lifetime.ts';
import { leafFieldsOf, tokenKeyIn } from '../load/stored-certificate.ts';
import { spiffeIdOf } from '../load/svid.ts';
import { rulesOf } from '../pin/rule.ts';
import type { Health } from '../rotate/health.ts';
import type { Failure } from '../rotate/renewal.ts';
import type { CertificateVersion } from '../tls/context.ts';
import type { ClientCertificate, Warning } from '../types.ts';

/** What {@link Credentials.certificates} says of one certificate. Nothing in it is secret. */
export interface CertificateInfo<CertificateName extends string = string> {
  /** Its name in the config. */
  name: CertificateName;
  /** 1 when it was loaded, one more with every renewal. */
  version: number;
  /** As Node's `X509Certificate` writes it: one attribute a line. */
  subject: string;
  /** Written like `subject`. */
  issuer: string;
  /** The SPIFFE ID, `spiffe://example.org/payments`, of an X.509-SVID; `null` for any other certificate. */
  spiffeId: string | null;
  /** Hexadecimal, in upper case. */
  serialNumber: string;
  /** SHA-256 of the certificate: hexadecimal pairs in upper case, joined by colons. */
  fingerprint256: string;
  /** The same in base64url: what the `cnf` of a token that is bound to the certificate says (RFC 8705, section 3.1). */
  'x5t#S256': string;
  /** The first moment at which it is valid. */
  validFrom: Date;
  /** The last moment at which it is valid. */
  validTo: Date;
  /** Whole days until it expires; negative afterwards. */
  daysLeft: number;
  /** As Node calls it, with its size or curve: `rsa 2048`, `ec prime256v1`, `ed25519`. */
  keyType: string;
  /** Where its private key is: in the process, or on a token. */
  key: 'memory' | 'token';
  /** The token and the key on it, as a PKCS#11 URI without a PIN, or `TPM 2.0`; `null` for a key in memory. */
  token: string | null;
  /** What has that token sign: an OpenSSL provider, or an engine, which does so in TLS alone; `null` for a key in memory. */
  signedBy: 'provider' | 'engine' | null;
  /** How many certificates are sent: the leaf and its intermediates. */
  chainLength: number;
  /** The issuer of each of them, from the leaf's upwards. */
  issuers: readonly string[];
  /** Where it was read from: paths, variables; never contents. */
  source: string;
  /** The rules that name it, each as its place in the config. */
  pinnedAt: readonly string[];
  /** `expiring` from the first of `expiryWarningDays` on. */
  status: 'valid' | 'expiring' | 'expired' | 'not yet valid';
  /** Why the last try to renew it failed; the one in use stays. */
  error: Error | null;
  /** Since when every try has failed; `null` where the last one did not. */
  failedSince: Date | null;
  /** What its owner should know, such as a weak key. */
  warnings: readonly Warning[];
}

/** What there is to say of one certificate. */
export function describeCertificate(
  { name, version, material }: CertificateVersion,
  config: CheckedConfig,
  pinnedAt: readonly string[],
  failure: Failure | undefined,
): CertificateInfo {
  const { certificate, chain, keyType, warnings } = material;
  const token = tokenKeyIn(material);
  const { validFrom, validTo, status } = validityOf(material, config);
  return {
    name,
    version,
    subject: nameOf(certificate.subject),
    issuer: nameOf(certificate.issuer),
    spiffeId: spiffeIdOf(certificate) ?? null,
    serialNumber: certificate.serialNumber,
    fingerprint256: certificate.fingerprint256,
    'x5t#S256': thumbprintOf(certificate),
    validFrom,
    validTo,
    daysLeft: Math.floor((validTo.getTime() - Date.now()) / day),
    keyType,
    key: token === undefined ? 'memory' : 'token',
    token: token?.label ?? null,
    signedBy: token?.way ?? null,
    chainLength: chain.length + 1,
    issuers: [certificate, ...chain].map(({ issuer }) => nameOf(issuer)),
    source: describeSource(config.certificates.get(name)!, config.baseDirectory),
    pinnedAt,
    status,
    error: failure?.error ?? null,
    failedSince: failure?.since ?? null,
    warnings: warnings.map((each) => ({ ...each })),
  };
}

/** From when to when it is valid, and what that means now; nothing is parsed for it, so that thousands can be asked. */
export function validityOf(
  material: ClientCertificate,
  { expiryWarningDays }: Pick<CheckedConfig, 'expiryWarningDays'>,
): Pick<CertificateInfo, 'validFrom' | 'validTo' | 'status'> {
  const fields = leafFieldsOf(material);
  const { notBefore, notAfter } = fields;
  const now = Date.now();
  const left = notAfter - now;
  const isNear = () => left < thresholdsOf(fields, expiryWarningDays)[0]! * day;
  const status = left < 0 ? 'expired' : now < notBefore ? 'not yet valid' : isNear() ? 'expiring' : 'valid';
  return { validFrom: new Date(notBefore), validTo: new Date(notAfter), status };
}

/** Node 20 says nothing of a name that is empty (RFC 5280, section 4.1.2.6). */
function nameOf(name: string | undefined): string {
  return name ?? '';
}

function thumbprintOf({ fingerprint256 }: X509Certificate): string {
  return Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
}

/** What `diagnose` asks of one. */
export function factsOfCertificate(version: CertificateVersion | undefined): CertificateFacts | null {
  if (!version) return null;
  const { certificate, chain, ca, bundles = {}, warnings } = version.material;
  const sent = [certificate, ...chain];
  return {
    name: version.name,
    subject: nameOf(certificate.subject),
    spiffeId: spiffeIdOf(certificate),
    issuers: sent.map(({ issuer }) => nameOf(issuer)),
    validity: sent.map((each) => {
      const { notBefore, notAfter } = fieldsOf(each);
      return { from: new Date(notBefore), to: new Date(notAfter) };
    }),
    chain: completenessOf(sent.at(-1)!, [...ca, ...Object.values(bundles).flat()]),
    warnings: warnings.map(({ code }) => code),
  };
}

/** Whether the issuer of the last certificate that is sent is a root, as far as certificates and names tell. */
function completenessOf(last: X509Certificate, roots: readonly X509Certificate[]): CertificateFacts['chain'] {
  const { issuer, subject } = fieldsOf(last);
  if (issuer === subject || isIssuedByRoot(last) || roots.some((root) => last.checkIssued(root)))
    return 'complete';
  // Public authorities name where their intermediates are to be had (RFC 5280, section 4.2.2.1).
  const named = /\b(?:intermediate|issuing|sub(?:ordinate)?[ -]?ca)\b/i.test(last.issuer);
  return named || /CA Issuers/.test(last.infoAccess ?? '') ? 'incomplete' : 'unknown';
}

/** What a person reads of loaded credentials: the certificates, the rules, and what is wrong. */
export function describeCredentials(
  certificates: readonly CertificateInfo[],
  rules: readonly { rule: string; certificate: string | false | null }[],
  { status, reasons }: Health,
): string {
  const shorten = (lines: readonly string[]) =>
    lines.length <= mostShown
      ? lines
      : [...lines.slice(0, mostShown), `  … and ${lines.length - mostShown} more`];
  const width = Math.max(0, ...rules.slice(0, mostShown).map(({ rule }) => rule.length));
  const lines = [
    `Credentials (${status})`,
    ...shorten(
      certificates.map(
        ({ name, subject, spiffeId, validTo, status: each }) =>
          `  ${name}: ${spiffeId ?? (subject.trim().split('\n').at(-1) || '(no name)')}, ${each}, until ${validTo.toISOString().slice(0, 10)}`,
      ),
    ),
    ...shorten(
      rules.map(
        ({ rule, certificate }) =>
          `  ${rule.padEnd(width)}  ${certificate === false ? 'never one' : (certificate ?? 'none')}`,
      ),
    ),
    ...shorten(reasons.map(({ status: each, message }) => `  ${each}: ${message}`)),
  ];
  return lines.map((line) => line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')).join('\n');
}

const mostShown = 20;

/** Where each certificate is named. */
export function pinsByCertificate(config: CheckedConfig): ReadonlyMap<string, readonly string[]> {
  const pins = new Map<string, string[]>();
  for (const { certificate, label } of rulesOf(config.pins)) {
    if (typeof certificate !== 'string') continue;
    const labels = pins.get(certificate);
    if (labels) labels.push(label);
    else pins.set(certificate, [label]);
  }
  return pins;
}

const day = 24 * 60 * 60 * 1000;
