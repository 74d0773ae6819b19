import { spawnSync } from 'node:child_process';

/** Whether an OpenSSL 3 command is on this machine, to check what we write with someone else's reader. */
export const hasOpenssl: boolean = /^OpenSSL 3/.test(
  spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '',
);
