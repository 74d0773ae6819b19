import { ClientCertificateError } from '@clientcert/core';

/**
 * Refuses to work where requests would go out past the rules, and nobody would notice: Bun puts a fetch of its own in
 * the place of all that undici exports, and it takes no dispatcher.
 *
 * @throws ERR_CLIENTCERT_RUNTIME_UNSUPPORTED
 */
export function checkRuntime(name: string): void {
  if (process.versions.bun === undefined) return;
  throw unsupported(
    `${name}: Bun’s own fetch and undici take no dispatcher, so no rule would hold`,
    'On Bun give `credentials.agent()` to a client that takes an https.Agent, or run this on Node.',
  );
}

/**
 * The same for the fetch that `createFetch` is to call: Deno’s own takes no dispatcher.
 *
 * @throws ERR_CLIENTCERT_RUNTIME_UNSUPPORTED
 */
export function checkFetch(fetch: unknown): void {
  checkRuntime('createFetch()');
  if ((process.versions as { deno?: string }).deno === undefined) return;
  if (fetch !== undefined && fetch !== globalThis.fetch) return;
  throw unsupported(
    'createFetch(): Deno’s own fetch takes no dispatcher, so no rule would hold',
    'Pass undici’s: createFetch(credentials, { fetch }), with `import { fetch } from "npm:undici"`.',
  );
}

function unsupported(message: string, hint: string): ClientCertificateError {
  return new ClientCertificateError('ERR_CLIENTCERT_RUNTIME_UNSUPPORTED', message, { hint });
}
