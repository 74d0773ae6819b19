import type { Command } from 'commander';
import { addExamples, reporting } from '../command.ts';
import { unifiedDiff } from '../migrate/diff.ts';
import { makePlan, type Plan, type PlannedSite } from '../migrate/plan.ts';
import { replaceAll } from '../migrate/write.ts';
import { bad, dim, good, warning } from '../paint.ts';
import { during } from '../progress.ts';
import { caution, count, heading, printJson, safe, wrap } from '../text.ts';

interface MigrateOptions {
  write?: boolean;
  force?: boolean;
  host: string[];
  config: string;
  json?: boolean;
}

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
      await reporting(options.json, exit, () => migrate(paths, options, exit));
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

async function migrate(
  paths: readonly string[],
  { write, force, host, config, json }: MigrateOptions,
  exit: (code: number) => void,
): Promise<void> {
  const from = process.cwd();
  const plan = await during('Reading the code', () =>
    makePlan({ paths: paths.length > 0 ? paths : ['.'], config, hosts: host, from }),
  );
  if (write) await replaceAll([...(plan.config ? [plan.config] : []), ...plan.changes], force ?? false, from);
  if (json) printJson(describe(plan, write ?? false));
  else print(plan, write ?? false);
  if (plan.left.length > 0 || plan.skipped.length > 0) exit(2);
}

function describe(plan: Plan, written: boolean): object {
  const { left, skipped, variables, packages } = plan;
  const diff = (before: string | undefined, after: string) => unifiedDiff(before ?? '', after).map(plan.mask);
  return {
    ok: left.length === 0 && skipped.length === 0,
    written,
    changes: plan.changes.map(({ file, sites, before, after }) => ({
      file,
      sites,
      diff: diff(before, after),
    })),
    config: plan.config && { file: plan.config.file, diff: diff(plan.config.before, plan.config.after) },
    left,
    skipped,
    variables,
    packages,
  };
}

function print(plan: Plan, written: boolean): void {
  const { changes, left, skipped, config, filesRead } = plan;
  if (changes.length === 0 && left.length === 0 && skipped.length === 0) {
    console.log(`${good('✓')} ${count(filesRead, 'file')}: no certificate is wired by hand`);
    return;
  }
  for (const { file, sites, before, after } of changes) {
    const told = new Set<string>();
    for (const site of sites) printSite(file, site, told);
    printDiff(file, before ?? '', after, plan.mask);
  }
  if (config) {
    console.log(`${good('✓')} ${safe(config.file)}${config.before === undefined ? ' is new' : ''}`);
    printDiff(config.file, config.before ?? '', config.after, plan.mask);
  }
  if (left.length > 0 || skipped.length > 0) console.log(heading('Left as it is'));
  for (const { file, line, what, reason, hint } of left) {
    console.log(wrap(`${safe(file)}:${line}: ${safe(what)}: ${safe(reason)}`, `${bad('✗')} `, '  '));
    if (hint) console.log(wrap(safe(hint), '  → ', '    '));
  }
  for (const { file, line, reason } of skipped) {
    const at = line === undefined ? '' : `:${line}`;
    console.log(wrap(`${safe(file)}${at}: ${safe(reason)}`, `${warning('!')} `, '  '));
  }
  if (left.length > 0 || skipped.length > 0) console.log();
  printNext(plan, written);
}

function printSite(
  file: string,
  { line, what, certificate, hosts, service, notes }: PlannedSite,
  told: Set<string>,
): void {
  const to = hosts.length > 0 ? hosts.join(', ') : `the hosts that calls of service "${service}" name`;
  console.log(wrap(`${safe(file)}:${line}: ${safe(what)}`, `${good('✓')} `, '  '));
  console.log(wrap(safe(`certificate "${certificate}" goes to ${to}, and nowhere else`), '  '));
  for (const note of notes) {
    if (!told.has(note)) console.log(caution(safe(note)));
    told.add(note);
  }
}

function printDiff(file: string, before: string, after: string, mask: (line: string) => string): void {
  const PAINT: Readonly<Record<string, (text: string) => string>> = { '-': bad, '+': good, '@': dim };
  console.log(dim(`\n  ${safe(file)}`));
  for (const line of unifiedDiff(before, after)) {
    // A tab is a blank here, as everything else that a terminal would obey is none.
    const shown = safe(mask(line).replaceAll('\t', '  '));
    console.log(`  ${(PAINT[line[0]!] ?? String)(shown)}`);
  }
  console.log();
}

function printNext({ changes, packages, variables }: Plan, written: boolean): void {
  if (changes.length === 0) return;
  console.log(heading(written ? `${count(changes.length, 'file')} changed. Then:` : 'Then:'));
  if (!written) console.log('  clientcert migrate … --write');
  console.log(`  npm install ${packages.join(' ')}`);
  for (const variable of variables) console.log(wrap(`set ${variable}; no passphrase was copied`, '  '));
  console.log('  clientcert check');
  if (changes.length > 1)
    console.log(
      wrap(
        'Each file loads the config. Where they belong to one program, load it in one module that the others import.',
        '  ',
      ),
    );
}
