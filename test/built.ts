import type { Plugin } from 'vitest/config';

/** Whether tests are of what is built, of which there is one copy in a process. */
export const isBuilt: boolean = process.env.CLIENTCERT_TEST_BUILT === '1';

/** Has tests import what is built, and shipped, in place of the packages' sources: `npm run test:built`. */
export const builtPackages: Plugin = {
  name: 'built packages',
  enforce: 'pre',
  async resolveId(id, importer) {
    const found = id.startsWith('.') && (await this.resolve(id, importer, { skipSelf: true }));
    const entry = found && /^(.*\/packages\/[^/]+\/)src\/(index|adapter|enrolment)\.ts$/.exec(found.id);
    return entry ? `${entry[1]}dist/${entry[2]}.js` : undefined;
  },
};
