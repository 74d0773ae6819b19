// Scripts in TypeScript as any Node runs them, on its own and without a test runner around it.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { env } from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';

/** Where the clients under test are installed: the repository, or what the version matrix names. */
const clients = env.CLIENTCERT_TEST_CLIENTS ?? fileURLToPath(new URL('..', import.meta.url));

/**
 * How tsdown is told to take the packages in from their sources.
 *
 * @satisfies {import('tsdown').InlineConfig}
 */
export const fromSources = {
  platform: /** @type {const} */ ('node'),
  fixedExtension: true,
  dts: false,
  config: /** @type {const} */ (false),
  logLevel: /** @type {const} */ ('silent'),
  noExternal: /^@clientcert\//,
  inputOptions: { resolve: { conditionNames: ['@clientcert/source', 'node', 'import', 'default'] } },
};

/** @type {string[]} */
const directories = [];

/**
 * Builds scripts from the sources, beside the clients that they import, so that any Node runs them.
 *
 * @param {string} entry
 * @returns {Promise<string>}
 */
export async function bundle(entry) {
  const outDir = createDirectory();
  const [, name = '', extension] = /^(.*)\.(\w+)$/.exec(basename(entry)) ?? [];
  const format = extension === 'cjs' ? 'cjs' : 'esm';
  await build({
    entry: { [name]: entry },
    outDir,
    format,
    ...fromSources,
    // What issues certificates is not to be bundled, and not in a directory of other clients' versions either.
    external: /^@peculiar\//,
  });
  return join(outDir, `${name}.${format === 'cjs' ? 'cjs' : 'mjs'}`);
}

/** Kept until {@link removeBuilt}. */
export function createDirectory() {
  const modules = join(clients, 'node_modules');
  mkdirSync(modules, { recursive: true });
  const directory = mkdtempSync(join(modules, '.test-'));
  directories.push(directory);
  return directory;
}

export function removeBuilt() {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true });
}
