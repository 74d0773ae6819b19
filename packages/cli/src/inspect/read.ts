import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type ClientCertificate, type Inspection, inspectFile, readCertificate } from '@clientcert/core';
import { show } from '@clientcert/core/adapter';
import { describeKey, describePrivateKey, isUsable } from '@clientcert/core/enrolment';
import type { Passphrases } from '../passphrase.ts';
import { during } from '../progress.ts';
import { count } from '../text.ts';
import { configLines, type Opening } from './config-entry.ts';
import { isIssuedByPublicRoot, publicAuthorityNote } from './public-authority.ts';
import { type CertificateReport, type IdentityReport, type Report, verdictOn } from './report.ts';
import { statementsOf } from './statements.ts';

/** Takes each identity that was read, with its key. */
type Taker = (read: ClientCertificate) => void;

/**
 * What is in a file, and whether it would work.
 *
 * @param material Its bytes, where `file` is but what it is called.
 */
export async function reportOn(
  file: string,
  passphrases: Passphrases,
  material: string | Uint8Array = file,
  take: Taker = () => {},
): Promise<Report> {
  const inspection = await during(`Reading ${show(file, 'path')}`, () =>
    inspectFile(material, { ...passphrases, ...(material !== file && { name: file }) }),
  );
  const identities = await identitiesOf(file, material, passphrases, inspection, take);
  const report: Report = {
    file,
    verdict: verdictOn(identities),
    format: inspection.format.container,
    algorithms: inspection.format.algorithms,
    opensIn: await nodesThatOpen(material, inspection),
    identities,
    skipped: [...inspection.skipped, ...furtherKeys(inspection.keys.length)],
  };
  if (identities.length === 0) {
    report.certificates = inspection.certificates.map(({ certificate, alias }) => ({
      alias,
      ...describe(certificate),
    }));
    report.keys = inspection.keys.map(({ privateKey, alias, encrypted }) => ({
      type: keyType(describePrivateKey(privateKey)),
      alias,
      encrypted,
    }));
  }
  return report;
}

/** The files that belong together, perhaps: one with a key alone, and those with certificates alone. */
export function halvesIn(reports: readonly Report[]): { key: Report; certs: Report[] } | undefined {
  const halves = reports.filter(({ identities }) => identities?.length === 0);
  const [key, ...more] = halves.filter(({ keys = [] }) => keys.length > 0);
  const certs = halves.filter(
    ({ keys = [], certificates = [] }) => keys.length === 0 && certificates.length > 0,
  );
  return key === undefined || more.length > 0 || certs.length === 0 ? undefined : { key, certs };
}

/** What a key and the certificates of other files come to together. */
export async function reportOnPair(
  { key, certs }: { key: Report; certs: readonly Report[] },
  opening: Opening,
  materialOf: (file: string) => string | Uint8Array = (file) => file,
  take: Taker = () => {},
): Promise<Report> {
  const paths = certs.map(({ file }) => file);
  const cert = paths.length === 1 ? paths[0]! : paths;
  const read = await during(`Reading ${key.file}`, () =>
    readCertificate({ cert: paths.map(materialOf), key: materialOf(key.file), ...opening }),
  );
  take(read);
  const engine = opening.engine && { engine: String(opening.engine) };
  const lines = configLines(paths[0]!, { cert, key: key.file, ...engine }, opening, undefined);
  const identity = identityOf(read, undefined, lines);
  return { file: [...paths, key.file].join(' + '), verdict: verdictOn([identity]), identities: [identity] };
}

/** For each of them the file is read anew, with all that it holds: hundreds of identities would take minutes. */
const mostDescribed = 20;

function furtherKeys(keys: number): string[] {
  return keys > mostDescribed ? [count(keys - mostDescribed, 'further private key')] : [];
}

/** Every key with its certificate, as far as that many go; a file with one of each that do not belong together is an error. */
async function identitiesOf(
  file: string,
  material: string | Uint8Array,
  passphrases: Passphrases,
  { keys, certificates, format }: Inspection,
  take: Taker,
): Promise<IdentityReport[]> {
  if (keys.length === 0 || certificates.length === 0) return [];
  const leaves = keys.slice(0, mostDescribed).flatMap(({ privateKey, alias }) => {
    const isPair = ({ certificate }: Inspection['certificates'][number]) =>
      certificate.checkPrivateKey(privateKey);
    // A renewal may have kept the key, and is what is presented.
    const leaf =
      certificates.find((each) => isUsable(each.certificate) && isPair(each)) ?? certificates.find(isPair);
    return leaf ? [{ certificate: leaf.certificate, alias: alias ?? leaf.alias }] : [];
  });
  // Without a pair, reading says why.
  const aliases =
    leaves.length > 1 || keys.length > mostDescribed
      ? leaves.map(({ certificate }) => certificate.fingerprint256)
      : [undefined];
  const identities: IdentityReport[] = [];
  for (const [index, alias] of aliases.entries()) {
    const read = await during(`Reading ${file}`, () =>
      readCertificate({ cert: material, ...passphrases, alias }),
    );
    take(read);
    identities.push(
      identityOf(
        read,
        leaves[index]?.alias,
        configLines(file, { [isText(format) ? 'cert' : 'pfx']: file }, passphrases, alias, index),
      ),
    );
  }
  return identities;
}

export function identityOf(
  { certificate, chain, ca, warnings }: ClientCertificate<KeyObject | null>,
  alias: string | undefined,
  config: readonly string[],
): IdentityReport {
  const top = chain.at(-1) ?? certificate;
  const note = publicAuthorityNote(certificate, chain);
  const root = ca.find((candidate) => top.checkIssued(candidate) && top !== candidate);
  return {
    alias,
    ...describe(certificate),
    chain: [
      // Node 20 says nothing of a name that is empty.
      ...chain.map(({ subject = '' }) => ({ subject, sent: true })),
      ...(root ? [{ subject: root.subject ?? '', sent: false }] : []),
    ],
    missingIssuer: root || top.checkIssued(top) ? null : (top.issuer ?? ''),
    warnings: warnings.filter(
      ({ code }) => code !== 'CHAIN_INCOMPLETE' || chain.length > 0 || !isIssuedByPublicRoot(certificate),
    ),
    notes: note ? [note] : [],
    config,
  };
}

function describe(certificate: X509Certificate): CertificateReport {
  const validTo = new Date(certificate.validTo);
  const statements = statementsOf(certificate.raw);
  return {
    subject: certificate.subject ?? '',
    issuer: certificate.issuer ?? '',
    serialNumber: certificate.serialNumber,
    validFrom: new Date(certificate.validFrom),
    validTo,
    daysLeft: Math.floor((validTo.getTime() - Date.now()) / 86_400_000),
    keyType: keyType(describeKey(certificate)),
    usages: (certificate.keyUsage ?? []).map((oid) => usageNames[oid] ?? oid),
    fingerprint256: certificate.fingerprint256,
    fingerprint: certificate.fingerprint,
    'x5t#S256': createHash('sha256').update(certificate.raw).digest('base64url'),
    ...(statements && { statements }),
  };
}

/** RFC 5280, section 4.2.1.12, and Microsoft's. */
const usageNames: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'server authentication',
  '1.3.6.1.5.5.7.3.2': 'client authentication',
  '1.3.6.1.5.5.7.3.3': 'code signing',
  '1.3.6.1.5.5.7.3.4': 'email protection',
  '1.3.6.1.5.5.7.3.8': 'time stamping',
  '1.3.6.1.5.5.7.3.9': 'OCSP signing',
  '1.3.6.1.4.1.311.20.2.2': 'smart-card logon',
  '2.5.29.37.0': 'any',
};

function keyType(text: string): string {
  return /^(?:rsa|ec|dsa)/.test(text)
    ? text.replace(/^\S+/, (name) => name.toUpperCase())
    : `${text[0]?.toUpperCase()}${text.slice(1)}`;
}

/**
 * The Nodes whose own `pfx`, or `cert` and `key`, options take the file: PEM text as OpenSSL reads it, and DER
 * PKCS#12 without the ciphers that OpenSSL 3 dropped; Node 20 also wants a classic MAC.
 */
async function nodesThatOpen(
  material: string | Uint8Array,
  { format, legacyAlgorithms }: Inspection,
): Promise<number[]> {
  const bytes = typeof material === 'string' ? await readFile(material) : Buffer.from(material);
  if (legacyAlgorithms.length > 0) return [];
  if (format.container === 'PKCS#12' && bytes[0] === 0x30) {
    return format.algorithms.some((each) => each.startsWith('MAC ')) ? [20, 22, 24, 26] : [22, 24, 26];
  }
  const plainText = !bytes.includes(0) && /^-----BEGIN /m.test(bytes.toString('latin1'));
  return format.container === 'PEM' && plainText ? [20, 22, 24, 26] : [];
}

function isText({ container }: Inspection['format']): boolean {
  return container === 'PEM' || container === 'DER';
}
