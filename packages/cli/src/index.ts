import { readFileSync } from 'node:fs';
import { show } from '@clientcert/core/adapter';
import { Command, CommanderError } from 'commander';
import { addCheck } from './commands/check.ts';
import { addConsole } from './commands/console.ts';
import { addConvert } from './commands/convert.ts';
import { addCsr } from './commands/csr.ts';
import { addExplain } from './commands/explain.ts';
import { addExport } from './commands/export.ts';
import { addImport } from './commands/import.ts';
import { addInspect } from './commands/inspect.ts';
import { addMigrate } from './commands/migrate.ts';
import { addProbe } from './commands/probe.ts';
import { addTokens } from './commands/tokens.ts';
import { addCompletion } from './completion.ts';
import { addDemo } from './demo/demo.ts';
import { Cancelled } from './passphrase.ts';
import { failure, safe } from './text.ts';

/** Adds one command to the program; its action returns the exit code. */
export type AddCommand = (program: Command, exit: (code: number) => void) => void;

const commands: readonly AddCommand[] = [
  addInspect,
  addCheck,
  addExplain,
  addProbe,
  addConvert,
  addCsr,
  addImport,
  addExport,
  addMigrate,
  addTokens,
  addConsole,
  addDemo,
  addCompletion,
];

/**
 * Runs the `clientcert` command.
 *
 * @param args The arguments after the program's name.
 * @returns The exit code: 0 good, 1 error or usage, 2 warning, as each command says in its help; 130 where the
 *   person at the terminal gave up.
 */
export async function run(args: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('clientcert')
    .description("Client certificates (mutual TLS) for Node's HTTP and SOAP clients")
    .version(version(), '--version', 'print the version')
    .option('--debug', 'show where an unexpected failure came from')
    .showSuggestionAfterError()
    .showHelpAfterError('(--help says more)')
    .configureHelp({ helpWidth: 80 })
    .configureOutput({
      outputError: (text, write) => {
        const advice = /unknown option '--(?:key-)?passphrase/.test(text) ? neverAnArgument : '';
        write(`${conceal(text, args).split('\n').map(safe).join('\n')}${advice}`);
      },
    })
    .exitOverride();
  for (const add of commands) {
    add(program, (value) => {
      code = value;
    });
  }
  for (const command of program.commands) {
    command.copyInheritedSettings(program).option('--debug', 'show where an unexpected failure came from');
  }
  program.addHelpText(
    'after',
    '\nExit code: 0 good, 1 an error, 2 a warning with --strict, 130 Ctrl-C at a prompt.',
  );
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof Cancelled) return 130;
    console.error(unexpected(error, args));
    return 1;
  }
  return code;
}

const neverAnArgument =
  '(a passphrase is no argument, which every process sees: --passphrase-env NAME, --passphrase-file FILE, or the prompt)\n';

/**
 * What commander says quotes what was typed: a passphrase in the place of a command, or behind an option that there is
 * not (`--passphrase=…`). What can be no such word is not repeated.
 */
function conceal(text: string, args: readonly string[]): string {
  return [...args]
    .sort((one, other) => other.length - one.length)
    .reduce((rest, each) => {
      const [, dashes = '', word = '', value] = /^(-{0,2})([^=]*)(?:=(.*))?$/s.exec(each) ?? [];
      const shown = `${dashes}${show(word, 'option')}${value === undefined ? '' : '=…'}`;
      return rest.replaceAll(`'${each}'`, () => `'${shown}'`);
    }, text);
}

function unexpected(error: unknown, args: readonly string[]): string {
  const debug = args.includes('--debug');
  const message = conceal(error instanceof Error ? error.message || `${error}` : `${error}`, args);
  const told = failure({ message, hint: debug ? undefined : '--debug shows where it came from.' });
  return debug && error instanceof Error
    ? `${told}\n${conceal(error.stack ?? '', args)
        .split('\n')
        .map(safe)
        .join('\n')}`
    : told;
}

function version(): string {
  return (
    JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version;
}
