import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { clientsOf } from './test/adapters/clients.ts';
import { builtPackages, isBuilt } from './test/built.ts';

/** Resolve the workspace packages to their sources: no build is needed, and coverage lands on `src`. */
const conditions = [...(isBuilt ? [] : ['@clientcert/source']), 'node', 'development|production'];
const clients = process.env.CLIENTCERT_TEST_CLIENTS;

/** Loads, long waits, and processes by the dozen: `npm run test:slow`, and `.ci/run`. */
const slow = '**/*.slow.test.ts';
/** The same again over further ways of a client, files and servers, and what derives keys or damages files for long:
 * `npm run test:slow`, and `.ci/run` on the newest Node. */
const wide = '**/*.wide.test.ts';
/** What another file leaves behind in a process would change these: undici, once imported, serves Node's own fetch. */
const alone = '**/*.alone.test.ts';

// Node 20 reads a machine's extra roots again for every context that trusts more: no test is about those.
delete process.env.NODE_EXTRA_CA_CERTS;

const quick = {
  // Tests wait for each other's ends of connections most of the time: more at once than there are cores.
  maxWorkers: Math.max(4, availableParallelism()),
  // Half of the time went into loading the clients and the sources again for every file.
  isolate: false,
};

/** Files of a few lines that run the whole shared suite, or load everything anew. */
const long = ['/test/adapters/', '.alone.test.ts'];

/** What takes longest comes first, so that no core waits for it at the end: Vitest by itself goes by the size of a file. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => long.some((part) => moduleId.includes(part));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  plugins: [...(clients ? [clientsOf(clients)] : []), ...(isBuilt ? [builtPackages] : [])],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    projects: [
      {
        extends: true,
        test: { ...quick, name: 'fast', exclude: [...configDefaults.exclude, slow, wide, alone] },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          exclude: [...configDefaults.exclude, `**/!(*.alone).test.ts`],
          maxWorkers: quick.maxWorkers,
        },
      },
      {
        extends: true,
        test: {
          ...quick,
          name: 'wide',
          exclude: [...configDefaults.exclude, `**/!(*.wide).test.ts`],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          exclude: [...configDefaults.exclude, `**/!(*.slow).test.ts`],
          maxWorkers: 3, // most of them wait
          sequence: { groupOrder: 2 }, // after the others
        },
      },
    ],
    sequence: { sequencer: LongestFirst },
    // Bounds on what hangs, not on what is slow: a machine may be busy with much else.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    coverage: { include: ['packages/*/src/**'], reporter: ['text-summary', 'html'] },
  },
});
