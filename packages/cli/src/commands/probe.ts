import { quote } from '@clientcert/core/adapter';
import type { Command } from 'commander';
import { addExamples, reporting, UsageError, withScheme } from '../command.ts';
import { addConfigOption, type ConfigOptions, findConfig } from '../config.ts';
import { printProbe } from '../probe/print.ts';
import { probe } from '../probe/probe.ts';
import { during } from '../progress.ts';
import { printJson } from '../text.ts';

interface ProbeOptions extends ConfigOptions {
  service?: string;
  timeout: string;
  json?: boolean;
}

/** `clientcert probe URL`: what the server takes and asks for, and whether ours would do. */
export function addProbe(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('probe')
    .argument('<url>', 'the server, with the path that a call would have')
    .description('what a server takes and asks for, and whether the configured certificates would do')
    .option('--service <name>', 'as which service of the config the call would be made')
    .option('--timeout <seconds>', 'for each connection', '10')
    .option('--json', 'print for machines');
  addConfigOption(command).action(async (url: string, options: ProbeOptions) => {
    await reporting(options.json, exit, async () => {
      const timeout = readTimeout(options.timeout);
      await using credentials = await findConfig(options.config);
      if (options.service !== undefined && credentials === undefined)
        throw new UsageError(
          '--service names a service of a config, and there is none',
          'Give it with --config FILE.',
        );
      const target = readUrl(url);
      const found = await during(`Asking ${target.host}`, () =>
        probe(target, { credentials, service: options.service, timeout }),
      );
      if (options.json) printJson(found);
      else console.log(printProbe(found));
      exit(found.ok ? 0 : 1);
    });
  });
  addExamples(
    command,
    [
      ['probe https://api.bank.example', 'TLS versions, and from which issuers it wants a certificate'],
      [
        'probe https://api.bank.example/accounts --config clientcert.json',
        'whether the mapped certificate is taken',
      ],
      ['probe https://soap.example --service Billing.Archive --json', 'as a service, for a script'],
    ],
    '0 the server answered, and took the mapped certificate, if any; 1 not.',
  );
}

function readUrl(text: string): URL {
  const address = withScheme(text);
  const spelt = URL.canParse(address) ? new URL(address) : undefined;
  if (spelt?.protocol !== 'https:')
    throw new UsageError(`${quote(text, 'host')} is no https URL`, 'Write it as https://host:port/path.');
  if (spelt.username || spelt.password)
    throw new UsageError(
      'a URL with a user name or password is not probed',
      'Leave them out: arguments are seen by every process.',
    );
  return spelt;
}

function readTimeout(text: string): number {
  const seconds = Number(text);
  if (seconds >= 0.1 && seconds <= 600) return seconds * 1000;
  throw new UsageError(`--timeout takes seconds, from 0.1 to 600, and not ${quote(text, 'option')}`);
}
