import type { KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import {
  type ClientCertificate,
  ClientCertificateError,
  type Inspection,
  inspectFile,
  readCertificate,
  type Warning,
} from '@clientcert/core';
import type { Command } from 'commander';
import {
  addPassphraseOptions,
  type PassphraseOptions,
  type Passphrases,
  withPassphrase,
} from '../passphrase.ts';
import { daysLeft, failure, field, nameOf, safe, wrap } from '../text.ts';

/** `clientcert inspect FILE…`: what is in it, whether it would work, what is wrong with it. */
export function addInspect(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('inspect')
    .argument('<file...>', 'certificate files of any kind: .pfx, .p12, .pem, .cer, .p7b, .jks, keys')
    .description('what is in a certificate file, whether it would work, what is wrong with it')
    .option('--json', 'print for machines')
    .addHelpText('after', '\nExit code: 0 the file was read, with warnings or without, 1 unusable.');
  addPassphraseOptions(command).action(
    async (files: string[], options: PassphraseOptions & { json?: boolean }) => {
      const reports: Report[] = [];
      for (const file of files) reports.push(await inspect(file, options));
      const pair = await pairUp(reports, options);
      if (pair) reports.push(pair);
      if (options.json) console.log(JSON.stringify(reports, null, 2));
      else console.log(reports.map(print).join('\n\n'));
      const verdicts = reports.filter(({ halfOf }) => halfOf === undefined).map(({ verdict }) => verdict);
      exit(verdicts.includes('unusable') ? 1 : 0);
    },
  );
}

interface Report {
  file: string;
  /** The files that make one identity together with this one; what they come to has a report of its own. */
  halfOf?: readonly string[];
  verdict: 'good' | 'warning' | 'unusable';
  /** What the file is. */
  format?: string;
  /** What encrypts and protects it. */
  algorithms?: readonly string[];
  /** The major versions of Node that could open it themselves. */
  opensIn?: readonly number[];
  identities?: IdentityReport[];
  /** Certificates that no key in the file belongs to, where there is no identity. */
  certificates?: CertificateReport[];
  /** Keys without a certificate. */
  keys?: { type: string; alias?: string | undefined; encrypted: boolean }[];
  /** What else was recognised and skipped. */
  skipped?: readonly string[];
  error?: { code: string; message: string; hint?: string | undefined };
}

interface CertificateReport {
  alias?: string | undefined;
  subject: string;
  issuer: string;
  serialNumber: string;
  validFrom: Date;
  validTo: Date;
  daysLeft: number;
  keyType: string;
  usages: readonly string[];
  fingerprint256: string;
  fingerprint: string;
}

interface IdentityReport extends CertificateReport {
  /** From the leaf's issuer upwards. */
  chain: { subject: string; sent: boolean }[];
  warnings: readonly Warning[];
  /** The lines for the config. */
  config: readonly string[];
}

async function inspect(file: string, options: PassphraseOptions): Promise<Report> {
  try {
    return await withPassphrase(options, file, async (passphrases) => {
      const inspection = await inspectFile(file, passphrases);
      const identities = await identitiesOf(file, passphrases, inspection);
      const report: Report = {
        file,
        verdict:
          identities.length > 0 && identities.every(({ warnings }) => warnings.length === 0)
            ? 'good'
            : 'warning',
        format: inspection.format.container,
        algorithms: inspection.format.algorithms,
        opensIn: await nodesThatOpen(file, inspection),
        identities,
        skipped: inspection.skipped,
      };
      if (identities.length === 0) {
        report.certificates = inspection.certificates.map(({ certificate, alias }) => ({
          alias,
          ...describe(certificate),
        }));
        report.keys = inspection.keys.map(({ privateKey, alias, encrypted }) => ({
          type: keyType(privateKey),
          alias,
          encrypted,
        }));
      }
      return report;
    });
  } catch (error) {
    if (!(error instanceof ClientCertificateError)) throw error;
    const { code, message, hint } = error;
    return { file, verdict: 'unusable', error: { code, message, hint } };
  }
}

/** One file with a key alone, and the files with certificates alone: whether they belong together. */
async function pairUp(reports: readonly Report[], options: PassphraseOptions): Promise<Report | undefined> {
  const halves = reports.filter(({ identities }) => identities?.length === 0);
  const [key, ...more] = halves.filter(({ keys = [] }) => keys.length > 0);
  const certs = halves.filter(
    ({ keys = [], certificates = [] }) => keys.length === 0 && certificates.length > 0,
  );
  if (key === undefined || more.length > 0 || certs.length === 0) return undefined;
  const files = [...certs, key].map(({ file }) => file);
  for (const half of [...certs, key]) half.halfOf = files;
  const cert = certs.length === 1 ? certs[0]!.file : certs.map(({ file }) => file);
  const file = files.join(' + ');
  try {
    return await withPassphrase(options, key.file, async (passphrases) => {
      const read = await readCertificate({ cert, key: key.file, ...passphrases });
      const lines = configLines(certs[0]!.file, { cert, key: key.file }, passphrases, undefined);
      const identity = identityOf(read, undefined, lines);
      return { file, verdict: read.warnings.length > 0 ? 'warning' : 'good', identities: [identity] };
    });
  } catch (error) {
    if (!(error instanceof ClientCertificateError)) throw error;
    const { code, message, hint } = error;
    return { file, verdict: 'unusable', error: { code, message, hint } };
  }
}

/** Every key with its certificate; a file with one of each that do not belong together is an error. */
async function identitiesOf(
  file: string,
  passphrases: Passphrases,
  { keys, certificates, format }: Inspection,
): Promise<IdentityReport[]> {
  if (keys.length === 0 || certificates.length === 0) return [];
  const leaves = keys.flatMap(({ privateKey, alias }) => {
    const leaf = certificates.find(({ certificate }) => certificate.checkPrivateKey(privateKey));
    return leaf ? [{ certificate: leaf.certificate, alias: alias ?? leaf.alias }] : [];
  });
  // Without a pair, reading says why.
  const aliases =
    leaves.length > 1 ? leaves.map(({ certificate }) => certificate.fingerprint256) : [undefined];
  const identities: IdentityReport[] = [];
  for (const [index, alias] of aliases.entries()) {
    const read = await readCertificate({ cert: file, ...passphrases, alias });
    identities.push(
      identityOf(
        read,
        leaves[index]?.alias,
        configLines(file, { [isText(format) ? 'cert' : 'pfx']: file }, passphrases, alias),
      ),
    );
  }
  return identities;
}

function identityOf(
  { certificate, chain, ca, warnings }: ClientCertificate,
  alias: string | undefined,
  config: readonly string[],
): IdentityReport {
  const top = chain.at(-1) ?? certificate;
  const root = ca.find((candidate) => top.checkIssued(candidate) && top !== candidate);
  return {
    alias,
    ...describe(certificate),
    chain: [
      ...chain.map(({ subject }) => ({ subject, sent: true })),
      ...(root ? [{ subject: root.subject, sent: false }] : []),
    ],
    warnings,
    config,
  };
}

function describe(certificate: X509Certificate): CertificateReport {
  const validTo = new Date(certificate.validTo);
  return {
    subject: certificate.subject,
    issuer: certificate.issuer,
    serialNumber: certificate.serialNumber,
    validFrom: new Date(certificate.validFrom),
    validTo,
    daysLeft: Math.floor((validTo.getTime() - Date.now()) / 86_400_000),
    keyType: keyType(certificate.publicKey),
    usages: (certificate.keyUsage ?? []).map((oid) => usageNames[oid] ?? oid),
    fingerprint256: certificate.fingerprint256,
    fingerprint: certificate.fingerprint,
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

function keyType({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const size = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength;
  const name = asymmetricKeyType ?? 'unknown';
  const shown = /^(rsa|ec|dsa)/.test(name) ? name.toUpperCase() : `${name[0]?.toUpperCase()}${name.slice(1)}`;
  return size === undefined ? shown : `${shown} ${size}`;
}

/**
 * The Nodes whose own `pfx`, or `cert` and `key`, options take the file: PEM text as OpenSSL reads it, and DER
 * PKCS#12 without the ciphers that OpenSSL 3 dropped; Node 20 also wants a classic MAC.
 */
async function nodesThatOpen(file: string, { format, legacyAlgorithms }: Inspection): Promise<number[]> {
  const bytes = await readFile(file);
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

function configLines(
  file: string,
  paths: Readonly<Record<string, string | readonly string[]>>,
  { passphrase, keyPassphrase }: Passphrases,
  alias: string | undefined,
): string[] {
  const name =
    basename(file)
      .replace(/\.[^.]*$/, '')
      .replace(/[^A-Za-z0-9]+/g, '-') || 'client';
  const variable = name.toUpperCase().replaceAll('-', '_');
  return [
    `'${name}': {`,
    ...Object.entries(paths).map(([option, path]) => `  ${option}: ${JSON.stringify(path)},`),
    ...(passphrase ? [`  passphrase: { env: '${variable}_PASSPHRASE' },`] : []),
    ...(keyPassphrase ? [`  keyPassphrase: { env: '${variable}_KEY_PASSPHRASE' },`] : []),
    ...(alias ? [`  alias: '${alias.replaceAll(':', '')}',`] : []),
    '},',
  ];
}

function print(report: Report): string {
  const lines = [safe(report.file)];
  if (report.error) return [...lines, '', failure(report.error as { message: string })].join('\n');
  const {
    format,
    algorithms = [],
    opensIn = [],
    identities = [],
    certificates = [],
    keys = [],
    skipped = [],
  } = report;
  if (format !== undefined) {
    lines.push('', field('File', [format, ...algorithms].join('; ')));
    lines.push(
      field(
        'Node itself',
        opensIn.length > 0 ? `opens it in ${opensIn.join(', ')}` : 'does not open it; clientcert does',
      ),
    );
  }
  if (skipped.length > 0) lines.push(field('Skipped', skipped.join(', ')));
  for (const identity of identities) lines.push('', ...printIdentity(identity));
  for (const certificate of certificates) lines.push('', '  Certificate', ...printCertificate(certificate));
  for (const { type, encrypted } of keys) {
    lines.push('', field('Private key', `${type}, ${encrypted ? 'encrypted' : 'not encrypted'}`));
  }
  if (report.halfOf) {
    lines.push('', wrap(`Looked at together: ${report.halfOf.map(safe).join(' + ')}`, '  ', '    '));
  } else if (identities.length === 0) {
    lines.push('', wrap(`! ${whatIsMissing(certificates.length, keys.length)}`, '  ', '    '));
  } else {
    lines.push('', '  To use it', '    certificates: {');
    for (const { config } of identities) lines.push(...config.map((line) => `      ${safe(line)}`));
    lines.push('    },');
  }
  return lines.join('\n');
}

function printIdentity(identity: IdentityReport): string[] {
  const title = wrap(`Identity${identity.alias ? ` "${safe(identity.alias)}"` : ''}`, '  ');
  const names = [identity.subject, ...identity.chain.map(({ subject }) => subject)];
  const chain = names.map((name, depth) => {
    const note = identity.chain[depth - 1]?.sent === false ? ' (root: trusted, not sent)' : '';
    const indent = `    ${'   '.repeat(Math.max(depth - 1, 0))}${depth > 0 ? '└─ ' : ''}`;
    return wrap(`${nameOf(name)}${note}`, indent, ' '.repeat(indent.length));
  });
  const warnings = identity.warnings.flatMap(({ code, message }) => [
    '',
    wrap(`${safe(message)} (${code})`, '  ! ', '    '),
  ]);
  return [title, ...printCertificate(identity), field('Chain', ''), ...chain, ...warnings];
}

function whatIsMissing(certificates: number, keys: number): string {
  if (keys > 0) return 'A key without its certificate: give it as "key", beside the certificate as "cert".';
  if (certificates > 0)
    return 'No private key: it can be trusted as "ca", or be "cert" beside its own "key"; it cannot be presented alone.';
  return 'Nothing that can be used.';
}

function printCertificate(certificate: CertificateReport): string[] {
  const { subject, issuer, serialNumber, validFrom, validTo, usages } = certificate;
  const day = (date: Date) => date.toISOString().slice(0, 10);
  return [
    field('Subject', nameOf(subject)),
    field('Issuer', nameOf(issuer)),
    field('Serial', serialNumber),
    field('Valid', `${day(validFrom)} to ${day(validTo)}, ${daysLeft(certificate.daysLeft)}`),
    field('Key', certificate.keyType),
    field('Usage', usages.length > 0 ? usages.join(', ') : 'not restricted'),
    // In two halves, so that a line breaks between bytes.
    field('SHA-256', certificate.fingerprint256.replace(/^(?:..:){16}/, '$& ')),
    field('SHA-1', certificate.fingerprint),
  ];
}
