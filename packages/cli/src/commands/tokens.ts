import type { Command } from 'commander';
import { addExamples, reporting } from '../command.ts';

/** `clientcert tokens [MODULE]`: what a PKCS#11 module offers, without a PIN, and what to write to use it. */
export function addTokens(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('tokens')
    .argument('[module]', 'path of a PKCS#11 module (those that p11-kit knows)')
    .option('--json', 'print for machines')
    .description('what is on a smart card, HSM or other token, and the config that uses it')
    .action(async (module: string | undefined, { json }: { json?: boolean }) => {
      await reporting(json, exit, async () => {
        const { listTokens } = await import('../tokens/tokens.ts');
        await listTokens(module, json, exit);
      });
    });
  addExamples(
    command,
    [
      ['tokens', 'every token that p11-kit knows; p11tool, of GnuTLS, has to be installed'],
      ['tokens /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so', 'those of a module'],
    ],
    '0 listed, 1 there is no token, or it cannot be asked.',
  );
}
