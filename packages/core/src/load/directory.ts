import { lstat, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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

/**
 * Paths of the files in a directory that hold the identity, and of those that hold roots. The directory is asked for
 * the names that are known, however many there are in it.
 */
export async function readLayout(
  directory: string | URL,
  surroundings: Surroundings,
): Promise<{ identity: string[]; ca: string[] }> {
  const path = toPath(directory, surroundings.baseDirectory);
  await checkDirectory(path);
  for (const layout of layouts) {
    const identity = layout.identity.map((name) => join(path, name));
    if ((await Promise.all(identity.map(exists))).includes(false)) continue;
    const ca = (layout.ca ?? []).map((name) => join(path, name));
    const found = await Promise.all(ca.map(exists));
    return { identity, ca: ca.filter((_, index) => found[index]).slice(0, 1) };
  }
  throw new Problem(
    'FILE_NOT_FOUND',
    `${labelOf(path)} holds none of the known layouts: ${layouts.map(({ identity }) => identity.join(' with ')).join('; ')}`,
    'Name the files instead: { cert: …, key: … } or { pfx: … }.',
  );
}

async function checkDirectory(path: string): Promise<void> {
  const stats = await stat(path).catch((cause) => explain(path, cause));
  if (stats.isDirectory()) return;
  throw new Problem(
    'FILE_UNREADABLE',
    `${labelOf(path)} is not a directory`,
    'Name the file as pfx, or as cert and key.',
  );
}

/** Whether there is such an entry, wherever it leads. */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    return explain(dirname(path), cause);
  }
}

function explain(path: string, cause: unknown): never {
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
