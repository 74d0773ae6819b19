import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export interface Finished {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Processes of their own, that run core as it is built from the sources of this moment. */
export interface Processes {
  /** Runs a module in which `core`, `testing` and `https` are imported. */
  run(script: string, options?: { args?: string[]; env?: NodeJS.ProcessEnv }): Promise<Finished>;
  close(): Promise<void>;
}

export async function buildProcesses(): Promise<Processes> {
  // Inside the package, so that what is built finds its dependencies.
  await mkdir(at('../node_modules'), { recursive: true });
  const directory = await mkdtemp(join(at('../node_modules'), '.test-'));
  const shared = { format: 'esm', platform: 'node', dts: false, config: false, logLevel: 'silent' } as const;
  for (const name of ['core', 'testing']) {
    await build({
      ...shared,
      entry: { [name]: at(`../../${name}/src/index.ts`) },
      outDir: directory,
      clean: false,
      fixedExtension: true,
    });
  }
  let count = 0;
  return {
    async run(script, { args = [], env = {} } = {}) {
      count += 1;
      const path = join(directory, `run-${count}.mjs`);
      const imports = `import * as core from './core.mjs';\nimport * as testing from './testing.mjs';\nimport https from 'node:https';\n`;
      await writeFile(path, imports + script);
      const child = spawn(process.execPath, [...args, path], {
        env: { ...process.env, ...env },
        timeout: 10_000,
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
      });
      child.stderr.on('data', (chunk) => {
        stderr += chunk;
      });
      const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
      return { status, stdout, stderr };
    },
    close: () => rm(directory, { recursive: true, force: true }),
  };
}
