import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RealServer } from './launch.ts';

/** How many calls a server was tried with; each of them stood in what it wrote. */
export interface Result {
  readonly server: string;
  readonly version: string;
  readonly tried: Tried;
  readonly calls: number;
}

export const tries = ['certificates', 'old TLS', 'optional', 'HTTP/2', 'by path', 'signed messages'] as const;
export type Tried = (typeof tries)[number];

/** Puts a result into the folder `SERVERS_TABLE`, for docs/reference/servers.json; without it, nothing. */
export function note(
  { name, version }: { readonly name: string; readonly version: string | RealServer['version'] },
  tried: Tried,
  calls: number,
): void {
  const folder = process.env.SERVERS_TABLE;
  if (!folder) return;
  const result: Result = {
    server: name,
    version: typeof version === 'string' ? version : ask(version),
    tried,
    calls,
  };
  writeFileSync(
    join(folder, `${encodeURIComponent(name)} ${tries.indexOf(tried)}.json`),
    JSON.stringify(result),
  );
}

/** The first number in what it prints, on whichever stream; stunnel prints its own first. */
function ask([program, ...args]: RealServer['version']): string {
  const { stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
  const [, found] = /(?<![\w.])v?(\d+\.\d+(?:\.\d+)*)/.exec(`${stdout}${stderr}`) ?? [];
  if (!found) throw new Error(`${program} does not say its version: ${stdout}${stderr}`);
  return found;
}
