import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vitest/config';

/** The version matrix installs other versions of the clients in a directory: tests import them from there. */
export function clientsOf(directory: string): Plugin {
  const manifest = join(realpathSync(directory), 'package.json');
  const { dependencies } = JSON.parse(readFileSync(manifest, 'utf8'));
  return {
    name: 'clients of the version matrix',
    enforce: 'pre',
    async resolveId(id) {
      const [name = ''] = /^(@[^/]+\/)?[^/]+/.exec(id) ?? [];
      if (!Object.hasOwn(dependencies, name)) return undefined;
      // Resolved as if the manifest imported it: for an importer that does not exist Vite takes the root.
      const found = await this.resolve(id, manifest, { skipSelf: true });
      if (!found?.id.startsWith(realpathSync(directory))) throw new Error(`${id} is not in ${directory}`);
      return found;
    },
  };
}
