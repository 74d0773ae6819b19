import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import type { AdapterUnderTest } from './adapter.ts';

/** Where the clients under test are installed: the repository, or what the version matrix names. */
const clients = process.env.CLIENTCERT_TEST_CLIENTS ?? fileURLToPath(new URL('../..', import.meta.url));

const children = new Map<string, Promise<string>>();

/** Builds a script that makes calls with an adapter of a module, once for all of them. */
export function buildChild({ module }: AdapterUnderTest): Promise<string> {
  let child = children.get(module);
  if (!child) {
    const entry = join(createDirectory(), 'child.ts');
    writeFileSync(entry, `import { adapters } from ${JSON.stringify(fileURLToPath(module))};\n${script}`);
    child = bundle(entry);
    children.set(module, child);
  }
  return child;
}

const script = `
import { loadCredentials } from '@clientcert/core';
const { name, config, urls } = JSON.parse(process.argv[2]);
const adapter = adapters.find((each) => each.name === name);
const client = adapter.create(loadCredentials(config));
for (const url of urls) await client.send(url).catch(() => {});
console.log('done');
`;

/** Builds a script from the sources, beside the clients that it imports, so that any Node runs it. */
export async function bundle(entry: string): Promise<string> {
  const outDir = createDirectory();
  const [, name = '', extension] = /^(.*)\.(\w+)$/.exec(basename(entry)) ?? [];
  const format = extension === 'cjs' ? 'cjs' : 'esm';
  await build({
    entry: { [name]: entry },
    outDir,
    format,
    platform: 'node',
    fixedExtension: true,
    dts: false,
    config: false,
    logLevel: 'silent',
    noExternal: /^@clientcert\//,
    inputOptions: { resolve: { conditionNames: ['@clientcert/source', 'node', 'import', 'default'] } },
  });
  return join(outDir, `${name}.${format === 'cjs' ? 'cjs' : 'mjs'}`);
}

const directories: string[] = [];

/** Kept until {@link removeBuilt}. */
function createDirectory(): string {
  const modules = join(clients, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const directory = mkdtempSync(join(modules, '.test-'));
  directories.push(directory);
  return directory;
}

export function removeBuilt(): void {
  children.clear();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}
