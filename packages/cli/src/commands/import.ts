import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, relative, resolve, win32 } from 'node:path';
import { fromMendixSettings, type MendixSettings } from '@clientcert/core';
import { Argument, type Command } from 'commander';
import { addExamples, reporting, UsageError } from '../command.ts';
import { type Entry, variableOf } from '../other/entry.ts';
import { isJson, readPlaywright, readPostman } from '../other/read.ts';
import { addOutputOptions, type OutputOptions, writeOutput } from '../output.ts';
import { safe, wrap } from '../text.ts';

interface ImportOptions extends OutputOptions {
  json?: boolean;
}

interface Imported {
  readonly config: object;
  /** The environment variables that have to hold passphrases. */
  readonly variables: readonly string[];
}

const TOOLS: Readonly<Record<string, (value: unknown, rebase: (path: string) => string) => Imported>> = {
  mendix: importMendix,
  postman: (value, rebase) => importEntries(readPostman(value), rebase),
  playwright: (value, rebase) => importEntries(readPlaywright(value), rebase),
};

/** `clientcert import TOOL FILE`: a config from another tool's. */
export function addImport(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('import')
    .addArgument(new Argument('<tool>', 'whose settings they are').choices(Object.keys(TOOLS)))
    .argument('<file>', 'its settings in JSON (Mendix: also lines NAME=value, as in an environment file)')
    .description("a config from another tool's; a passphrase in it is never copied")
    .option('--json', 'the config and the names of the variables to set, as one object');
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
      ['import playwright client-certificates.json', "from Playwright's clientCertificates"],
    ],
    '0 converted, 1 the file is not what it should be.',
  );
}

async function importFrom(
  tool: string,
  file: string,
  { out = '-', force, json }: ImportOptions,
): Promise<void> {
  const read = TOOLS[tool]!;
  const from = dirname(resolve(file));
  const to = out === '-' ? process.cwd() : dirname(resolve(out));
  // Paths in a config are relative to it; those of another system stay as they are.
  const rebase = (path: string) =>
    isAbsolute(path) || win32.isAbsolute(path)
      ? path
      : relative(to, resolve(from, path)).replaceAll('\\', '/') || '.';
  const { config, variables } = read(parse(await readText(file), tool), rebase);
  const text = `${JSON.stringify(json ? { config, variables } : config, null, 2)}\n`;
  await writeOutput(out, text, force);
  if (json) return;
  if (variables.length > 0) console.error('Set these before the config is loaded; no passphrase was copied:');
  for (const variable of variables) console.error(wrap(safe(variable), '  '));
}

const LARGEST = 5_000_000;

async function readText(file: string): Promise<string> {
  try {
    if ((await stat(file)).size > LARGEST) throw new UsageError(`${file} is larger than any settings file`);
    return (await readFile(file, 'utf8')).replace(/^\ufeff/, '');
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
}

/** What a parser says of a text quotes it, and it holds passphrases: none of it is repeated. */
function parse(text: string, tool: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    const lines = text.split(/\r?\n/).flatMap((line) => {
      const [, name, value] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value!.replace(/^(['"])(.*)\1$/, '$2')] as const];
    });
    if (tool === 'mendix' && lines.length > 0) return Object.fromEntries(lines);
    throw new UsageError(
      'the file is not JSON',
      tool === 'playwright'
        ? 'Write the list "clientCertificates" of playwright.config.ts into a JSON file: the config itself is a program.'
        : undefined,
    );
  }
}

function importMendix(value: unknown, rebase: (path: string) => string): Imported {
  const config = fromMendixSettings(findSettings(value));
  const variables: string[] = [];
  const certificates = Object.entries(config.certificates ?? {}).map(([name, source]) => {
    if (typeof source !== 'object' || !('pfx' in source)) return [name, source];
    const { pfx, passphrase, ca, ...rest } = source;
    const variable = variableOf(name);
    if (passphrase !== undefined) variables.push(variable);
    return [
      name,
      {
        ...rest,
        pfx: rebase(pfx as string),
        ...(passphrase !== undefined && { passphrase: { env: variable } }),
        ...(ca !== undefined && { ca: rebaseAll(ca, rebase) }),
      },
    ];
  });
  const rules = (held: object | undefined) =>
    Object.fromEntries(Object.entries(held ?? {}).map(([key, rule]) => [key, rebaseRule(rule, rebase)]));
  const imported = {
    certificates: Object.fromEntries(certificates),
    hosts: rules(config.hosts),
    services: rules(config.services),
    ...(config.default !== undefined && { default: rebaseRule(config.default, rebase) }),
  };
  return { config: withoutEmpty(imported), variables };
}

/** The settings themselves, or under the name that a file of Mendix's gives them. */
function findSettings(value: unknown): MendixSettings {
  if (!isJson(value)) throw new UsageError('the file holds no settings');
  const known = (held: object) =>
    Object.keys(held).some((key) => /^(?:MXRUNTIME_)?(?:No)?(?:ClientCertificate|CACertificates)/.test(key));
  if (known(value)) return value;
  for (const key of ['CustomSettings', 'MicroflowConstants', 'settings', 'runtime', 'mxruntime']) {
    const inner = value[key];
    if (isJson(inner) && known(inner)) return inner;
  }
  throw new UsageError(
    'the file holds no setting ClientCertificates, ClientCertificateUsages, …',
    'Give the JSON object, or the lines NAME=value, in which these settings stand.',
  );
}

function rebaseRule(rule: unknown, rebase: (path: string) => string): unknown {
  return isJson(rule) && rule.ca !== undefined ? { ...rule, ca: rebaseAll(rule.ca, rebase) } : rule;
}

function rebaseAll(ca: unknown, rebase: (path: string) => string): unknown {
  return [ca].flat().map((each) => (typeof each === 'string' ? rebase(each) : each));
}

function importEntries(entries: readonly Entry[], rebase: (path: string) => string): Imported {
  const certificates: Record<string, object> = {};
  const hosts: Record<string, string> = {};
  const variables: string[] = [];
  for (const entry of entries) {
    const file = entry.pfx ?? entry.cert;
    if (file === undefined)
      throw new UsageError(`the certificate for ${entry.hosts.join(', ')} names no file`);
    const name = nameFor(entry, file, certificates);
    const variable = variableOf(name);
    if (entry.protected) variables.push(variable);
    certificates[name] = {
      ...(entry.pfx !== undefined ? { pfx: rebase(entry.pfx) } : { cert: rebase(file) }),
      ...(entry.key !== undefined && { key: rebase(entry.key) }),
      ...(entry.protected && { passphrase: { env: variable } }),
    };
    for (const host of entry.hosts) {
      if (Object.hasOwn(hosts, host) && hosts[host] !== name)
        throw new UsageError(
          `${host} is given two certificates`,
          'Leave one of them: a host gets one certificate.',
        );
      hosts[host] = name;
    }
  }
  return { config: withoutEmpty({ certificates, hosts }), variables };
}

function nameFor({ name, hosts }: Entry, file: string, taken: object): string {
  const base =
    (
      name ??
      file
        .split(/[/\\]/)
        .at(-1)!
        .replace(/\.[^.]+$/, '') ??
      hosts[0]
    ).trim() || 'certificate';
  for (let count = 1; ; count++) {
    const free = count === 1 ? base : `${base}-${count}`;
    if (!Object.hasOwn(taken, free)) return free;
  }
}

function withoutEmpty(config: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(
    Object.entries(config).filter(([, value]) => !isJson(value) || Object.keys(value).length > 0),
  );
}
