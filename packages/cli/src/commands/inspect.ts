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
    return await withPassphrase(options, label, async (passphrases) => {
      const inspection = await during(`Reading ${label}`, () => inspectFile(file, passphrases));
      const identities = await identitiesOf(file, passphrases, inspection);
      const report: Report = {
        file,
        verdict: verdictOn(identities),
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
    const base = nameIn(alias);
    const cert = `${base}.pem`;
    const pin = { env: `${variableIn(base)}_PIN` };
    const lines = entryOf(base, { cert, key, ...(options.engine && { engine: options.engine }) }, { pin });
    const identity = identityOf(read, alias, lines);
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

/** One file with a key alone, and the files with certificates alone: whether they belong together. */
async function pairUp(reports: readonly Report[], options: InspectOptions): Promise<Report | undefined> {
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
      const opening = isPkcs11Uri(key.file) ? openingOf(options) : {};
      const read = await during(`Reading ${key.file}`, () =>
        readCertificate({ cert, key: key.file, ...passphrases, ...opening }),
      );
      const paths = { cert, key: key.file, ...(options.engine && { engine: options.engine }) };
      const lines = configLines(certs[0]!.file, paths, { ...passphrases, ...opening }, undefined);
      const identity = identityOf(read, undefined, lines);
      return {
        file,
        verdict: verdictOn([identity]),
        identities: [identity],
      };
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
    const read = await during(`Reading ${file}`, () =>
      readCertificate({ cert: file, ...passphrases, alias }),
    );
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

/** As one writes it in JavaScript. */
function literal(path: string | readonly string[]): string {
  if (typeof path !== 'string') return `[${path.map(literal).join(', ')}]`;
  const text = JSON.stringify(path);
  return /['\\]/.test(text) ? text : `'${text.slice(1, -1)}'`;
}

/** @param before How many identities of the file have lines already. */
function configLines(
  file: string,
  paths: Readonly<Record<string, string | readonly string[]>>,
  { passphrase, keyPassphrase, pin }: Passphrases & { pin?: unknown },
  alias: string | undefined,
  before = 0,
): string[] {
  const base = nameIn(basename(file).replace(/\.[^.]*$/, ''));
  const variable = variableIn(base);
  const secrets = {
    ...(passphrase && { passphrase: { env: `${variable}_PASSPHRASE` } }),
    ...(keyPassphrase && { keyPassphrase: { env: `${variable}_KEY_PASSPHRASE` } }),
    ...(pin !== undefined && { pin: { env: `${variable}_PIN` } }),
  };
  return entryOf(before === 0 ? base : `${base}-${before + 1}`, paths, secrets, alias);
}

/** A certificate's name in a config, made of a file's or an object's. */
function nameIn(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, '-') || 'client';
}

function variableIn(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

function entryOf(
  name: string,
  paths: Readonly<Record<string, string | readonly string[]>>,
  secrets: Readonly<Record<string, { env: string }>>,
  alias?: string,
): string[] {
  return [
    `${/^[A-Za-z]\w*$/.test(name) ? name : `'${name}'`}: {`,
    ...Object.entries(paths).map(([option, path]) => `  ${option}: ${literal(path)},`),
    ...Object.entries(secrets).map(([option, { env }]) => `  ${option}: { env: '${env}' },`),
    ...(alias ? [`  alias: '${alias.replaceAll(':', '')}',`] : []),
    '},',
  ];
}
