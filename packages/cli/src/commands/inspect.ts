import { createHash, type KeyObject, type X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  type ClientCertificate,
  ClientCertificateError,
  type Inspection,
  inspectFile,
  readCertificate,
} from '@clientcert/core';
import { isPkcs11Uri, labelOfPkcs11Uri, show } from '@clientcert/core/adapter';
import type { Command } from 'commander';
import { addExamples, UsageError } from '../command.ts';
import { printReport } from '../inspect/print.ts';
import { isIssuedByPublicRoot, publicAuthorityNote } from '../inspect/public-authority.ts';
import { type CertificateReport, type IdentityReport, type Report, verdictOn } from '../inspect/report.ts';
import { statementsOf } from '../inspect/statements.ts';
import {
  addPassphraseOptions,
  type PassphraseOptions,
  type Passphrases,
  withPassphrase,
} from '../passphrase.ts';
import { during } from '../progress.ts';
import { printJson } from '../text.ts';
import { findOnToken, openingOf, type TokenOptions } from '../tokens/inspect-token.ts';

type InspectOptions = PassphraseOptions & TokenOptions;

/** What opens a file, or a token. */
type Opening = Passphrases & ReturnType<typeof openingOf>;

/** `clientcert inspect FILE…`: what is in it, whether it would work, what is wrong with it. */
export function addInspect(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('inspect')
    .argument(
      '<file...>',
      'certificate files of any kind: .pfx, .p12, .pem, .cer, .p7b, .jks, keys; or a key on a token, as its PKCS#11 URI',
    )
    .description('what is in a certificate file, whether it would work, what is wrong with it')
    .option('--json', 'print for machines');
  addPassphraseOptions(command)
    .option('--module <path>', 'of a token: its PKCS#11 module (those that p11-kit knows)')
    .option('--engine <path>', "of a token: libp11's engine, where no OpenSSL provider is loaded")
    .option(
      '--pin-env <name>',
      'environment variable that holds the PIN of the token: its key is tried, once',
    )
    .option('--pin-file <file>', 'the same, from a file')
    .action(async (files: string[], options: InspectOptions & { json?: boolean }) => {
      const reports: Report[] = [];
      for (const file of files)
        reports.push(await (isPkcs11Uri(file) ? inspectToken(file, options) : inspect(file, options)));
      const pair = await pairUp(reports, options);
      if (pair) reports.push(pair);
      if (options.json) printJson(reports);
      else console.log(reports.map(printReport).join('\n\n'));
      const verdicts = reports.filter(({ halfOf }) => halfOf === undefined).map(({ verdict }) => verdict);
      exit(verdicts.includes('unusable') ? 1 : 0);
    });
  addExamples(
    command,
    [
      ['inspect bank.pfx', 'asks for the passphrase, without an echo'],
      ['inspect tls.crt tls.key chain.p7b', 'a certificate, its key and its chain as one'],
      ['inspect store.jks --passphrase-env STORE --json', 'for a script'],
      ["inspect 'pkcs11:token=bank;object=client'", 'on a token; p11tool, of GnuTLS, has to be installed'],
    ],
    '0 the file was read, whatever servers will think of what is in it; 1 unusable.',
  );
}

async function inspect(file: string, options: PassphraseOptions): Promise<Report> {
  const label = show(file, 'path');
  try {
    return await withPassphrase(options, label, (passphrases) => reportOn(file, passphrases));
  } catch (error) {
    if (!(error instanceof ClientCertificateError)) throw error;
    const { code, message, hint } = error;
    const isDirectory = statSync(file, { throwIfNoEntry: false })?.isDirectory();
    return {
      file: label,
      verdict: 'unusable',
      error: {
        code,
        message,
        hint: isDirectory ? `Name the files inside: clientcert inspect ${join(file, '*')}` : hint,
      },
    };
  }
}

/** What a token shows without a PIN; with one, the key is tried as well. */
async function inspectToken(uri: string, options: InspectOptions): Promise<Report> {
  const label = labelOfPkcs11Uri(uri);
  try {
    const { key, type, label: alias, certificate } = await findOnToken(uri, options);
    const report: Report = { file: key, verdict: 'warning', format: 'PKCS#11', identities: [] };
    if (certificate === undefined) return { ...report, keys: [{ type, alias, encrypted: null }] };
    const opening = openingOf(options);
    const isTried = opening.pin !== undefined;
    const read = await readCertificate(
      { cert: certificate, ...(isTried && { key, ...opening }) },
      { key: 'optional' },
    );
    const paths = { cert: `${nameIn(alias)}.pem`, key, ...(options.engine && { engine: options.engine }) };
    const identity = identityOf(read, alias, configLines(alias, paths, { pin: true }, undefined));
    const notes = isTried ? identity.notes : [...identity.notes, keyNotTried];
    const identities = [{ ...identity, notes }];
    return { ...report, verdict: verdictOn(identities), identities };
  } catch (error) {
    if (!(error instanceof ClientCertificateError || error instanceof UsageError)) throw error;
    const { code, message, hint } = error;
    return { file: label, verdict: 'unusable', error: { code, message, hint } };
  }
}

const keyNotTried = {
  code: 'KEY_NOT_TRIED',
  message:
    'its private key was not tried, because no PIN was given: --pin-env NAME or --pin-file FILE, in a Node that has pkcs11-provider loaded, or with --engine',
};

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

/** One file with a key alone, and the files with certificates alone: whether they belong together. */
async function pairUp(reports: readonly Report[], options: InspectOptions): Promise<Report | undefined> {
  const pair = halvesIn(reports);
  if (pair === undefined) return undefined;
  const { key, certs } = pair;
  const files = [...certs, key].map(({ file }) => file);
  for (const half of [...certs, key]) half.halfOf = files;
  const file = files.join(' + ');
  try {
    const opening = isPkcs11Uri(key.file) ? openingOf(options) : {};
    return await withPassphrase(options, key.file, (passphrases) =>
      reportOnPair(pair, { ...passphrases, ...opening }),
    );
  } catch (error) {
    if (!(error instanceof ClientCertificateError)) throw error;
    const { code, message, hint } = error;
    return { file, verdict: 'unusable', error: { code, message, hint } };
  }
}

/** Every key with its certificate; a file with one of each that do not belong together is an error. */
async function identitiesOf(
  file: string,
  material: string | Uint8Array,
  passphrases: Passphrases,
  { keys, certificates, format }: Inspection,
  take: Taker,
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

function identityOf(
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
      ...chain.map(({ subject }) => ({ subject, sent: true })),
      ...(root ? [{ subject: root.subject, sent: false }] : []),
    ],
    missingIssuer: root || top.checkIssued(top) ? null : top.issuer,
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

/** As one writes it in JavaScript. */
function literal(path: string | readonly string[]): string {
  if (typeof path !== 'string') return `[${path.map(literal).join(', ')}]`;
  const text = JSON.stringify(path);
  return /['\\]/.test(text) ? text : `'${text.slice(1, -1)}'`;
}

/**
 * What a config says of an identity, and what it would be called.
 *
 * @param secrets Which passphrases it needs; they themselves are of no interest.
 * @param before How many identities of the file have an entry already.
 */
export function entryOf(
  file: string,
  paths: Readonly<Record<string, string | readonly string[]>>,
  secrets: { readonly [Each in keyof Opening]?: unknown },
  alias: string | undefined,
  before = 0,
): { name: string; source: Readonly<Record<string, unknown>> } {
  const base = nameIn(file);
  const variable = base.toUpperCase().replaceAll('-', '_');
  return {
    name: before === 0 ? base : `${base}-${before + 1}`,
    source: {
      ...paths,
      ...(secrets.passphrase ? { passphrase: { env: `${variable}_PASSPHRASE` } } : {}),
      ...(secrets.keyPassphrase ? { keyPassphrase: { env: `${variable}_KEY_PASSPHRASE` } } : {}),
      ...(secrets.pin ? { pin: { env: `${variable}_PIN` } } : {}),
      ...(alias && { alias: alias.replaceAll(':', '') }),
    },
  };
}

/** A certificate's name in a config, made of a file's or an object's. */
function nameIn(file: string): string {
  return (
    basename(file)
      .replace(/\.[^.]*$/, '')
      .replace(/[^A-Za-z0-9]+/g, '-') || 'client'
  );
}

/** The same as lines of JavaScript. */
function configLines(...entry: Parameters<typeof entryOf>): string[] {
  const { name, source } = entryOf(...entry);
  const lines = Object.entries(source).map(([option, value]) =>
    typeof value === 'object' && value !== null && 'env' in value
      ? `  ${option}: { env: '${value.env}' },`
      : `  ${option}: ${literal(value as string | readonly string[])},`,
  );
  return [`${/^[A-Za-z]\w*$/.test(name) ? name : `'${name}'`}: {`, ...lines, '},'];
}
