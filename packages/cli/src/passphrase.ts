import type { KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { ClientCertificateError, type Passphrase } from '@clientcert/core';
import { show } from '@clientcert/core/adapter';
import type { Command } from 'commander';
import { readBounded } from './bounded-file.ts';
import { UsageError } from './command.ts';
import { safe } from './text.ts';

export interface PassphraseOptions {
  passphraseEnv?: string;
  passphraseFile?: string;
  keyPassphraseEnv?: string;
  keyPassphraseFile?: string;
}

export interface Passphrases {
  passphrase?: Passphrase | undefined;
  /** Of the key in a Java store, where it differs. */
  keyPassphrase?: Passphrase | undefined;
}

/** A passphrase is never an argument: arguments are seen by every process and kept in histories. */
export function addPassphraseOptions(command: Command): Command {
  return command
    .option('--passphrase-env <name>', 'environment variable that holds the passphrase')
    .option('--passphrase-file <file>', 'file that holds the passphrase; - for standard input')
    .option('--key-passphrase-env <name>', 'the same for the key in a Java store, where it differs')
    .option('--key-passphrase-file <file>', 'the same, from a file');
}

export interface NewPassphraseOptions {
  outPassphraseEnv?: string;
  outPassphraseFile?: string;
  plain?: boolean;
}

/** How what is written is protected. */
export function addNewPassphraseOptions(command: Command): Command {
  return command
    .option('--out-passphrase-env <name>', 'environment variable with another passphrase for what is written')
    .option('--out-passphrase-file <file>', 'the same, from a file')
    .option('--plain', 'write the private key without encryption');
}

/**
 * The passphrase for a key that is written: that of the options, else the one that opened the source, else one that
 * is typed twice. `undefined` only with `--plain`.
 */
export async function newPassphrase(
  options: NewPassphraseOptions,
  same: Passphrase | undefined,
): Promise<string | undefined> {
  if (options.plain) return undefined;
  const given = secretOf(options.outPassphraseEnv, options.outPassphraseFile, 'out-passphrase') ?? same;
  if (given !== undefined)
    return (await textOf(given)) || unprotected('the passphrase for the new private key is empty');
  if (!process.stdin.isTTY) unprotected('the new private key has no passphrase');
  const typed = await ask('Passphrase for the new file');
  if (typed !== '' && typed === (await ask('The same again'))) return typed;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_PASSPHRASE_MISSING',
    typed === '' ? 'no passphrase was typed' : 'the two passphrases are not the same; nothing was written',
    { hint: 'Run it again; --plain writes the key without encryption.' },
  );
}

/** An empty one encrypts, and protects from nobody. */
function unprotected(message: string): never {
  throw new ClientCertificateError('ERR_CLIENTCERT_PASSPHRASE_MISSING', message, {
    hint: 'Give one with --out-passphrase-env or --out-passphrase-file, or --plain for a key without encryption.',
  });
}

/** A key that is written: PKCS#8 in PEM, encrypted where there is a passphrase. */
export function exportKey(key: KeyObject, passphrase: string | undefined): string {
  const protection = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
  try {
    return key.export({ type: 'pkcs8', format: 'pem', ...protection }) as string;
  } catch (cause) {
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_FORMAT_UNSUPPORTED',
      'the private key is on a token, which does not give it away',
      { cause, hint: 'Name it in a config as it is: the guide "The key is on a token" says how.' },
    );
  }
}

/** As core reads a file: what Windows writes, and without one newline at its end. */
async function textOf(passphrase: Passphrase): Promise<string> {
  if (typeof passphrase === 'string') return passphrase;
  if (typeof passphrase === 'function') return (await passphrase()) ?? '';
  if (!('file' in passphrase)) return process.env[passphrase.env] ?? '';
  const bytes = await readBytes(`${passphrase.file}`);
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
  return bytes
    .toString(wide ? 'utf16le' : 'utf8')
    .replace(/^\ufeff/, '')
    .replace(/\r?\n$/, '');
}

async function readBytes(file: string): Promise<Buffer> {
  try {
    return await readBounded(file);
  } catch (cause) {
    const why =
      cause instanceof UsageError
        ? cause.message
        : `${show(file, 'path')} cannot be read: ${(cause as NodeJS.ErrnoException).code}`;
    throw new ClientCertificateError('ERR_CLIENTCERT_FILE_UNREADABLE', `the passphrase file ${why}`, {
      hint: 'Name a file that holds the passphrase and nothing else.',
      cause,
    });
  }
}

/** The person at the terminal ended a prompt: nothing failed, and nothing is left to say. */
export class Cancelled extends Error {}

/**
 * Runs `read` with the passphrases of the options; where one is needed that was not given, asks for it at the
 * terminal, without an echo, and again where it was wrong.
 */
export async function withPassphrase<Result>(
  options: PassphraseOptions,
  file: string,
  read: (passphrases: Passphrases) => Promise<Result>,
): Promise<Result> {
  const passphrase = secretOf(options.passphraseEnv, options.passphraseFile, 'passphrase');
  const keyPassphrase = secretOf(options.keyPassphraseEnv, options.keyPassphraseFile, 'key-passphrase');
  // One that is written as undefined would be told of as a variable that is not set.
  const given: Passphrases = { ...(passphrase && { passphrase }), ...(keyPassphrase && { keyPassphrase }) };
  const typed: Passphrases = { ...given };
  for (let attempts = 0; ; attempts++) {
    try {
      return await read(typed);
    } catch (error) {
      const asked = whichToAsk(error, given, typed);
      if (asked === undefined) throw error;
      if (!process.stdin.isTTY) throw advised(error as ClientCertificateError, asked);
      if (attempts >= ATTEMPTS) throw error;
      const again = typed[asked] === undefined ? '' : ' (that was wrong)';
      const what = asked === 'passphrase' ? 'Passphrase' : 'Passphrase of the key';
      typed[asked] = await ask(`${what} of ${safe(file)}${again}`);
    }
  }
}

const ATTEMPTS = 3;

/** The passphrase to type: never one that the options gave. A Java store that opened may hold a key with its own. */
function whichToAsk(error: unknown, given: Passphrases, typed: Passphrases): keyof Passphrases | undefined {
  if (!(error instanceof ClientCertificateError)) return undefined;
  const missing = error.code === 'ERR_CLIENTCERT_PASSPHRASE_MISSING';
  if (!missing && error.code !== 'ERR_CLIENTCERT_PASSPHRASE_WRONG') return undefined;
  const ofKey = typed.passphrase !== undefined && error.passphraseOf?.what === 'key';
  const asked = ofKey ? 'keyPassphrase' : 'passphrase';
  return given[asked] === undefined ? asked : undefined;
}

/** What a config would say is no advice to who runs a command. */
function advised(error: ClientCertificateError, asked: keyof Passphrases): ClientCertificateError {
  const option = asked === 'passphrase' ? '--passphrase' : '--key-passphrase';
  return new ClientCertificateError(error.code, error.message, {
    hint: `Give it with ${option}-env NAME or ${option}-file FILE; at a terminal you are asked for it.`,
    cause: error,
    ...(error.passphraseOf && { passphraseOf: error.passphraseOf }),
  });
}

async function ask(message: string): Promise<string> {
  const { default: password } = await import('@inquirer/password');
  try {
    return await password({ message }, { output: process.stderr });
  } catch (error) {
    // Ctrl-C, or the end of the input
    if (error instanceof Error && error.name === 'ExitPromptError') throw new Cancelled();
    throw error;
  }
}

/** A file is read by core, which knows what Windows writes; that one is not there is said in the words of the command. */
function secretOf(
  variable: string | undefined,
  file: string | undefined,
  option: string,
): Passphrase | undefined {
  if (variable === undefined && file === undefined) return undefined;
  if (variable === undefined && file === '-') return fromStandardInput();
  if (variable === undefined) {
    if (existsSync(file!)) return { file: file! };
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_FILE_NOT_FOUND',
      `the file of --${option}-file is not there: ${show(file!, 'path')}`,
      { hint: `It takes the path of a file that holds the passphrase; --${option}-env takes a variable.` },
    );
  }
  const value = process.env[variable];
  if (value !== undefined) return value;
  // People put the passphrase itself here.
  const shown = show(variable, 'variable');
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_PASSPHRASE_MISSING',
    `the environment variable ${shown} is not set`,
    {
      hint:
        shown === variable
          ? `Set it without leaving it in a history: read -rs ${variable} && export ${variable}`
          : `--${option}-env takes the name of a variable, such as BANK_PASSPHRASE, and no passphrase.`,
    },
  );
}

let input: string | undefined;

/** Standard input is read once, whoever asks; one newline at its end is no part of it, as with a file. */
function fromStandardInput(): string {
  input ??= readFileSync(0, 'utf8').replace(/\r?\n$/, '');
  return input;
}
