import { ClientCertificateError } from '@clientcert/core';
import type { Command } from 'commander';
import { addConfigOption, type ConfigOptions, loadConfig } from '../config.ts';
import { reportFailure } from '../failure.ts';

/** `clientcert explain URL`: which certificate, and why. */
export function addExplain(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('explain')
    .argument('<url>', 'where a call goes')
    .description('which certificate a call to a URL would present, and why')
    .option('--service <name>', 'as which service of the config the call is made')
    .option('--json', 'print for machines')
    .addHelpText('after', '\nExit code: 0 decided, 1 the config or the URL is wrong.');
  addConfigOption(command).action(
    async (url: string, { config, service, json }: ConfigOptions & { service?: string; json?: boolean }) => {
      try {
        await using credentials = await loadConfig(config);
        const explanation = credentials.explain(targetOf(url, service));
        console.log(json ? JSON.stringify(explanation, null, 2) : `${explanation}`);
      } catch (error) {
        if (!(error instanceof ClientCertificateError)) throw error;
        reportFailure(error, json);
        exit(1);
      }
    },
  );
}

function targetOf(
  url: string,
  service: string | undefined,
): string | { host: string; port: string; service: string; origin: string } {
  if (service === undefined || !URL.canParse(url)) return url;
  const { hostname, port, origin } = new URL(url);
  return { host: hostname, port, service, origin };
}
