import { defineConfig } from 'vitest/config';

/** Resolve the workspace packages to their sources: no build is needed, and coverage lands on `src`. */
const conditions = ['@clientcert/source', 'node', 'import', 'default'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 15_000,
    coverage: { include: ['packages/*/src/**'], reporter: ['text-summary', 'html'] },
  },
});
