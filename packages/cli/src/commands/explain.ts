import { ClientCertificateError } from '@clientcert/core';
import type { Command } from 'commander';
import { addExamples, withScheme } from '../command.ts';
import { addConfigOption, type ConfigOptions, loadConfig } from '../config.ts';
import { reportFailure } from '../failure.ts';
import { printJson } from '../text.ts';

/** `clientcert explain URL`: which certificate, and why. */
export function addExplain(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('explain')
    .argument('<url>', 'where a call goes')
    .description('which certificate a call to a URL would present, and why')
    .option('--service <name>', 'as which service of the config the call is made')
    .option('--json', 'print for machines');
  addExamples(
    addConfigOption(command),
    [
      ['explain https://api.bank.example:8443', 'with the config of the working directory'],
      ['explain https://soap.example --service Billing.Archive', 'as a service'],
    ],
    '0 decided, 1 the config or the URL is wrong.',
  );
  command.action(
    async (url: string, { config, service, json }: ConfigOptions & { service?: string; json?: boolean }) => {
      try {
        await using credentials = await loadConfig(config);
        if (service !== undefined) credentials.resolve({ host: 'localhost', service }); // an unknown one, over http: too
        const explanation = credentials.explain(targetOf(withScheme(url), service));
        if (json) printJson(explanation);
        else console.log(`${explanation}`);
      } catch (error) {
        if (!(error instanceof ClientCertificateError)) throw error;
        reportFailure(error, json);
        exit(1);
      }
    },
  );
}

/** Where a call goes: with a service, as that service. */
export function targetOf(
  url: string,
  service: string | undefined,
): string | { host: string; port: string; service: string; origin: string } {
  if (service === undefined || !URL.canParse(url)) return url;
  const { protocol, hostname, port, origin } = new URL(url);
  if (protocol !== 'https:' && protocol !== 'wss:') return url; // nothing is decided by the service there
  return { host: hostname, port, service, origin };
}
