import { readdirSync, readFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);

/** A package of this project, and what npm installs with it, the clients apart. */
export interface Row {
  name: string;
  dependencies: { name: string; version: string; licence: string; direct: boolean }[];
}

declare const data: Row[];

export { data };

export default {
  watch: ['../../package-lock.json'],
  load(): Row[] {
    const { packages } = read('package-lock.json') as { packages: Record<string, Locked> };
    return readdirSync(new URL('packages/', root))
      .map((folder) => `packages/${folder}`)
      .map((path) => ({
        name: read(`${path}/package.json`).name as string,
        dependencies: installedWith(path, packages),
      }));
  },
};

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly resolved?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** All that the lock file holds for a package, in the order of the names. */
export function installedWith(path: string, packages: Readonly<Record<string, Locked>>): Row['dependencies'] {
  const found = new Map<string, Row['dependencies'][number]>();
  const visit = (from: string, direct: boolean) => {
    for (const name of Object.keys(packages[from]?.dependencies ?? {})) {
      const place = placeOf(name, from, packages);
      const { link, resolved, version, license } = packages[place]!;
      if (link) {
        visit(resolved!, false);
        continue;
      }
      if (found.has(name)) continue;
      if (!license) throw new Error(`no licence is known of ${name}`);
      found.set(name, { name, version: version!, licence: license, direct });
      visit(place, false);
    }
  };
  visit(path, true);
  return [...found.values()].toSorted((a, b) => a.name.localeCompare(b.name, 'en'));
}

/** Where Node finds a package from another: in the nearest node_modules above it. */
function placeOf(name: string, from: string, packages: Readonly<Record<string, Locked>>): string {
  for (let above = from; ; above = above.slice(0, Math.max(0, above.lastIndexOf('/')))) {
    const place = `${above}${above === '' ? '' : '/'}node_modules/${name}`;
    if (packages[place]) return place;
    if (above === '') throw new Error(`${name} is not in package-lock.json`);
  }
}

function read(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(path, root), 'utf8'));
}
