import { ClientCertificateError, type ClientCertificateErrorCode } from '@clientcert/core';
import type { Command } from 'commander';
import { reportFailure } from './failure.ts';
import { wrap } from './text.ts';

/** What the person asked for cannot be done as it was written; nothing is wrong with a certificate. */
export class UsageError extends Error {
  readonly code: ClientCertificateErrorCode | undefined;
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Runs what a command does; a failure is told as its reader should see it, and ends with 1. */
export async function reporting(
  json: boolean | undefined,
  exit: (code: number) => void,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ClientCertificateError) && !(error instanceof UsageError)) throw error;
    reportFailure(error, json);
    exit(1);
  }
}

/** An address as it was typed: `host:port/path` is taken for https. */
export function withScheme(address: string): string {
  return /^[a-z][a-z\d+.-]*:\/\//i.test(address) ? address : `https://${address}`;
}

/** The end of a command's help: lines to copy, each with what it is for, and what the exit code says. */
export function addExamples(
  command: Command,
  examples: readonly (readonly [line: string, purpose: string])[],
  exitCodes: string,
): Command {
  const lines = examples.map(([line, purpose]) => `  # ${purpose}\n  $ clientcert ${line}`);
  return command.addHelpText(
    'after',
    `\nExamples:\n${lines.join('\n')}\n\n${wrap(`Exit code: ${exitCodes}`)}`,
  );
}
