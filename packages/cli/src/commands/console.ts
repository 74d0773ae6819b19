import { quote, show } from '@clientcert/core/adapter';
import type { Command } from 'commander';
import { addExamples, reporting, UsageError } from '../command.ts';
import { addConfigOption, type ConfigOptions, configFile } from '../config.ts';
import { printJson, wrap } from '../text.ts';

interface ConsoleCommandOptions extends ConfigOptions {
  port?: string;
  write?: boolean;
  json?: boolean;
}

/** `clientcert console`: the screen, on loopback, until it is ended. */
export function addConsole(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('console')
    .description('a screen in the browser: certificates, files, pins, and a try at a server')
    .option('--port <number>', 'of 127.0.0.1 (a free one)')
    .option('--write', 'let the screen add files beside the config, and save it; without, nothing is changed')
    .option('--json', 'print the address for machines');
  addConfigOption(command).action(async (options: ConsoleCommandOptions) => {
    await reporting(options.json, exit, () => serve(options));
  });
  addExamples(
    command,
    [
      ['console', 'over the config of the working directory; the address to open is the first line'],
      ['console --write --config config/clientcert.json', 'and lets the screen save it'],
    ],
    '0 it was ended, with Ctrl-C for instance; 1 it could not begin.',
  );
}

async function serve({ config, port, write = false, json }: ConsoleCommandOptions): Promise<void> {
  const number = readPort(port);
  const { startConsole } = await loadConsole();
  const { consoleFunctions } = await import('../console/functions.ts');
  const path = configFile(config);
  const { functions, close } = consoleFunctions(path, write);
  try {
    await using screen = await start(() => startConsole({ functions, write, port: number }));
    const { address } = screen;
    if (json) printJson({ address, config: path, write });
    else {
      console.log(address);
      console.error(
        wrap(
          `Open it in a browser: it lets one in, once. ${write ? `It may write ${show(path, 'path')} and files beside it.` : 'It is read-only; --write lets it save.'} Ctrl-C ends it.`,
        ),
      );
    }
    await ended();
  } finally {
    await close();
  }
}

async function loadConsole(): Promise<typeof import('@clientcert/console')> {
  try {
    return await import('@clientcert/console');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new UsageError(
      'the screen is @clientcert/console, which is not installed here',
      'npm install --save-dev @clientcert/console, or: npx -p clientcert -p @clientcert/console clientcert console',
    );
  }
}

async function start<Started>(begin: () => Promise<Started>): Promise<Started> {
  try {
    return await begin();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new UsageError(
        'another program has that port of 127.0.0.1',
        'Give another with --port, or leave it out.',
      );
    if (code === 'EACCES')
      throw new UsageError(
        'this user may not take that port',
        'Give one above 1023 with --port, or leave it out.',
      );
    if (code === 'ERR_PAGE_MISSING')
      throw new UsageError(
        'the page of @clientcert/console is not in its package',
        'Install the package again; in its repository, npm run build makes it.',
      );
    throw error;
  }
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^\d{1,5}$/.test(text) && number >= 1 && number <= 65_535) return number;
  throw new UsageError(`--port takes a number from 1 to 65535, and not ${quote(text, 'option')}`);
}

/** Until the process is told to end; a second time it ends by itself. */
async function ended(): Promise<void> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  await new Promise<void>((resolve) => {
    const end = () => {
      for (const signal of signals) process.off(signal, end);
      resolve();
    };
    for (const signal of signals) process.on(signal, end);
  });
}
