import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';
import { clientsOf } from './test/adapters/clients.ts';

/** Resolve the workspace packages to their sources: no build is needed, and coverage lands on `src`. */
const conditions = ['@clientcert/source', 'node', 'development|production'];
const clients = process.env.CLIENTCERT_TEST_CLIENTS;

/** Loads, long waits, and processes by the dozen: `npm run test:slow`, and `.ci/run`. */
const slow = '**/*.slow.test.ts';
/** What another file leaves behind in a process would change these: undici, once imported, serves Node's own fetch. */
const alone = '**/*.alone.test.ts';

// Node 20 reads a machine's extra roots again for every context that trusts more: no test is about those.
delete process.env.NODE_EXTRA_CA_CERTS;

export default defineConfig({
  plugins: clients ? [clientsOf(clients)] : [],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          exclude: [...configDefaults.exclude, slow, alone],
          // Tests wait for each other's ends of connections most of the time: more at once than there are cores.
          maxWorkers: Math.max(4, availableParallelism()),
          // Half of the time went into loading the clients and the sources again for every file.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          exclude: [...configDefaults.exclude, `**/!(*.alone).test.ts`],
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          exclude: [...configDefaults.exclude, `**/!(*.slow).test.ts`],
          maxWorkers: 2,
          sequence: { groupOrder: 2 }, // after the others
        },
      },
    ],
    // Bounds on what hangs, not on what is slow: a machine may be busy with much else.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    coverage: { include: ['packages/*/src/**'], reporter: ['text-summary', 'html'] },
  },
});
