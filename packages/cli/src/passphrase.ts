import { ClientCertificateError, type Passphrase } from '@clientcert/core';
import type { Command } from 'commander';
import { safe } from './text.ts';

export interface PassphraseOptions {
  passphraseEnv?: string;
  passphraseFile?: string;
  keyPassphraseEnv?: string;
  keyPassphraseFile?: string;
}

export interface Passphrases {
  passphrase: Passphrase | undefined;
  /** Of the key in a Java store, where it differs. */
  keyPassphrase: Passphrase | undefined;
}

/** A passphrase is never an argument: arguments are seen by every process and kept in histories. */
export function addPassphraseOptions(command: Command): Command {
  return command
    .option('--passphrase-env <name>', 'environment variable that holds the passphrase')
    .option('--passphrase-file <file>', 'file that holds the passphrase')
    .option('--key-passphrase-env <name>', 'the same for the key in a Java store, where it differs')
    .option('--key-passphrase-file <file>', 'the same, from a file');
}

/**
 * Runs `read` with the passphrases of the options; where none was given and one is needed, asks for it at the
 * terminal, without an echo.
 */
export async function withPassphrase<Result>(
  options: PassphraseOptions,
  file: string,
  read: (passphrases: Passphrases) => Promise<Result>,
): Promise<Result> {
  const passphrase = secretOf(options.passphraseEnv, options.passphraseFile);
  const keyPassphrase = secretOf(options.keyPassphraseEnv, options.keyPassphraseFile);
  try {
    return await read({ passphrase, keyPassphrase });
  } catch (error) {
    const missing =
      error instanceof ClientCertificateError && error.code === 'ERR_CLIENTCERT_PASSPHRASE_MISSING';
    if (!missing || passphrase !== undefined || !process.stdin.isTTY) throw error;
    const { default: ask } = await import('@inquirer/password');
    const answer = await ask({ message: `Passphrase of ${safe(file)}` }, { output: process.stderr });
    return read({ passphrase: answer, keyPassphrase });
  }
}

/** A file is read by core, which knows what Windows writes. */
function secretOf(variable: string | undefined, file: string | undefined): Passphrase | undefined {
  if (variable === undefined) return file === undefined ? undefined : { file };
  const value = process.env[variable];
  if (value !== undefined) return value;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_PASSPHRASE_MISSING',
    `the environment variable ${variable} is not set`,
    { hint: `Set it without leaving it in a history: read -rs ${variable} && export ${variable}` },
  );
}
