import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isPlausible } from '../quote.ts';
import { toPath } from './file.ts';
import { Problem } from './problem.ts';
import { labelOf } from './source.ts';
import type { Surroundings } from './surroundings.ts';

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
  const label = labelOf(directory, surroundings.baseDirectory);
  // What is not shown is not in the cause, either: its message repeats the path.
  const isShown = typeof directory !== 'string' || isPlausible(directory, 'path', surroundings.baseDirectory);
  const explain = (cause: unknown): never => explainAs(label, cause, isShown);
  const stats = await stat(path).catch(explain);
  if (!stats.isDirectory())
    throw new Problem(
      'FILE_UNREADABLE',
      `${label} is not a directory`,
      'Name the file as pfx, or as cert and key.',
    );
  const exists = (entry: string) => isThere(entry).catch(explain);
  for (const layout of layouts) {
    const identity = layout.identity.map((name) => join(path, name));
    if ((await Promise.all(identity.map(exists))).includes(false)) continue;
    const ca = (layout.ca ?? []).map((name) => join(path, name));
    const found = await Promise.all(ca.map(exists));
    return { identity, ca: ca.filter((_, index) => found[index]).slice(0, 1) };
  }
  throw new Problem(
    'FILE_NOT_FOUND',
    `${label} holds none of the known layouts: ${layouts.map(({ identity }) => identity.join(' with ')).join('; ')}`,
    'Name the files instead: { cert: …, key: … } or { pfx: … }.',
  );
}

/** Whether there is such an entry, wherever it leads. */
async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function explainAs(label: string, error: unknown, isShown: boolean): never {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  const cause = isShown ? error : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG')
    throw new Problem('FILE_NOT_FOUND', `the directory ${label} does not exist`, undefined, cause);
  throw new Problem('FILE_UNREADABLE', `the directory ${label} cannot be read (${code})`, undefined, cause);
}
