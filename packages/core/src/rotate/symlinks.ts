import { readlink } from 'node:fs/promises';
import { parse, resolve, sep } from 'node:path';

/** An entry of a directory. */
export interface Place {
  readonly directory: string;
  readonly name: string;
}

/** What `readlink` said of each path in one pass: a target, `null` for what is no link, `undefined` for what is not there. */
export type Links = Map<string, Promise<string | null | undefined>>;

/**
 * The entries whose change may change what a path leads to: every symbolic link on the way, and the file
 * itself. Kubernetes moves the link `..data`, certbot the link at the end, most others the file. Where the
 * way ends early, the last entry is the one that is missing.
 *
 * @param path Absolute.
 */
export async function follow(path: string, links: Links = new Map()): Promise<Place[]> {
  const places: Place[] = [];
  let followed = 0;
  let { root: directory } = parse(path);
  const rest = segmentsOf(path);
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const here = resolve(directory, name);
    const target = await readLink(here, links);
    if (target === undefined) return [...places, { directory, name }];
    if (target === null) {
      if (rest.length === 0) places.push({ directory, name });
      directory = here;
      continue;
    }
    places.push({ directory, name });
    followed += 1;
    if (followed > mostLinks) return places;
    const there = resolve(directory, target);
    rest.unshift(...segmentsOf(there));
    directory = parse(there).root;
  }
  return places;
}

/** As many as Linux follows. */
const mostLinks = 40;

function segmentsOf(path: string): string[] {
  return path.slice(parse(path).root.length).split(sep).filter(Boolean);
}

function readLink(path: string, links: Links): Promise<string | null | undefined> {
  let link = links.get(path);
  if (!link) {
    link = readlink(path).catch(({ code }: NodeJS.ErrnoException) => (absent.has(code) ? undefined : null));
    links.set(path, link);
  }
  return link;
}

const absent: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']);
