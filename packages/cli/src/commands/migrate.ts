import type { Command } from 'commander';
import { addExamples, reporting } from '../command.ts';
import type { MigrateOptions } from '../migrate/migrate.ts';

/** `clientcert migrate [PATH…]`: what hand-wired certificates would become with us; `--write` changes them. */
export function addMigrate(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('migrate')
    .argument('[paths...]', 'files and directories with code (the working directory)')
    .option('--write', 'change the files, and write the config; without, nothing is changed')
    .option('--force', 'also files that git does not have as they stand')
    .option(
      '--host <host>',
      'a host for certificates of which the code does not say where they go; as often as needed',
      (host: string, before: string[]) => [...before, host],
      [],
    )
    .option(
      '--config <file>',
      'the config that the code will load, and where files are named',
      'clientcert.json',
    )
    .option('--json', 'print for machines')
    .description('code that wires certificates by hand, and what it would become; --write changes it')
    .action(async (paths: string[], options: MigrateOptions) => {
      await reporting(options.json, exit, async () => {
        // Imported when it is needed: no other command waits for it.
        const { migrate } = await import('../migrate/migrate.ts');
        await migrate(paths, options, exit);
      });
    });
  addExamples(
    command,
    [
      ['migrate', 'what would change, as a diff, and what would not, and why'],
      ['migrate src --write', 'change it; run it where the program is started'],
      [
        'migrate src/bank.js --host api.bank.example',
        'say where the certificate goes, where the code does not',
      ],
    ],
    '0 nothing is left to do by hand, 1 an error (nothing was written), 2 something is.',
  );
}
