// The suites of what users call, over what is built and shipped: `npm run test:built`.
process.env.CLIENTCERT_TEST_BUILT = '1';

export default (await import('./vitest.config.ts')).default;
