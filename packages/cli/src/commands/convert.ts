import { basename } from 'node:path';
import { type ClientCertificate, type Passphrase, readCertificate } from '@clientcert/core';
import { show } from '@clientcert/core/adapter';
import { der, oid, pem, sequence } from '@clientcert/core/enrolment';
import { type Command, Option } from 'commander';
import { addExamples, reporting, UsageError } from '../command.ts';
import { addOutputOptions, type OutputOptions, writeOutput } from '../output.ts';
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
import { field, nameOf, printJson, safe } from '../text.ts';

interface ConvertOptions extends OutputOptions, PassphraseOptions, NewPassphraseOptions {
  to: Format;
  alias?: string;
  chain: boolean;
  friendlyName?: string;
  json?: boolean;
}

export type Format = keyof typeof FORMATS;

/** What each is, and how its file is usually called. */
export const FORMATS = {
  pem: { extension: 'pem', secret: true },
  pfx: { extension: 'pfx', secret: true },
  'pfx-legacy': { extension: 'pfx', secret: true },
  crt: { extension: 'crt', secret: false },
  der: { extension: 'cer', secret: false },
  p7b: { extension: 'p7b', secret: false },
} as const;

/** `clientcert convert FILE --to FORMAT`: the same certificate as another program wants it. */
export function addConvert(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('convert')
    .argument('<file...>', 'a file of any kind, or a certificate and its key')
    .description('the same certificate in the format that another program wants')
    .addOption(
      new Option('--to <format>', 'what to write').choices(Object.keys(FORMATS)).makeOptionMandatory(),
    )
    .option('--alias <alias>', 'which identity, where the file holds several: alias or fingerprint')
    .option('--no-chain', 'leave the intermediates out')
    .option('--friendly-name <name>', 'what a PFX calls it (its common name)')
    .option('--json', 'print for machines');
  addOutputOptions(command, "the file's name with the usual extension, in the working directory");
  addPassphraseOptions(command);
  addNewPassphraseOptions(command).action(async (files: string[], options: ConvertOptions) => {
    await reporting(options.json, exit, () => convert(files, options));
  });
  addExamples(
    command,
    [
      [
        'convert old-windows.pfx --to pfx --out new.pfx',
        'a PFX that every Node opens: AES-256, the same passphrase',
      ],
      [
        'convert bank.pfx --to pfx-legacy --out for-windows-2012.pfx',
        'TripleDES-SHA1, for what is too old for AES',
      ],
      ['convert bank.pfx --to pem', 'certificate, intermediates and encrypted key as bank.pem'],
      ['convert bank.pfx --to crt --no-chain', 'the public certificate to hand to a gateway'],
      ['convert tls.crt tls.key --to pfx --out-passphrase-env NEW', 'certificate and key put together'],
    ],
    '0 written, 1 not.',
  );
}

async function convert(files: string[], options: ConvertOptions): Promise<void> {
  const { to, json, plain } = options;
  const out = options.out ?? `${basename(files[0]!).replace(/\.[^.]*$/, '')}.${FORMATS[to].extension}`;
  if (json && out === '-') throw new UsageError('--json and --out - both write to standard output');
  if (plain && to !== 'pem')
    throw new UsageError('--plain is for --to pem alone: a PFX is always encrypted here');
  const label = files.map((file) => show(file, 'path')).join(' + ');
  const { read, passphrase } = await withPassphrase(options, label, async (passphrases) => ({
    read: await during(`Reading ${label}`, () =>
      readCertificate(
        { cert: files.length === 1 ? files[0]! : files, ...passphrases, alias: options.alias },
        { key: FORMATS[to].secret ? 'required' : 'optional' },
      ),
    ),
    passphrase: passphrases.keyPassphrase ?? passphrases.passphrase,
  }));
  const content = await encode(read, passphrase, options);
  await writeOutput(out, content, options.force);
  const { fingerprint256, subject = '' } = read.certificate;
  const encrypted = FORMATS[to].secret && !plain;
  if (json) printJson({ ok: true, file: out, format: to, encrypted, subject, fingerprint256 });
  else if (out !== '-') {
    const key = FORMATS[to].secret ? (plain ? 'NOT encrypted' : 'encrypted') : 'not in it';
    console.error(field('Written', safe(out)));
    console.error(field('Subject', nameOf(subject)));
    console.error(field('Private key', key));
  }
}

/** The file that another program wants. */
export async function encode(
  { privateKey, certificate, chain }: ClientCertificate,
  passphrase: Passphrase | undefined,
  options: Pick<ConvertOptions, 'to' | 'chain' | 'friendlyName' | 'plain'> & NewPassphraseOptions,
): Promise<string | Buffer> {
  const sent = [certificate, ...(options.chain ? chain : [])];
  const text = sent.map(({ raw }) => pem('CERTIFICATE', raw)).join('');
  switch (options.to) {
    case 'der':
      return certificate.raw;
    case 'crt':
      return text;
    case 'p7b':
      return signedData(sent.map(({ raw }) => raw));
    case 'pem':
      return text + exportKey(privateKey!, await newPassphrase(options, passphrase));
    default: {
      // When it is needed: no other command waits for it.
      const { writePfx } = await import('@clientcert/testing');
      const legacy = options.to === 'pfx-legacy';
      const name = options.friendlyName ?? /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? 'client';
      const identity = {
        name,
        cert: pem('CERTIFICATE', certificate.raw),
        key: exportKey(privateKey!, undefined),
        chain: sent
          .slice(1)
          .map(({ raw }) => pem('CERTIFICATE', raw))
          .join(''),
      };
      return await writePfx([identity], (await newPassphrase(options, passphrase)) ?? '', {
        encryption: legacy ? 'legacy-3des' : 'modern',
        // What opens old files may be slow with many rounds, and counts them with SHA-1.
        iterations: legacy ? 2000 : 20_000,
      });
    }
  }
}

/** Certificates without a signer, as `.p7b` files hold them (RFC 5652, section 5.1). */
function signedData(certificates: readonly Buffer[]): Buffer {
  const content = sequence(
    der(0x02, Buffer.from([1])),
    der(0x31),
    sequence(oid('1.2.840.113549.1.7.1')),
    der(0xa0, ...certificates),
    der(0x31),
  );
  return sequence(oid('1.2.840.113549.1.7.2'), der(0xa0, content));
}
