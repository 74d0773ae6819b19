import { type CertificateInfo, ClientCertificateError, type Credentials } from '@clientcert/core';
import type { Command } from 'commander';
import { loadConfig } from '../config.ts';
import { reportFailure } from '../failure.ts';
import { daysLeft, nameOf, safe, table, wrap } from '../text.ts';

/** `clientcert check [CONFIG]`: every certificate and rule; for CI and as a readiness probe. */
export function addCheck(program: Command, exit: (code: number) => void): void {
  program
    .command('check')
    .argument('[config]', 'the config (CLIENTCERT_CONFIG, else clientcert.json in the working directory)')
    .option('--config <file>', 'the same')
    .option('--strict', 'exit with 2 where there are warnings')
    .option('--json', 'print for machines')
    .description('every certificate and every rule of a config, read as a program would read them')
    .addHelpText(
      'after',
      '\nExit code: 0 good, 1 an error (an expired certificate is one), 2 a warning with --strict.',
    )
    .action(
      async (file: string | undefined, options: { config?: string; strict?: boolean; json?: boolean }) => {
        try {
          await using credentials = await loadConfig(file ?? options.config);
          const certificates = credentials.certificates();
          const expired = certificates.filter(({ status }) => status === 'expired');
          const warnings = credentials.warnings().filter(({ code }) => code !== 'EXPIRED');
          const ok = expired.length === 0;
          if (options.json) {
            const rules = credentials.rules();
            console.log(JSON.stringify({ ok, certificates, rules, warnings }, null, 2));
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
}

function print(
  credentials: Credentials,
  certificates: readonly CertificateInfo[],
  warnings: readonly { code: string; message: string }[],
): void {
  const byExpiry = [...certificates].sort((a, b) => a.daysLeft - b.daysLeft);
  console.log(
    table(
      ['certificate', 'subject', 'valid to', 'left', 'rules'],
      byExpiry.map(({ name, subject, validTo, daysLeft: days, pinnedAt }) => [
        safe(name),
        shorten(nameOf(subject).split(', ')[0]!),
        validTo.toISOString().slice(0, 10),
        daysLeft(days),
        `${pinnedAt.length}`,
      ]),
    ),
  );
  console.log('');
  for (const { rule, certificate } of credentials.rules()) {
    const says = certificate === false ? 'none, ever' : (certificate ?? 'no certificate of its own');
    console.log(wrap(`${safe(rule)} → ${safe(says)}`, '  ', '    '));
  }
  for (const { code, message } of warnings)
    console.log(`\n${wrap(`${safe(message)} (${code})`, '  ! ', '    ')}`);
  const expired = certificates.filter(({ status }) => status === 'expired');
  for (const { name, daysLeft: days } of expired) {
    console.log(`\n${wrap(`certificate "${safe(name)}" ${daysLeft(days)}`, '  ✗ ', '    ')}`);
  }
  const count = (amount: number, noun: string) => `${amount} ${noun}${amount === 1 ? '' : 's'}`;
  console.log(
    `\n  ${count(certificates.length, 'certificate')}, ${count(credentials.rules().length, 'rule')}: ${
      expired.length > 0 ? `${count(expired.length, 'error')}, ` : ''
    }${warnings.length > 0 ? count(warnings.length, 'warning') : 'no warnings'}`,
  );
}

function shorten(text: string): string {
  return text.length > 28 ? `${text.slice(0, 27)}…` : text;
}
