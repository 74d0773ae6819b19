import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Problem } from './problem.ts';
import { labelOf, type Surroundings, toPath } from './source.ts';

/** Names of the files of a mounted secret. */
interface Layout {
  readonly identity: readonly string[];
  readonly ca?: readonly string[];
}

/**
 * How certificates are mounted: kubernetes.io/tls and cert-manager, cert-manager's keystores, SPIFFE helper,
 * certbot, and what Docker's and etcd's guides use. The first whose identity files are all there wins.
 */
const layouts: readonly Layout[] = [
  { identity: ['tls.crt', 'tls.key'], ca: ['ca.crt'] },
  { identity: ['svid.pem', 'svid_key.pem'], ca: ['svid_bundle.pem', 'bundle.pem'] },
  { identity: ['keystore.p12'], ca: ['truststore.p12', 'ca.crt'] },
  { identity: ['keystore.jks'], ca: ['truststore.jks', 'ca.crt'] },
  { identity: ['fullchain.pem', 'privkey.pem'] },
  { identity: ['cert.pem', 'key.pem'], ca: ['ca.pem'] },
];

/** Paths of the files in a directory that hold the identity, and of those that hold roots. */
export async function readLayout(
  directory: string | URL,
  surroundings: Surroundings,
): Promise<{ identity: string[]; ca: string[] }> {
  const path = toPath(directory, surroundings.baseDirectory);
  const names = await findNames(path);
  const layout = layouts.find(({ identity }) => identity.every((name) => names.has(name)));
  if (layout === undefined)
    throw new Problem(
      'FILE_NOT_FOUND',
      `${labelOf(path)} holds none of the known layouts: ${layouts.map(({ identity }) => identity.join(' with ')).join('; ')}`,
      'Name the files instead: { cert: …, key: … } or { pfx: … }.',
    );
  const ca = layout.ca?.find((name) => names.has(name));
  return {
    identity: layout.identity.map((name) => join(path, name)),
    ca: ca === undefined ? [] : [join(path, ca)],
  };
}

/** Which of the known names there are. A directory of any size is asked for each, never listed. */
async function findNames(path: string): Promise<Set<string>> {
  try {
    if (!(await stat(path)).isDirectory())
      throw new Problem(
        'FILE_UNREADABLE',
        `${labelOf(path)} is not a directory`,
        'Name the file as pfx, or as cert and key.',
      );
    const names = [...new Set(layouts.flatMap(({ identity, ca = [] }) => [...identity, ...ca]))];
    const found = await Promise.all(names.map((name) => exists(join(path, name))));
    return new Set(names.filter((_, index) => found[index]));
  } catch (cause) {
    if (cause instanceof Problem) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new Problem('FILE_NOT_FOUND', `the directory ${labelOf(path)} does not exist`, undefined, cause);
    throw new Problem(
      'FILE_UNREADABLE',
      `the directory ${labelOf(path)} cannot be read (${code})`,
      undefined,
      cause,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
