import { createHmac, randomBytes } from 'node:crypto';
import { type CallerOptions, identityOptions } from './caller.ts';
import type { TunnelProxy } from './tunnel.ts';

/** Options that change what a connection is, and that Node leaves out of its pools' names. */
const unnamed = ['ALPNProtocols', 'allowPartialTrustChain', 'checkServerIdentity', 'secureContext'] as const;

/**
 * The name of the pool that a connection belongs to: Node's own, the profile's id, and what Node leaves
 * out. A caller's own key enters as a digest, never as the text that Node would put there.
 *
 * @see CVE-2026-56850 and CVE-2026-58040, the same omission for `pfx` and `checkServerIdentity`
 */
export function poolName(
  nodeName: (options: CallerOptions) => string,
  options: CallerOptions,
  profileId: string,
  proxy: TunnelProxy | null,
): string {
  let own = proxy ? `:proxy=${describe(proxy)}` : '';
  for (const name of unnamed) if (options[name] != null) own += `:${name}=${describe(options[name])}`;
  let named = options;
  for (const name of identityOptions) {
    if (options[name] == null) continue;
    if (named === options) named = { ...options };
    own += `:${name}=${describe(options[name])}`;
    (named as Record<string, unknown>)[name] = undefined;
  }
  return `${nodeName(named)}:${profileId}${own}`;
}

const identities = new WeakMap<object, number>();
const secret = randomBytes(32);
let count = 0;

/** Equal for equal bytes and texts; for functions and native objects, by identity. */
function describe(value: unknown): string {
  const plain =
    Array.isArray(value) || ArrayBuffer.isView(value) || Object.getPrototypeOf(value) === Object.prototype;
  if (typeof value === 'function' || (typeof value === 'object' && !plain)) {
    let id = identities.get(value as object);
    if (id === undefined) {
      count += 1;
      id = count;
      identities.set(value as object, id);
    }
    return `#${id}`;
  }
  return createHmac('sha256', secret).update(JSON.stringify(value)).digest('base64url');
}
