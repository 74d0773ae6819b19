import { defineConfig } from 'vitest/config';
import { clientsOf } from './test/adapters/clients.ts';

/** Resolve the workspace packages to their sources: no build is needed, and coverage lands on `src`. */
const conditions = ['@clientcert/source', 'node', 'development|production'];
const clients = process.env.CLIENTCERT_TEST_CLIENTS;

export default defineConfig({
  plugins: clients ? [clientsOf(clients)] : [],
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/test/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 15_000,
    expect: { poll: { timeout: 10_000 } },
    coverage: { include: ['packages/*/src/**'], reporter: ['text-summary', 'html'] },
  },
});
