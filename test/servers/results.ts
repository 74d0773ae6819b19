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

export const tries = ['certificates', 'old TLS', 'optional', 'HTTP/2', 'by path'] as const;
export type Tried = (typeof tries)[number];

/** Puts a result into the folder `SERVERS_TABLE`, for docs/reference/servers.json; without it, nothing. */
export function note(server: RealServer, tried: Tried, calls: number): void {
  const folder = process.env.SERVERS_TABLE;
  if (!folder) return;
  const result: Result = { server: server.name, version: versionOf(server), tried, calls };
  writeFileSync(join(folder, `${encodeURIComponent(server.name)} ${tries.indexOf(tried)}.json`), JSON.stringify(result));
}

/** Some print it on one stream, some on the other; stunnel says before it how it was started. Tomcat’s is that of its parts. */
function versionOf({ version: [program, ...args] }: RealServer): string {
  const { stdout, stderr } = spawnSync(program!, args, { encoding: 'utf8' });
  const [, found] = /(?<![\w.])v?(\d+\.\d+(?:\.\d+)*)/.exec(`${stdout}${stderr}`) ?? [];
  if (!found) throw new Error(`${program} does not say its version: ${stdout}${stderr}`);
  return found;
}
