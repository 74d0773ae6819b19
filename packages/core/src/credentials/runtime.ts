import { ClientCertificateError } from '../errors.ts';

/** The oldest versions in which `node:https` and `node:tls` are known to do what they do in Node (`npm run test:runtimes`). */
const since = { bun: [1, 4], deno: [2, 9] } as const;

/**
 * Refuses to load anything where rules would be ignored in silence: in Bun before 1.4, `node:https` sends requests
 * past their agent, and `node:tls` heeds neither TLS versions nor pins.
 *
 * @throws ERR_CLIENTCERT_RUNTIME_UNSUPPORTED
 */
export function checkRuntime(versions: NodeJS.ProcessVersions = process.versions): void {
  for (const [name, [major, minor]] of Object.entries(since)) {
    const version = versions[name];
    if (version === undefined) continue;
    const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
    if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) continue;
    const runtime = nameOf(name);
    throw new ClientCertificateError(
      'ERR_CLIENTCERT_RUNTIME_UNSUPPORTED',
      `${runtime} ${version} is not known to keep to the rules: older versions send requests past them, without a certificate`,
      { hint: `Update it to ${runtime} ${major}.${minor} or newer, or run this on Node.` },
    );
  }
}

/**
 * Refuses to work where requests would go out past the rules, and nobody would notice: the fetch of Bun and that of Deno
 * take no dispatcher, and Bun puts its own in the place of all that undici exports.
 *
 * @param callee What is refused, as messages call it, e.g. `createFetch()`.
 * @param runtimes Those whose fetch would be used.
 * @param hint What to use there.
 * @throws ERR_CLIENTCERT_RUNTIME_UNSUPPORTED
 */
export function checkFetchRuntime(callee: string, runtimes: readonly ('bun' | 'deno')[], hint: string): void {
  const runtime = runtimes.find((name) => process.versions[name] !== undefined);
  if (runtime === undefined) return;
  throw new ClientCertificateError(
    'ERR_CLIENTCERT_RUNTIME_UNSUPPORTED',
    `${callee}: the fetch of ${nameOf(runtime)} takes no dispatcher, so no rule would hold`,
    { hint },
  );
}

function nameOf(runtime: string): string {
  return `${runtime[0]!.toUpperCase()}${runtime.slice(1)}`;
}
