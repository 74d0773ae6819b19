import { statSync } from 'node:fs';
import { join } from 'node:path';
import { ClientCertificateError, readCertificate } from '@clientcert/core';
import { show } from '@clientcert/core/adapter';
import { isPkcs11Uri, labelOfPkcs11Uri } from '@clientcert/core/enrolment';
import type { Command } from 'commander';
import { addExamples, UsageError } from '../command.ts';
import { configLines, nameIn } from '../inspect/config-entry.ts';
import { printReport } from '../inspect/print.ts';
import { halvesIn, identityOf, reportOn, reportOnPair } from '../inspect/read.ts';
import { type Report, verdictOn } from '../inspect/report.ts';
import { addPassphraseOptions, type PassphraseOptions, withPassphrase } from '../passphrase.ts';
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
