import { type CertificateInfo, ClientCertificateError, type Credentials } from '@clientcert/core';
import type { Command } from 'commander';
import { warnOfRules } from '../check-rules.ts';
import { addExamples } from '../command.ts';
import { configFile, loadConfig } from '../config.ts';
import { reportFailure } from '../failure.ts';
import { bad, dim, good, warning } from '../paint.ts';
import {
  caution,
  count,
  dayOf,
  daysLeft,
  fault,
  heading,
  nameOf,
  printJson,
  safe,
  table,
  wrap,
} from '../text.ts';

/** `clientcert check [CONFIG]`: every certificate and rule; for CI and as a readiness probe. */
export function addCheck(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('check')
    .argument('[config]', 'the config (CLIENTCERT_CONFIG, else clientcert.json in the working directory)')
    .option('--config <file>', 'the same')
    .option('--strict', 'exit with 2 where there are warnings')
    .option('--json', 'print for machines')
    .description('every certificate and every rule of a config, read as a program would read them')
    .action(
      async (file: string | undefined, options: { config?: string; strict?: boolean; json?: boolean }) => {
        try {
          await using credentials = await loadConfig(file ?? options.config);
          const certificates = credentials.certificates();
          const expired = certificates.filter(({ status }) => status === 'expired');
          const warnings = [
            ...credentials.warnings().filter(({ code }) => code !== 'EXPIRED'),
            ...warnOfRules(credentials),
          ];
          const ok = expired.length === 0;
          if (options.json) {
            const rules = credentials.rules();
            const config = file ?? configFile(options.config);
            printJson({ ok, config, checkedAt: new Date(), certificates, rules, warnings });
          } else print(credentials, certificates, warnings);
          if (!ok) exit(1);
          else if (options.strict && warnings.length > 0) exit(2);
        } catch (error) {
          if (!(error instanceof ClientCertificateError)) throw error;
          reportFailure(error, options.json);
          exit(1);
        }
      },
    );
  addExamples(
    command,
    [
      ['check', 'the config of the working directory, for a person'],
      ['check --strict clientcert.json', 'in CI: warnings fail too'],
      ['check --json > certificates.json', 'for a register of certificates'],
    ],
    '0 good, 1 an error (an expired certificate is one), 2 a warning with --strict.',
  );
}

function print(
  credentials: Credentials,
  certificates: readonly CertificateInfo[],
  warnings: readonly { code: string; message: string }[],
): void {
  const expired = certificates.filter(({ status }) => status === 'expired');
  const rules = credentials.rules();
  const size = `${count(certificates.length, 'certificate')}, ${count(rules.length, 'rule')}`;
  const cautions = warnings.length > 0 ? count(warnings.length, 'warning') : 'no warnings';
  if (expired.length > 0) console.log(fault(`${count(expired.length, 'error')}, ${cautions}: ${size}`, ''));
  else if (warnings.length > 0) console.log(caution(`${cautions}: ${size}`, ''));
  else console.log(`${good('✓')} ${size}: no warnings`);
  for (const { name, daysLeft: days } of expired)
    console.log(fault(`certificate "${safe(name)}" ${daysLeft(days)}`));
  for (const { code, message } of warnings) console.log(caution(`${safe(message)} (${code})`));

  const byExpiry = [...certificates].sort((one, other) => one.daysLeft - other.daysLeft);
  if (byExpiry.length > 0) {
    const rows = byExpiry.map(({ name, subject, validTo, status, daysLeft: days, pinnedAt }) => [
      shorten(safe(name), 16),
      shorten(nameOf(subject).split(', ')[0]!, 24),
      dayOf(validTo),
      COLOURS[status](daysLeft(days)),
      `${pinnedAt.length}`,
    ]);
    console.log(`\n${table(['certificate', 'subject', 'valid to', 'left', 'rules'], rows)}`);
  }
  if (rules.length > 0) console.log(`\n${heading('Rules')}`);
  for (const { rule, certificate } of rules) {
    const says = certificate === false ? 'none, ever' : (certificate ?? 'no certificate of its own');
    console.log(wrap(`${safe(rule)} → ${certificate ? safe(says) : dim(says)}`, '  ', '    '));
  }
}

const COLOURS = {
  valid: good,
  expiring: warning,
  expired: bad,
  'not yet valid': warning,
} as const;

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
