import { readFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import type { Credentials } from '@clientcert/core';
import { show } from '@clientcert/core/adapter';
import { decodeConfig } from '@clientcert/core/enrolment';
import { Argument, type Command } from 'commander';
import { addExamples, reporting } from '../command.ts';
import { addConfigOption, type ConfigOptions, configFile, loadConfig } from '../config.ts';
import { isJson } from '../other/settings.ts';
import {
  type ExportEntry,
  type Exported,
  writeCurl,
  writeCypress,
  writePlaywright,
  writePostman,
} from '../other/write.ts';
import { addOutputOptions, type OutputOptions, writeOutput } from '../output.ts';
import { caution, printJson, safe, wrap } from '../text.ts';

interface ExportOptions extends OutputOptions, ConfigOptions {
  json?: boolean;
}

const TOOLS: Readonly<Record<string, (entries: readonly ExportEntry[]) => Exported>> = {
  curl: writeCurl,
  cypress: writeCypress,
  newman: writePostman,
  playwright: writePlaywright,
  postman: writePostman,
};

/** `clientcert export TOOL`: another tool's config from ours. */
export function addExport(program: Command, exit: (code: number) => void): void {
  const command = program
    .command('export')
    .addArgument(new Argument('<tool>', 'for which tool').choices(Object.keys(TOOLS)))
    .description("another tool's config from ours, which is loaded first; a passphrase is never written")
    .option('--json', 'what is written, the variables to set and what was left out, as one object');
  addConfigOption(command);
  addOutputOptions(command, 'standard output').action(async (tool: string, options: ExportOptions) => {
    await reporting(options.json, exit, () => exportTo(tool, options));
  });
  addExamples(
    command,
    [
      ['export playwright --out client-certificates.mjs', 'a module for `use: { clientCertificates }`'],
      ['export cypress --out client-certificates.mjs', 'a module for `clientCertificates` of its config'],
      ['export postman --out client-certs.json', 'for newman run --ssl-client-cert-list'],
      ['export curl', 'a command line for each host'],
    ],
    '0 written, 1 not.',
  );
}

async function exportTo(tool: string, { out = '-', force, json, config }: ExportOptions): Promise<void> {
  const write = TOOLS[tool]!;
  // Read as a program would read it: what is wrong with it is said, and nothing is exported that does not load.
  await using credentials = await loadConfig(config);
  const file = configFile(config);
  // Playwright reads paths from where its config is, which is where the module will be; the others from where they run.
  const base = tool === 'playwright' && out !== '-' ? dirname(resolve(out)) : process.cwd();
  const { entries, left } = readEntries(
    JSON.parse(decodeConfig(await readFile(file), show(file, 'path'))),
    (path) => relative(base, resolve(dirname(resolve(file)), path)),
  );
  const exported = write(entries);
  const { content, variables, advice } = exported;
  const omitted = [...left, ...exported.omitted];
  const notes = [
    ...(exported.notes ?? []),
    ...legacyOf(credentials, entries),
    ...(base === process.cwd() && out !== '-' && dirname(resolve(out)) !== base
      ? ['its paths are relative to the working directory of now: run the tool from there']
      : []),
  ];
  if (json && out === '-') printJson({ content, variables, omitted, notes });
  else {
    await writeOutput(out, content, force);
    if (json) printJson({ file: out, variables, omitted, notes });
  }
  if (json) return;
  for (const { what, why } of omitted) console.error(caution(`left out: ${safe(what)}: ${safe(why)}`, ''));
  for (const note of notes) console.error(caution(safe(note), ''));
  if (variables.length > 0)
    console.error([wrap(advice), ...variables.map((each) => wrap(safe(each), '  '))].join('\n'));
}

/** What clientcert reads, and OpenSSL 3 in the tool does not. */
function legacyOf(credentials: Credentials, entries: readonly ExportEntry[]): string[] {
  return credentials.certificates().flatMap(({ name, warnings }) => {
    const pfx = entries.find((entry) => entry.name === name)?.pfx;
    return pfx !== undefined && warnings.some(({ code }) => code === 'LEGACY_ENCRYPTION')
      ? [
          `${pfx} is encrypted as only OpenSSL 1 opens it, and the tool does not: clientcert convert ${pfx} --to pfx ` +
            '--out NEW.pfx makes one that it opens, to be named in the config',
        ]
      : [];
  });
}

interface Omitted {
  readonly what: string;
  readonly why: string;
}

/** Each host rule with the files of its certificate. */
function readEntries(
  config: unknown,
  rebase: (path: string) => string,
): { entries: ExportEntry[]; left: Omitted[] } {
  const entries: ExportEntry[] = [];
  const left: Omitted[] = [];
  const {
    certificates = {},
    hosts = {},
    services = {},
    default: fallback,
    tls,
    proxy,
  } = config as Record<string, object>;
  const one = (value: unknown) =>
    typeof value === 'string' && !/-----BEGIN|^\s*pkcs11:/i.test(value) ? rebase(value) : undefined;
  for (const [pattern, rule] of Object.entries(hosts)) {
    const ruled = isJson(rule) ? rule : {};
    const name: unknown = isJson(rule) ? rule.certificate : rule;
    if (typeof name !== 'string') {
      const wider = Object.keys(hosts).some(
        (each) => each.startsWith('*.') && pattern.includes(each.slice(1).replace(/:.*$/, '')),
      );
      if (wider || Object.keys(ruled).some((option) => option !== 'certificate'))
        left.push({ what: `the rule for ${pattern}`, why: 'the tool has no rule without a certificate' });
      continue;
    }
    const source: unknown = (certificates as Record<string, unknown>)[name];
    const held = isJson(source) ? source : {};
    const [pfx, cert, key] = [one(held.pfx), one(held.cert), one(held.key)];
    if ((pfx ?? cert) === undefined || (held.key !== undefined && key === undefined)) {
      left.push({
        what: `certificate "${name}" at ${pattern}`,
        why: 'it is not in one file each for certificate and key',
      });
      continue;
    }
    const { env, file } = isJson(held.passphrase) ? held.passphrase : {};
    const roots = ruled.ca ?? held.ca;
    const ca = roots === undefined ? [] : [roots].flat().map(one);
    if (ca.includes(undefined))
      left.push({ what: `a root for ${pattern}`, why: 'it is not a file without a passphrase' });
    const only = (ruled.trust ?? held.trust) === 'only';
    for (const [option, value] of Object.entries({ ...held, ...ruled })) {
      if (!CARRIED.has(option))
        left.push({ what: `"${option}" at ${pattern}`, why: 'the tool has no way to say it' });
      else if (option === 'trust' && value === 'only' && ca.length === 0)
        left.push({ what: `"trust" at ${pattern}`, why: 'there are no roots with it' });
    }
    entries.push({
      name,
      pattern,
      pfx,
      cert,
      key,
      ca: ca.filter((each) => each !== undefined),
      only,
      tls: ruled.tls ?? tls,
      spki: Array.isArray(ruled.spki) ? ruled.spki : [],
      variable: typeof env === 'string' ? env : undefined,
      passphraseFile: one(file),
      protected: held.passphrase !== undefined,
    });
  }
  if (proxy !== undefined && proxy !== (false as unknown))
    left.push({ what: 'the proxy', why: 'it is for the tool itself to say' });
  for (const service of Object.keys(services))
    left.push({ what: `service ${service}`, why: 'the tool knows hosts alone' });
  if (fallback !== undefined) left.push({ what: 'the default', why: 'the tool knows hosts alone' });
  return { entries, left };
}

/** What each writer is handed, and says itself what it leaves out of it. */
const CARRIED = new Set([
  ...['pfx', 'cert', 'key', 'passphrase', 'ca', 'trust', 'certificate', 'tls', 'spki'],
  // Of no consequence for one call.
  ...['refresh', 'maxIterations', 'resume', 'allowDowngrade'],
]);
