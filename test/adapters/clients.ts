import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vitest/config';

/** The version matrix installs other versions of the clients in a directory: tests import them from there. */
export function clientsOf(directory: string): Plugin {
  const { dependencies } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  return {
    name: 'clients of the version matrix',
    enforce: 'pre',
    resolveId(id) {
      const [name = ''] = /^(@[^/]+\/)?[^/]+/.exec(id) ?? [];
      if (!Object.hasOwn(dependencies, name)) return undefined;
      return this.resolve(id, join(directory, 'tests.js'), { skipSelf: true });
    },
  };
}
