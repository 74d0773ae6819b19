import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { addCheck } from './commands/check.ts';
import { addExplain } from './commands/explain.ts';
import { addInspect } from './commands/inspect.ts';
import { addProbe } from './commands/probe.ts';
import { addDemo } from './demo/demo.ts';
import { Cancelled } from './passphrase.ts';

/** Adds one command to the program; its action returns the exit code. */
export type AddCommand = (program: Command, exit: (code: number) => void) => void;

const commands: readonly AddCommand[] = [addInspect, addCheck, addExplain, addProbe, addDemo];

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
    .exitOverride();
  for (const add of commands) {
    add(program, (value) => {
      code = value;
    });
  }
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof Cancelled) return 130;
    throw error;
  }
  return code;
}

function version(): string {
  return (
    JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version;
}
