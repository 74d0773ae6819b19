import { dirname, isAbsolute, relative, resolve, win32 } from 'node:path';
import { show } from '@clientcert/core/adapter';
import { Argument, type Command } from 'commander';
import { readBounded, readStandardInput } from '../bounded-file.ts';
import { addExamples, reporting, UsageError } from '../command.ts';
import { addHosts, assemble, type Imported } from '../other/assemble.ts';
import { readBruno } from '../other/bruno.ts';
import { readCurl } from '../other/curl.ts';
import { readCypress } from '../other/cypress.ts';
import type { Findings } from '../other/entry.ts';
import { readInsomnia } from '../other/insomnia.ts';
import { readK6 } from '../other/k6.ts';
import { importMendix } from '../other/mendix.ts';
import { readPlaywright, readPostman } from '../other/read.ts';
import { readSpring } from '../other/spring.ts';
import { addOutputOptions, type OutputOptions, writeOutput } from '../output.ts';
import { caution, jsonOf, printJson, safe, wrap } from '../text.ts';

interface ImportOptions extends OutputOptions {
  host: string[];
  json?: boolean;
}

/** What a tool's settings hold; `file` is where they stand. */
type Reader = (text: string, file: string) => Findings | Promise<Findings>;

const READERS: Readonly<Record<string, Reader>> = {
  bruno: readBruno,
  curl: readCurl,
  cypress: readCypress,
  insomnia: readInsomnia,
  k6: readK6,
  newman: readPostman,
  playwright: readPlaywright,
  postman: readPostman,
  spring: readSpring,
};

/** `clientcert import TOOL FILE`: a config from another tool's. */
export function addImport(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('import')
    .addArgument(
      new Argument('<tool>', 'whose settings they are').choices([...Object.keys(READERS), 'mendix'].sort()),
    )
    .argument(
      '<file>',
      'its settings, - for standard input; of a program, what it writes down is read, nothing is run',
    )
    .description("a config from another tool's; a passphrase or key in it is never copied")
    .option(
      '--host <host>',
      'where the certificate goes, HOST or HOST=NAME, if the settings do not say; more than once for more',
      (host: string, all: string[]) => [...all, host],
      [],
    )
    .option('--json', 'the config, the variables to set and what was left out, as one object');
  addOutputOptions(command, 'standard output').action(
    async (tool: string, file: string, options: ImportOptions) => {
      await reporting(options.json, exit, () => importFrom(tool, file, options));
    },
  );
  addExamples(
    command,
    [
      ['import mendix settings.json --out clientcert.json', "from a Mendix runtime's settings"],
      ['import postman client-certs.json', "from Newman's --ssl-client-cert-list"],
      ['import cypress cypress.config.ts', 'from the list clientCertificates in it'],
      [
        'import spring application.yml --host api.bank.example=bank',
        'from spring.ssl.bundle, which names no hosts',
      ],
      ['import curl - < call.sh', 'from a command line'],
    ],
    '0 converted, 1 the file is not what it should be.',
  );
}

async function importFrom(
  tool: string,
  file: string,
  { out = '-', force, host, json }: ImportOptions,
): Promise<void> {
  const from = file === '-' ? process.cwd() : dirname(resolve(file));
  const to = out === '-' ? process.cwd() : dirname(resolve(out));
  // Paths in a config are relative to it; those of another system stay as they are.
  const rebase = (path: string) =>
    isAbsolute(path) || win32.isAbsolute(path) || /^pkcs11:/i.test(path)
      ? path
      : relative(to, resolve(from, path)).replaceAll('\\', '/') || '.';
  const {
    config,
    variables,
    omitted,
    notes = [],
  } = await readSettings(tool, await readText(file), file, host, rebase);
  if (json && out === '-') return printJson({ config, variables, omitted, notes });
  await writeOutput(out, `${jsonOf(config, 2)}\n`, force);
  if (json) return printJson({ file: out, variables, omitted, notes });
  for (const { what, why } of omitted) console.error(caution(`left out: ${safe(what)}: ${safe(why)}`, ''));
  for (const note of notes) console.error(caution(safe(note), ''));
  if (variables.length > 0)
    console.error('Set these before the config is loaded; no passphrase and no key was copied:');
  for (const variable of variables) console.error(wrap(safe(variable), '  '));
}

/**
 * The config for what another tool's settings say.
 *
 * @param file Where they stand.
 * @param rebase Makes a path relative to where the config will be.
 * @throws UsageError where the text is not what the tool's settings are
 */
export async function readSettings(
  tool: string,
  text: string,
  file: string,
  hosts: readonly string[],
  rebase: (path: string) => string,
): Promise<Imported> {
  const reader = READERS[tool];
  if (reader === undefined) {
    if (hosts.length > 0)
      throw new UsageError("--host is not needed here: Mendix's settings say which hosts get a certificate");
    return importMendix(text, rebase);
  }
  const found = await reader(text, resolve(file));
  addHosts(found, hosts);
  const imported = assemble(found, rebase);
  if (Object.keys(imported.config).length > 0) return imported;
  const [left] = imported.omitted;
  throw new UsageError(
    'nothing of the file can be carried over',
    left && `left out: ${left.what}: ${left.why}.`,
  );
}

async function readText(file: string): Promise<string> {
  try {
    const text = file === '-' ? await readStandardInput() : (await readBounded(file)).toString();
    return text.replace(/^\ufeff/, '');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${show(file, 'path')} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}
