import { variable } from '../own.ts';

/** Where a call is made. What it names is there, wherever the process goes before it is read. */
export interface Here {
  /** The working directory; `undefined` where there is none. */
  readonly directory?: string | undefined;
  /** The config that the environment names. */
  readonly named?: string | undefined;
}

export function here(): Here {
  return { directory: workingDirectory(), named: variable('CLIENTCERT_CONFIG') };
}

/** It may have been removed, which is no matter where nothing is relative to it. */
export function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
