import { generateKeyPair, type KeyObject, sign } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { isIP } from 'node:net';
import { basename } from 'node:path';
import { promisify } from 'node:util';
import { type ClientCertificate, type Passphrase, readCertificate } from '@clientcert/core';
import { quote, show } from '@clientcert/core/adapter';
import { type Command, Option } from 'commander';
import { addExamples, reporting, UsageError } from '../command.ts';
import { der, oid, partsOf, pem, sequence } from '../der.ts';
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
  keyType?: keyof typeof KEYS;
  subject?: string;
  san: string[];
  force?: boolean;
  json?: boolean;
}

const generate = promisify(generateKeyPair);

/** By what the option is called; each signs its own request with `hash`. */
const KEYS = {
  'rsa-2048': { hash: 'sha256', make: () => generate('rsa', { modulusLength: 2048 }) },
  'rsa-3072': { hash: 'sha256', make: () => generate('rsa', { modulusLength: 3072 }) },
  'rsa-4096': { hash: 'sha256', make: () => generate('rsa', { modulusLength: 4096 }) },
  'p-256': { hash: 'sha256', make: () => generate('ec', { namedCurve: 'P-256' }) },
  'p-384': { hash: 'sha384', make: () => generate('ec', { namedCurve: 'P-384' }) },
  'p-521': { hash: 'sha512', make: () => generate('ec', { namedCurve: 'P-521' }) },
} as const;

/** RFC 8017 appendix C, RFC 5758 section 3.2. */
const SIGNATURES: Readonly<Record<string, string>> = {
  'rsa sha256': '1.2.840.113549.1.1.11',
  'ec sha256': '1.2.840.10045.4.3.2',
  'ec sha384': '1.2.840.10045.4.3.3',
  'ec sha512': '1.2.840.10045.4.3.4',
};

/** `clientcert csr [FILE]`: a new key and a request for the next certificate. */
export function addCsr(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('csr')
    .argument(
      '[file]',
      'the certificate that runs out: subject, names, usages and kind of key are taken over',
    )
    .description('a new key and a request (PKCS#10) for the next certificate')
    .addOption(
      new Option('--key-type <type>', 'the key to make (as in FILE, else p-256)').choices(Object.keys(KEYS)),
    )
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
  const extensions = extensionsOf(parts?.extensions, options.san);
  const kind = options.keyType ?? (old ? kindOf(old.certificate.publicKey) : 'p-256');
  const secret = await newPassphrase(options, same);
  const { privateKey, publicKey } = await during(`Making a key (${kind})`, KEYS[kind].make);
  const signed = createRequest(subject, extensions, privateKey, publicKey, KEYS[kind].hash);

  const base = file === undefined ? 'client' : basename(file).replace(/\.[^.]*$/, '');
  const requestFile = out ?? `${base}.csr`;
  const keyFile =
    options.keyOut ?? (requestFile === '-' ? '-' : `${requestFile.replace(/\.[^.\\/]*$/, '')}.key`);
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

function kindOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): keyof typeof KEYS {
  if (asymmetricKeyType?.startsWith('rsa')) {
    const bits = asymmetricKeyDetails?.modulusLength ?? 2048;
    return bits > 3072 ? 'rsa-4096' : bits > 2048 ? 'rsa-3072' : 'rsa-2048';
  }
  const curve = asymmetricKeyDetails?.namedCurve;
  return curve === 'secp384r1' ? 'p-384' : curve === 'secp521r1' ? 'p-521' : 'p-256';
}

/** Those that say who the holder is and what for; what the authority adds by itself is not asked for. */
const TAKEN_OVER = ['2.5.29.17', '2.5.29.15', '2.5.29.37', '1.3.6.1.5.5.7.1.3'];

function extensionsOf(old: ReadonlyMap<string, Buffer> | undefined, names: readonly string[]): Buffer[] {
  const wanted = new Map<string, Buffer>();
  for (const id of TAKEN_OVER) {
    const value = old?.get(id);
    if (value) wanted.set(id, value);
  }
  if (!wanted.has('2.5.29.37')) wanted.set('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.2')));
  if (names.length > 0) wanted.set('2.5.29.17', sequence(...names.map(generalName)));
  return [...wanted].map(([id, value]) => sequence(oid(id), der(0x04, value)));
}

/** RFC 5280, section 4.2.1.6. */
function generalName(name: string): Buffer {
  if (!/^[\x21-\x7e]+$/.test(name))
    throw new UsageError(
      `the alternative name ${quote(name, 'host')} is not ASCII without blanks`,
      'Write an international host name in its xn-- form.',
    );
  const version = isIP(name);
  if (version === 4) return der(0x87, Buffer.from(name.split('.').map(Number)));
  if (version === 6)
    throw new UsageError(`the alternative name "${name}" is an IPv6 address, which is not supported here`);
  const text = Buffer.from(name, 'latin1');
  return der(/^[a-z][a-z0-9+.-]*:\/\//i.test(name) ? 0x86 : name.includes('@') ? 0x81 : 0x82, text);
}

/** PKCS#10, RFC 2986. */
function createRequest(
  subject: Buffer,
  extensions: readonly Buffer[],
  privateKey: KeyObject,
  publicKey: KeyObject,
  hash: string,
): Buffer {
  const requested = sequence(oid('1.2.840.113549.1.9.14'), der(0x31, sequence(...extensions)));
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const info = sequence(der(0x02, Buffer.from([0])), subject, spki, der(0xa0, requested));
  const type = privateKey.asymmetricKeyType!;
  const algorithm = sequence(oid(SIGNATURES[`${type} ${hash}`]!), ...(type === 'rsa' ? [der(0x05)] : []));
  return sequence(info, algorithm, der(0x03, Buffer.from([0]), sign(hash, info, privateKey)));
}
