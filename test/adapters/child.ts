import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';
import type { AdapterUnderTest } from './suite.ts';

/** Where the clients under test are installed: the repository, or what the version matrix names. */
const clients = process.env.CLIENTCERT_TEST_CLIENTS ?? fileURLToPath(new URL('../..', import.meta.url));

/**
 * Builds a script that makes calls with the adapter, from the sources, beside the clients that it imports.
 * It is removed when this process exits.
 */
export async function buildChild(adapter: AdapterUnderTest): Promise<string> {
  const modules = join(clients, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const directory = mkdtempSync(join(modules, '.test-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const entry = join(directory, 'child.ts');
  const module = fileURLToPath(adapter.module);
  writeFileSync(
    entry,
    `import { adapters } from ${JSON.stringify(module)};\nconst name = ${JSON.stringify(adapter.name)};\n${script}`,
  );
  await build({
    entry,
    outDir: directory,
    format: 'esm',
    platform: 'node',
    fixedExtension: true,
    dts: false,
    config: false,
    clean: false,
    logLevel: 'silent',
    noExternal: /^@clientcert\//,
    inputOptions: { resolve: { conditionNames: ['@clientcert/source', 'node', 'import', 'default'] } },
  });
  return join(directory, `${basename(entry, '.ts')}.mjs`);
}

const script = `
import { loadCredentials } from '@clientcert/core';
const { config, urls } = JSON.parse(process.argv[2]);
const adapter = adapters.find((each) => each.name === name);
const client = adapter.create(loadCredentials(config));
for (const url of urls) await client.send(url).catch(() => {});
console.log('done');
`;
