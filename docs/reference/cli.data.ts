import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../packages/cli/bin/clientcert.mjs', import.meta.url));

/** What the command says of itself. */
export interface Help {
  name: string;
  text: string;
}

declare const data: Help[];

export { data };

const COMMANDS = [
  'inspect',
  'check',
  'explain',
  'probe',
  'convert',
  'csr',
  'import',
  'export',
  'migrate',
  'tokens',
  'demo',
  'completion',
];

export default {
  load: (): Help[] =>
    ['', ...COMMANDS].map((name) => ({
      name,
      text: execFileSync(process.execPath, [program, ...(name ? [name] : []), '--help'], {
        encoding: 'utf8',
      }),
    })),
};
