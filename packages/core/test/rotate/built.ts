import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';

/** Core as one module that a process of its own can import; inside the package, so that it finds what it needs. */
export async function buildCore(): Promise<{ path: string; module: string } & AsyncDisposable> {
  const modules = fileURLToPath(new URL('../../node_modules', import.meta.url));
  await mkdir(modules, { recursive: true });
  const path = await mkdtemp(join(modules, '.test-'));
  await build({
    entry: fileURLToPath(new URL('../../src/index.ts', import.meta.url)),
    outDir: path,
    format: 'esm',
    platform: 'node',
    fixedExtension: true,
    dts: false,
    config: false,
    logLevel: 'silent',
  });
  return {
    path,
    module: join(path, 'index.mjs'),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
