import { spawnSync } from 'node:child_process';

const COMMAND = 'openssl';

/** Whether an OpenSSL 3 command is on this machine, to check what we write with someone else's reader. */
export const hasOpenssl: boolean = /^OpenSSL 3/.test(
  spawnSync(COMMAND, ['version'], { encoding: 'utf8' }).stdout ?? '',
);

/** What the command printed, on both streams; throws with it where the command failed. */
export function openssl(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(COMMAND, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr + stdout);
  return stderr + stdout;
}
