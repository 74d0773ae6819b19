import { checkFetchRuntime } from '@clientcert/core/adapter';

const instead =
  'On Bun give `credentials.agent()` to a client that takes an https.Agent, or run this on Node.';

/** @throws ERR_CLIENTCERT_RUNTIME_UNSUPPORTED on Bun, whose fetch stands in the place of all that undici exports. */
export function checkRuntime(callee: string): void {
  checkFetchRuntime(callee, ['bun'], instead);
}

/**
 * The same for the fetch that `createFetch` is to call, which on Deno may be undici's.
 *
 * @throws ERR_CLIENTCERT_RUNTIME_UNSUPPORTED
 */
export function checkFetch(fetch: unknown): void {
  checkRuntime('createFetch()');
  if (fetch !== undefined && fetch !== globalThis.fetch) return;
  const brought =
    'Pass undici’s: createFetch(credentials, { fetch }), with `import { fetch } from "npm:undici"`.';
  checkFetchRuntime('createFetch()', ['deno'], brought);
}
