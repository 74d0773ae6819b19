import { dirname } from 'node:path';

/**
 * Where programs are started: a directory that holds nothing of what they are to look at. Windows takes a program of that
 * name from there before it looks for one in `PATH`, and a repository can hold a `git.exe`.
 *
 * @see CWE-427
 */
export const outside: string = dirname(process.execPath);
