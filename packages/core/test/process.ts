import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildModules } from './built.ts';

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
  const built = await buildModules('core', 'testing');
  let count = 0;
  return {
    async run(script, { args = [], env = {} } = {}) {
      count += 1;
      const path = join(built.path, `run-${count}.mjs`);
      const imports = `import * as core from './core.mjs';\nimport * as testing from './testing.mjs';\nimport https from 'node:https';\n`;
      await writeFile(path, imports + script);
      const child = spawn(process.execPath, [...args, path], {
        env: { ...process.env, ...env },
        timeout: 40_000,
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
    close: async () => built[Symbol.asyncDispose](),
  };
}
