import { realpath, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type ClientCertificate, type Passphrase, readCertificate } from '@clientcert/core';
import { quote, show } from '@clientcert/core/adapter';
import {
  clientExtensions,
  createKey,
  createRequest,
  type KeyType,
  keyTypeOf,
  keyTypes,
  partsOf,
  pem,
  publicKeyOf,
} from '@clientcert/core/enrolment';
import { type Command, Option } from 'commander';
import { addExamples, reporting, UsageError } from '../command.ts';
import { parseSubject } from '../distinguished-name.ts';
import { writeOutput } from '../output.ts';
import {
  addNewPassphraseOptions,
  addPassphraseOptions,
  exportKey,
  type NewPassphraseOptions,
  newPassphrase,
  type PassphraseOptions,
  withPassphrase,
} from '../passphrase.ts';
import { during } from '../progress.ts';
import { field, printJson, safe } from '../text.ts';

interface CsrOptions extends PassphraseOptions, NewPassphraseOptions {
  out?: string;
  keyOut?: string;
  keyType?: KeyType;
  subject?: string;
  san: string[];
  force?: boolean;
  json?: boolean;
}

/** `clientcert csr [FILE]`: a new key and a request for the next certificate. */
export function addCsr(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('csr')
    .argument(
      '[file]',
      'the certificate that runs out: subject, names, usages and kind of key are taken over',
    )
    .description('a new key and a request (PKCS#10) for the next certificate')
    .addOption(new Option('--key-type <type>', 'the key to make (as in FILE, else p-256)').choices(keyTypes))
    .option('--subject <name>', 'another subject: "C=NL, O=Example BV, CN=client"')
    .option(
      '--san <name>',
      'another alternative name, again for each: host, address, e-mail or URI',
      collect,
      [],
    )
    .option('--out <file>', 'the request (NAME.csr in the working directory)')
    .option('--key-out <file>', 'the new key (NAME.key beside it)')
    .option('--force', 'replace files that are there')
    .option('--json', 'print for machines');
  addPassphraseOptions(command);
  addNewPassphraseOptions(command).action(async (file: string | undefined, options: CsrOptions) => {
    await reporting(options.json, exit, () => request(file, options));
  });
  addExamples(
    command,
    [
      ['csr bank.pfx', 'bank.key, under the same passphrase, and bank.csr to send to the authority'],
      ['csr --subject "C=NL, O=Example BV, CN=client" --san client.example --plain', 'a first one'],
      ['csr bank.pfx --key-type rsa-3072 --out-passphrase-file new-secret', 'with a key of another kind'],
    ],
    '0 key and request written, 1 not.',
  );
}

function collect(value: string, all: string[]): string[] {
  return [...all, value];
}

async function request(file: string | undefined, options: CsrOptions): Promise<void> {
  const { out, json, force } = options;
  if (out === '-' && (json || options.keyOut === '-' || options.keyOut === undefined))
    throw new UsageError(
      '--out - leaves standard output for nothing else',
      'Name the file of the key with --key-out.',
    );
  let old: ClientCertificate | undefined;
  let same: Passphrase | undefined;
  if (file !== undefined) {
    const label = show(file, 'path');
    await withPassphrase(options, label, async (passphrases) => {
      old = (await during(`Reading ${label}`, () =>
        readCertificate({ cert: file, ...passphrases }, { key: 'optional' }),
      )) as ClientCertificate;
      same = passphrases.keyPassphrase ?? passphrases.passphrase;
    });
  }
  if (old === undefined && options.subject === undefined)
    throw new UsageError(
      'a request needs a subject',
      'Give the certificate that runs out as FILE, or --subject "CN=…".',
    );
  const parts = old && partsOf(old.certificate.raw);
  const subject = options.subject === undefined ? parts!.subject : parseSubject(options.subject);
  const extensions = clientExtensions(options.san.map(checkName), parts?.extensions);
  const kind = options.keyType ?? (old ? keyTypeOf(publicKeyOf(old.certificate)) : 'p-256');
  const secret = await newPassphrase(options, same);
  const privateKey = await during(`Making a key (${kind})`, () => createKey(kind));
  const signed = createRequest(privateKey, subject, extensions);

  const base = file === undefined ? 'client' : basename(file).replace(/\.[^.]*$/, '');
  const requestFile = out ?? `${base}.csr`;
  const keyFile =
    options.keyOut ?? (requestFile === '-' ? '-' : `${requestFile.replace(/\.[^.\\/]*$/, '')}.key`);
  if (keyFile !== '-' && (await placeOf(keyFile)) === (await placeOf(requestFile)))
    throw new UsageError(
      `${show(keyFile, 'path')} would hold the request in place of the new key`,
      'Name the file of the key with --key-out.',
    );
  // The key first: a request without its key would be sent off for nothing.
  await writeOutput(keyFile, exportKey(privateKey, secret), force);
  try {
    await writeOutput(requestFile, pem('CERTIFICATE REQUEST', signed), force);
  } catch (error) {
    // Nobody knows what it is for, and it would be in the way next time.
    if (keyFile !== '-' && !force) await unlink(keyFile);
    throw error;
  }
  if (json)
    printJson({
      ok: true,
      request: requestFile,
      key: keyFile,
      keyType: kind,
      encrypted: secret !== undefined,
    });
  else {
    console.error(
      field(
        'Key',
        `${safe(keyFile)}: ${kind}, ${secret === undefined ? 'NOT encrypted' : 'encrypted'}; it stays here`,
      ),
    );
    console.error(field('Request', `${safe(requestFile)}: send it to the authority`));
  }
}

/** Equal for names that are, or on some systems would be, one file. */
async function placeOf(file: string): Promise<string> {
  const folder = dirname(file);
  return join(await realpath(folder).catch(() => folder), basename(file).toLowerCase());
}

function checkName(name: string): string {
  if (/^[\x21-\x7e]+$/.test(name)) return name;
  throw new UsageError(
    `the alternative name ${quote(name, 'host')} is not ASCII without blanks`,
    'Write an international host name in its xn-- form.',
  );
}
