import { quote } from '@clientcert/core/adapter';
import { UsageError } from '../command.ts';
import { isHost } from '../host.ts';
import { bad, dim, good, warning } from '../paint.ts';
import { during } from '../progress.ts';
import { caution, count, heading, printJson, safe, wrap } from '../text.ts';
import { unifiedDiff } from './diff.ts';
import { makePlan, type Plan, type PlannedSite } from './plan.ts';
import { replaceAll } from './write.ts';

export interface MigrateOptions {
  write?: boolean;
  force?: boolean;
  host: string[];
  config: string;
  json?: boolean;
}

/** Reads the code, says what it would become, and writes it where that was asked for. */
export async function migrate(
  paths: readonly string[],
  { write, force, host, config, json }: MigrateOptions,
  exit: (code: number) => void,
): Promise<void> {
  const from = process.cwd();
  for (const each of host) {
    if (!isHost(each))
      throw new UsageError(`--host takes a host, or host:port, and not ${quote(each, 'host')}`);
  }
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
