import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where Debian and Fedora put libraries. */
const directories = ['/usr/lib64', ...triplets()];

function triplets(): string[] {
  try {
    return readdirSync('/usr/lib', { withFileTypes: true })
      .filter((each) => each.isDirectory() && each.name.includes('-linux-'))
      .map(({ name }) => join('/usr/lib', name));
  } catch {
    return [];
  }
}

export const find = (...names: string[]): string | undefined =>
  directories.flatMap((each) => names.map((name) => join(each, name))).find(existsSync);

export const provider: string | undefined = find('ossl-modules/pkcs11.so');
/** Writes down every call that it passes on to another module. */
export const spy: string | undefined = find('pkcs11-spy.so', 'pkcs11/pkcs11-spy.so');

export function hasTool(name: string): boolean {
  return (process.env.PATH ?? '').split(':').some((each) => existsSync(join(each, name)));
}

/** How often a module was called so, as `pkcs11-spy` wrote it down. */
export async function countCalls(log: string, name: string): Promise<number> {
  const calls = await readFile(log, 'utf8').catch(() => '');
  return calls.split('\n').filter((line) => line.endsWith(`: ${name}`)).length;
}
