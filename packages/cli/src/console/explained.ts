import { sep } from 'node:path';
import { ClientCertificateError } from '@clientcert/core';
import { UsageError } from '../command.ts';
import { describe, failuresIn } from '../failure.ts';

type Told = ReturnType<typeof describe>;

/** What a person is told of an error: what the command would print. Of one that nobody expected, no word of its own. */
export function explainedFailures(error: unknown, directory: string): Told[] {
  if (!(error instanceof ClientCertificateError) && !(error instanceof UsageError))
    return [
      {
        message: 'that failed, and should not have',
        hint: 'Try the command that does the same: inspect, check, explain, probe, convert or import.',
      },
    ];
  return failuresIn(error).map((each) => withoutDirectory(startedAgain(describe(each)), directory));
}

/** A variable can be set for this command before it starts, and not while it runs. */
function startedAgain(told: Told): Told {
  return told.code === 'ERR_CLIENTCERT_PASSPHRASE_MISSING' && /\benvironment variable\b/.test(told.message)
    ? {
        ...told,
        hint: `${told.hint} This command sees it once it is started again with it.`,
      }
    : told;
}

/** Paths as they stand in the config. */
export function withoutDirectory<Value>(value: Value, directory: string): Value {
  const text = JSON.stringify(value);
  const prefix = JSON.stringify(directory.endsWith(sep) ? directory : `${directory}${sep}`).slice(1, -1);
  return JSON.parse(text.replaceAll(prefix, '')) as Value;
}
