import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { variable } from '../own.ts';
import { examplePath } from './engine.ts';
import { Problem } from './problem.ts';

/**
 * Whether this process has loaded pkcs11-provider. OpenSSL does so by its configuration alone, when the process
 * starts, and Node says nowhere which providers it has: the files that are loaded do.
 */
export function hasProvider(): boolean {
  return isLoaded(/^(?:lib)?pkcs11[-_]?(?:prov(?:ider)?)?\.(?:so|dylib|dll)/i);
}

/** The same of tpm2-openssl. */
export function hasTpmProvider(): boolean {
  return isLoaded(/^(?:lib)?tpm2\.(?:so|dylib|dll)/i);
}

/** OpenSSL loads none later, and gives none up. */
const loaded = new Map<string, boolean>();

function isLoaded(file: RegExp): boolean {
  const known = loaded.get(file.source);
  if (known !== undefined) return known;
  const found = loadedFiles().some((path) => file.test(basename(path)) && !/engines/i.test(path));
  loaded.set(file.source, found);
  return found;
}

function loadedFiles(): readonly string[] {
  const { report } = process as { report?: NodeJS.ProcessReport & { excludeNetwork?: boolean } };
  if (report === undefined) return [];
  const { excludeNetwork } = report;
  // Or the names of all peers are looked up.
  report.excludeNetwork = true;
  try {
    const { sharedObjects = [] } = report.getReport() as { sharedObjects?: string[] };
    return sharedObjects;
  } finally {
    if (excludeNetwork !== undefined) report.excludeNetwork = excludeNetwork;
  }
}

export function providerMissing(): Problem {
  return new Problem(
    'PROVIDER_MISSING',
    'is on a token, which OpenSSL reaches by its pkcs11-provider, and this process has not loaded that',
    `Start it with: node --openssl-config=openssl.cnf, and write into that file, with the paths of this machine:
${configFor(...paths)}
Where there is no such provider, and Node is older than 28, name libp11's engine beside the key: engine: '${examplePath}'.`,
  );
}

/** Node reads the section that `nodejs_conf` names. One that is called `default` would hold what stands above it. */
export function configFor(provider: string, module: string): string {
  return `nodejs_conf = node_section
[node_section]
providers = provider_section
[provider_section]
default = default_section
pkcs11 = pkcs11_section
[default_section]
activate = 1
[pkcs11_section]
activate = 1
module = ${provider}
pkcs11-module-path = ${module}`;
}

const paths = [
  '/usr/lib/x86_64-linux-gnu/ossl-modules/pkcs11.so',
  '/usr/lib/x86_64-linux-gnu/pkcs11/MODULE.so',
] as const;

/** The PKCS#11 module that the provider is to load and that is not there, as far as its configuration tells. */
export function missingModule(): string | undefined {
  const named = variable('PKCS11_PROVIDER_MODULE') ?? moduleIn(configPath());
  return named !== undefined && /[/\\]/.test(named) && !existsSync(named) ? named : undefined;
}

function configPath(): string | undefined {
  const options = [...process.execArgv, ...(variable('NODE_OPTIONS') ?? '').split(/\s+/)];
  const at = options.findIndex((each) => /^--openssl-config(?:=|$)/.test(each));
  if (at < 0) return variable('OPENSSL_CONF');
  return options[at]!.includes('=') ? options[at]!.slice(options[at]!.indexOf('=') + 1) : options[at + 1];
}

function moduleIn(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return /^\s*pkcs11-module-path\s*=\s*([^\s#]+)/m.exec(readFileSync(path, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
