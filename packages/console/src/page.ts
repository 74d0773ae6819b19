import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

/** A file of the page. */
export interface PageFile {
  readonly type: string;
  readonly content: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * The files of the page, read once and by name: no path of a request ever reaches the file system.
 *
 * @throws where the page was not built
 */
export function readPage(directory: string): ReadonlyMap<string, PageFile> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );
  return new Map(
    files.flatMap(({ parentPath, name }) => {
      const path = join(parentPath, name);
      const type = TYPES[extname(name)];
      const key = path
        .slice(directory.length)
        .replace(/^[\\/]+/, '')
        .replaceAll('\\', '/');
      return type === undefined
        ? []
        : [[key === 'index.html' ? '' : key, { type, content: readFileSync(path) }]];
    }),
  );
}
