import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';

/**
 * The sources of this moment as modules that a process of its own can import: `core.mjs`, `testing.mjs`. They are
 * inside the package, so that they find what they depend on; with core stand `adapter.mjs` and `enrolment.mjs`.
 */
export async function buildModules(
  ...names: ('core' | 'testing')[]
): Promise<{ path: string } & AsyncDisposable> {
  const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
  await mkdir(modules, { recursive: true });
  const path = await mkdtemp(join(modules, '.test-'));
  for (const name of names) {
    await build({
      entry: {
        [name]: fileURLToPath(new URL(`../../${name}/src/index.ts`, import.meta.url)),
        ...(name === 'core' && { adapter: entry('adapter'), enrolment: entry('enrolment') }),
      },
      outDir: path,
      clean: false,
      format: 'esm',
      platform: 'node',
      fixedExtension: true,
      dts: false,
      config: false,
      logLevel: 'silent',
    });
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const entry = (name: string) => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url));
